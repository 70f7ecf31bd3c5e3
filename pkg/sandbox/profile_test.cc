// The table of profiles, and the container's seccomp profile that is made of it. To write the file anew:
//   PLIMSOLL_WRITE=1 build/pkg/sandbox/sandbox_test --gtest_filter='*ContainersProfile*'
#include "pkg/sandbox/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "pkg/sandbox/seccomp.h"

namespace plimsoll::sandbox {
namespace {

using nlohmann::ordered_json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> everyProfile() {
  auto names = profileNames();
  return {names.begin(), names.end()};
}

TEST(Profile, EveryCallIsKnownAndStandsInAGroupOnce) {
  for (const Profile& profile : profiles()) {
    std::set<std::string_view> seen;
    for (const SyscallGroup& group : profile.syscalls) {
      EXPECT_FALSE(group.why.empty());
      for (std::string_view name : group.names) {
        EXPECT_TRUE(isKnownSyscall(name)) << name;
        EXPECT_TRUE(seen.insert(name).second) << name << " twice in " << profile.name;
      }
    }
  }
  for (std::string_view name : launcherSyscalls().names) EXPECT_TRUE(isKnownSyscall(name)) << name;
}

TEST(Profile, EveryCapabilityHasItsReasonAndCoreHasNone) {
  EXPECT_TRUE(findProfile("core")->capabilities.empty());
  for (const Profile& profile : profiles()) {
    EXPECT_FALSE(profile.does.empty());
    for (const CapabilityReason& reason : profile.capabilities) {
      EXPECT_FALSE(reason.why.empty());
      EXPECT_FALSE(reason.without.empty());
    }
  }
}

TEST(Profile, NeedsAreTheUnionWithCore) {
  const std::vector<std::string> net = {"net"};
  auto needs = needsOf(net);
  ASSERT_TRUE(needs);
  EXPECT_EQ(needs->capabilities, (CapabilitySet{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON}));
  EXPECT_THAT(needs->syscalls, IsSupersetOf({std::string_view("bpf"), std::string_view("openat2")}));
  EXPECT_THAT(needs->syscalls, Not(Contains("setns")));
  const std::vector<std::string> wrong = {"core", "root"};
  EXPECT_THAT(needsOf(wrong).error().message, HasSubstr("core, processes, namespaces, net"));
}

// What an attacker in the agent would want first.
TEST(Profile, NoProfileRunsProgramsLoadsModulesOrTracesProcesses) {
  auto needs = needsOf(everyProfile());
  ASSERT_TRUE(needs);
  for (std::string_view name : {"execve",         "execveat",
                                "fork",           "vfork",
                                "ptrace",         "process_vm_writev",
                                "init_module",    "finit_module",
                                "kexec_load",     "mount",
                                "umount2",        "pivot_root",
                                "chroot",         "reboot",
                                "keyctl",         "add_key",
                                "io_uring_setup", "userfaultfd",
                                "setuid",         "capset",
                                "kill",           "open_by_handle_at",
                                "mknod",          "mknodat"}) {
    EXPECT_THAT(needs->syscalls, Not(Contains(name)));
  }
}

TEST(Capabilities, NamesAndNumbersBelongTogether) {
  EXPECT_EQ(capabilityName(CAP_SYS_ADMIN), "SYS_ADMIN");
  EXPECT_EQ(capabilityName(CAP_BPF), "BPF");
  EXPECT_EQ(capabilityName(CAP_CHECKPOINT_RESTORE), "CHECKPOINT_RESTORE");
  EXPECT_EQ(capabilityName(60), "60");
  for (int number = 0; number <= CAP_LAST_CAP; ++number) {
    EXPECT_EQ(capabilityNumber(capabilityName(number)), number);
  }
  EXPECT_EQ(capabilityNumber("CAP_BPF"), std::nullopt);
  EXPECT_EQ(toString(CapabilitySet{}), "none");
  EXPECT_EQ(toString(CapabilitySet{CAP_BPF, CAP_KILL}), "KILL BPF");
}

std::string fileText(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The last column of the row that begins with the profile's name holds its capabilities.
TEST(Profile, TheDocumentsTablesSayTheSame) {
  for (const char* page : {SOURCE_ROOT "/docs/security.md", SOURCE_ROOT "/deploy/security/README.md"}) {
    std::string text = fileText(page);
    for (const Profile& profile : profiles()) {
      if (profile.name == "core") continue;
      std::string capabilities;
      for (const CapabilityReason& reason : profile.capabilities)
        capabilities += (capabilities.empty() ? "| " : ", ") + capabilityName(reason.capability);
      size_t row = text.find("`" + std::string(profile.name) + "` |");
      ASSERT_NE(row, std::string::npos) << profile.name << " in " << page;
      EXPECT_THAT(text.substr(row, text.find('\n', row) - row), HasSubstr(capabilities + " |")) << page;
    }
  }
}

// ---- deploy/security/seccomp.json

ordered_json rule(std::vector<std::string> names, const char* action) {
  return {{"names", std::move(names)}, {"action", action}};
}

ordered_json containersProfile() {
  auto needs = needsOf(everyProfile());
  std::set<std::string> plain(needs->syscalls.begin(), needs->syscalls.end());
  plain.insert(launcherSyscalls().names.begin(), launcherSyscalls().names.end());
  for (const char* looked_into : {"clone", "clone3", "socket"}) plain.erase(looked_into);
  ordered_json file;
  file["defaultAction"] = "SCMP_ACT_ERRNO";
  file["defaultErrnoRet"] = EPERM;
  file["architectures"] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_RISCV64"};
  ordered_json& rules = file["syscalls"];
  rules.push_back(rule({plain.begin(), plain.end()}, "SCMP_ACT_ALLOW"));
  const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                              CLONE_NEWPID | CLONE_NEWNET;
  ordered_json clone = rule({"clone"}, "SCMP_ACT_ALLOW");
  clone["args"].push_back(
      {{"index", 0}, {"value", namespaces}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}});
  rules.push_back(clone);
  ordered_json clone3 = rule({"clone3"}, "SCMP_ACT_ERRNO");
  clone3["errnoRet"] = ENOSYS;
  rules.push_back(clone3);
  for (int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
    ordered_json socket = rule({"socket"}, "SCMP_ACT_ALLOW");
    socket["args"].push_back({{"index", 0}, {"value", family}, {"op", "SCMP_CMP_EQ"}});
    rules.push_back(socket);
  }
  return file;
}

TEST(SeccompFile, TheContainersProfileIsMadeOfTheTable) {
  const std::string path = SOURCE_ROOT "/deploy/security/seccomp.json";
  const std::string expected = containersProfile().dump(2) + "\n";
  if (getenv("PLIMSOLL_WRITE")) std::ofstream(path) << expected;
  EXPECT_EQ(fileText(path), expected) << path << " is not what the table says; write it anew";
}

}  // namespace
}  // namespace plimsoll::sandbox
