// Against the kernel itself, with network and IPC namespaces that the test makes. Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "pkg/base/parse.h"
#include "pkg/model/sysctl_name.h"
#include "pkg/netns/access.h"
#include "pkg/netns/test_pod.h"
#include "pkg/sys/file.h"
#include "tests/support/planned.h"

namespace plimsoll::netns {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using mechanism::Applied;
using model::ActsIn;
using model::PlannedSetting;
using model::State;
using testing::HasSubstr;
using testing_support::planned;

Status anybody(std::string_view) { return base::ok(); }

std::string hosts(const std::string& file) {
  auto text = sys::readFile("/proc/sys/" + file);
  return text ? std::string(base::trim(*text)) : "";
}

class NetnsKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || !mayEnterNamespaces()) GTEST_SKIP() << "needs root";
    Pod probe;
    if (!probe.good()) GTEST_SKIP() << "no network namespace can be made here";
  }
  std::unique_ptr<mechanism::Access> open(const Pod& pod, ActsIn where = ActsIn::NetworkNamespace) {
    auto access = openAccess(roots_, Subject{pod.pid(), anybody}, where);
    if (!access) {
      ADD_FAILURE() << access.error().message;
      return nullptr;
    }
    return *std::move(access);
  }
  sys::HostRoots roots_;
};

TEST_F(NetnsKernelTest, ASysctlIsThePodsAndNotTheHosts) {
  Pod pod, neighbour;
  const std::string before = hosts("net/core/somaxconn");
  auto access = open(pod), other = open(neighbour);
  ASSERT_TRUE(access && other);
  const PlannedSetting setting = planned("sysctl.net.core.somaxconn", "1234");
  Applied applied = mechanism::applySetting(*access, setting);
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  EXPECT_TRUE(applied.written);
  EXPECT_EQ(applied.actual, "1234");
  // The second container of the pod finds it in place.
  applied = mechanism::applySetting(*open(pod), setting);
  EXPECT_EQ(applied.state, State::Applied);
  EXPECT_FALSE(applied.written);
  EXPECT_EQ(hosts("net/core/somaxconn"), before);
  EXPECT_EQ(base::trim(*other->read(setting)), before) << "a new namespace has the default";
}

TEST_F(NetnsKernelTest, SysctlsOfTheIpcNamespace) {
  Pod pod;
  auto access = open(pod, ActsIn::IpcNamespace);
  ASSERT_TRUE(access);
  for (const auto& [key, value] : {std::pair{"sysctl.kernel.shm_rmid_forced", "1"},
                                   {"sysctl.kernel.sem", "100 3200 16 64"},
                                   {"sysctl.kernel.shmmax", "1048576"},
                                   {"sysctl.kernel.msgmax", "4096"},
                                   {"sysctl.fs.mqueue.msg_max", "20"}}) {
    PlannedSetting setting = planned(key, value);
    const std::string before = hosts(setting.request.setting.file);
    Applied applied = mechanism::applySetting(*access, setting);
    EXPECT_EQ(applied.state, State::Applied) << key << ": " << applied.reason;
    EXPECT_EQ(hosts(setting.request.setting.file), before) << key;
    // What was found can be understood and written back, up to the largest that the kernel has.
    PlannedSetting back = setting;
    back.value = model::parseKernelText(*setting.request.setting.spec, setting.value, *applied.found).value();
    EXPECT_TRUE(access->write(back)) << key;
    EXPECT_EQ(base::trim(*access->read(back)), base::trim(*applied.found)) << key;
  }
}

TEST_F(NetnsKernelTest, EveryRowOfTheTableIsInANewNamespace) {
  Pod pod;
  auto net = open(pod), ipc = open(pod, ActsIn::IpcNamespace);
  ASSERT_TRUE(net && ipc);
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.target != model::Target::Sysctl || spec.free_name != nullptr) continue;
    const PlannedSetting setting = planned(spec.key, spec.example);
    const bool is_net = model::actsIn(setting.request.setting) == ActsIn::NetworkNamespace;
    Applied applied = mechanism::applySetting(is_net ? *net : *ipc, setting);
    // Not every kernel has every congestion control.
    if (spec.key == "sysctl.net.ipv4.tcp_congestion_control" && applied.state == State::Failed) continue;
    EXPECT_EQ(applied.state, State::Applied) << spec.key << ": " << applied.reason;
    EXPECT_TRUE(model::parseKernelText(spec, setting.value, applied.found.value_or("?"))) << spec.key;
  }
}

TEST_F(NetnsKernelTest, ReservedPortsCanBeEmptiedAgain) {
  Pod pod;
  auto access = open(pod);
  ASSERT_TRUE(access);
  PlannedSetting setting = planned("sysctl.net.ipv4.ip_local_reserved_ports", "8080,9000-9100");
  const Applied applied = mechanism::applySetting(*access, setting);
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  setting.value =
      model::parseKernelText(*setting.request.setting.spec, setting.value, *applied.found).value();
  EXPECT_TRUE(access->write(setting));
  EXPECT_EQ(base::trim(*access->read(setting)), "");
}

TEST_F(NetnsKernelTest, TheHostsNamespaceIsNeverOpened) {
  Pod same("true", 0);  // a process in the host's namespaces
  for (ActsIn where : {ActsIn::NetworkNamespace, ActsIn::IpcNamespace}) {
    auto access = openAccess(roots_, Subject{same.pid(), anybody}, where);
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().code, ErrorCode::FailedPrecondition);
    EXPECT_THAT(access.error().message, HasSubstr("the node's own"));
  }
  struct stat info {};
  ASSERT_EQ(stat("/proc/1/ns/net", &info), 0);
  auto found = openAccess(roots_, mechanism::Place{"net:[" + std::to_string(info.st_ino) + "]", info.st_ino});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::FailedPrecondition);
}

TEST_F(NetnsKernelTest, AnotherContainersProcessIsNotTaken) {
  Pod pod;
  std::string seen;
  const Belongs stranger = [&seen](std::string_view text) -> Status {
    seen = text;
    return base::error(ErrorCode::FailedPrecondition, "not the container's");
  };
  auto access = openAccess(roots_, Subject{pod.pid(), stranger}, ActsIn::NetworkNamespace);
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().message, "not the container's");
  EXPECT_THAT(seen, HasSubstr("::/")) << "the text of /proc/<pid>/cgroup";
}

TEST_F(NetnsKernelTest, IsFoundAgainByItsPlaceWhileAProcessLives) {
  Pod pod, neighbour;
  auto access = open(pod);
  ASSERT_TRUE(access);
  const mechanism::Place place = access->place();
  EXPECT_THAT(place.name, testing::MatchesRegex("net:\\[[0-9]+\\]"));
  EXPECT_NE(place, open(neighbour)->place());
  const PlannedSetting setting = planned("sysctl.net.core.somaxconn", "77");
  ASSERT_TRUE(access->write(setting));
  auto found = openAccess(roots_, place);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ((*found)->place(), place);
  EXPECT_EQ(base::trim(*(*found)->read(setting)), "77");
  // The number alone is not enough: it is given away again.
  auto later = openAccess(roots_, mechanism::Place{place.name, place.id + 1});
  ASSERT_FALSE(later);
  EXPECT_TRUE(later.error().isGone());
  EXPECT_FALSE((*found)->gone());
  pod.end();
  EXPECT_TRUE((*found)->gone());
  found = base::error(ErrorCode::Internal, "closed");
  access.reset();
  auto after = openAccess(roots_, place);
  ASSERT_FALSE(after);
  EXPECT_TRUE(after.error().isGone());
  EXPECT_TRUE(openAccess(roots_, Subject{999'999'999, anybody}, ActsIn::IpcNamespace).error().isGone());
}

TEST_F(NetnsKernelTest, IpcNamespacesHaveAPlaceToo) {
  Pod pod;
  auto access = open(pod, ActsIn::IpcNamespace);
  ASSERT_TRUE(access);
  EXPECT_THAT(access->place().name, testing::MatchesRegex("ipc:\\[[0-9]+\\]"));
  EXPECT_NE(access->place().id, 0u);
  auto found = openAccess(roots_, access->place());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ((*found)->place(), access->place());
}

TEST_F(NetnsKernelTest, WhatIsNotThereIsUnsupportedAndNotGone) {
  Pod pod;
  auto access = open(pod);
  ASSERT_TRUE(access);
  for (const char* key : {"sysctl.net.ipv4.no_such_thing", "sysctl.net.ipv4.conf.eth9.rp_filter"}) {
    const Applied applied = mechanism::applySetting(*access, planned(key, "1"));
    EXPECT_EQ(applied.state, State::Unsupported) << key;
    EXPECT_FALSE(applied.gone);
    EXPECT_THAT(applied.reason, HasSubstr("this kernel shows no /proc/sys/net/ipv4/"));
  }
}

TEST_F(NetnsKernelTest, AValueThatTheKernelRefusesIsFailedWithItsErrno) {
  Pod pod;
  auto access = open(pod);
  ASSERT_TRUE(access);
  const Applied applied =
      mechanism::applySetting(*access, planned("sysctl.net.ipv4.ip_local_port_range", "60000 1000"));
  EXPECT_EQ(applied.state, State::Failed);
  EXPECT_EQ(applied.error_number, EINVAL);
}

TEST_F(NetnsKernelTest, EachAccessKeepsToItsNamespace) {
  Pod pod;
  auto net = open(pod);
  ASSERT_TRUE(net);
  EXPECT_EQ(net->read(planned("sysctl.kernel.sem", "1 2 3 4")).error().code, ErrorCode::Internal);
  EXPECT_EQ(net->write(planned("cpu.weight", "100")).error().code, ErrorCode::Internal);
}

TEST_F(NetnsKernelTest, TheCallersThreadStaysWhereItIs) {
  Pod pod;
  const auto threads = [] {
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
  };
  const auto threads_before = threads();
  struct stat before, after;
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &before), 0);
  auto access = open(pod);
  ASSERT_TRUE(access);
  ASSERT_TRUE(access->write(planned("sysctl.net.core.somaxconn", "99")));
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  // A thread that was joined stays in /proc for a moment: the kernel wakes the joiner before it takes the
  // entry away.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (threads() > threads_before && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LE(threads(), threads_before) << "none is left";
}

constexpr const char* kTwoLinks =
    "ip link add up0 type veth peer name eth0 && ip link set up0 up && ip link set eth0 up && "
    "ip address add 10.9.0.2/24 dev up0";

TEST_F(NetnsKernelTest, TheLinkIsThatOfTheDefaultRoute) {
  Pod pod(std::string(kTwoLinks) + " && ip route add default via 10.9.0.1 dev up0");
  ASSERT_TRUE(pod.good());
  auto access = open(pod);
  ASSERT_TRUE(access);
  Applied applied = mechanism::applySetting(*access, planned("net.mtu", "1400"));
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  EXPECT_EQ(applied.found, "1500");
  applied = mechanism::applySetting(*access, planned("net.txqueuelen", "2000"));
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  const std::string show = "nsenter -t " + std::to_string(pod.pid()) + " -n ip -o link show ";
  EXPECT_EQ(system((show + "up0 | grep -q 'mtu 1400 .*qlen 2000'").c_str()), 0);
  EXPECT_EQ(system((show + "eth0 | grep -q 'mtu 1500'").c_str()), 0);
}

TEST_F(NetnsKernelTest, WithoutARouteItIsEth0AndWithoutEth0None) {
  Pod pod(kTwoLinks), bare;
  ASSERT_TRUE(pod.good());
  auto access = open(pod);
  EXPECT_EQ(mechanism::applySetting(*access, planned("net.mtu", "1300")).state, State::Applied);
  EXPECT_EQ(
      system(("nsenter -t " + std::to_string(pod.pid()) + " -n ip -o link show eth0 | grep -q 'mtu 1300'")
                 .c_str()),
      0);
  const Applied none = mechanism::applySetting(*open(bare), planned("net.mtu", "1300"));
  EXPECT_EQ(none.state, State::Failed);
  EXPECT_THAT(none.reason, HasSubstr("no link with a default route and no eth0"));
}

TEST_F(NetnsKernelTest, AnIpv6OnlyPodHasALinkToo) {
  if (!fs::exists("/proc/net/if_inet6")) GTEST_SKIP() << "no IPv6 here";
  Pod pod(std::string(kTwoLinks) +
          " && ip address flush dev up0 && ip -6 address add fd00:9::2/64 dev up0 nodad && "
          "ip -6 route add default via fd00:9::1 dev up0");
  ASSERT_TRUE(pod.good());
  EXPECT_EQ(mechanism::applySetting(*open(pod), planned("net.txqueuelen", "321")).state, State::Applied);
  EXPECT_EQ(
      system(("nsenter -t " + std::to_string(pod.pid()) + " -n ip -o link show up0 | grep -q 'qlen 321'")
                 .c_str()),
      0);
}

// Keeps only `keep` of the capabilities and does `work` in a process of its own. 0: all went well.
int withCapabilities(std::initializer_list<int> keep, const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    for (int capability : keep) {
      data[CAP_TO_INDEX(capability)].effective |= CAP_TO_MASK(capability);
      data[CAP_TO_INDEX(capability)].permitted |= CAP_TO_MASK(capability);
    }
    if (syscall(SYS_capset, &header, data) != 0) _exit(2);
    _exit(work() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(NetnsKernelTest, WithoutTheCapabilityItSaysWhichAndWhatHelps) {
  Pod pod(std::string(kTwoLinks) + " && ip route add default via 10.9.0.1 dev up0");
  ASSERT_TRUE(pod.good());
  const Subject subject{pod.pid(), anybody};
  const auto refused = [](const auto& result, const char* capability) {
    const bool right = !result && result.error().code == ErrorCode::Unimplemented &&
                       result.error().message.find(capability) != std::string::npos &&
                       result.error().message.find("profile \"namespaces\"") != std::string::npos;
    if (!right) printf("%s\n", result ? "no error" : result.error().message.c_str());
    return right;
  };
  EXPECT_EQ(withCapabilities({},
                             [&] {
                               return !mayEnterNamespaces() &&
                                      refused(openAccess(roots_, subject, ActsIn::NetworkNamespace),
                                              "CAP_SYS_PTRACE");
                             }),
            0);
  EXPECT_EQ(withCapabilities({CAP_SYS_PTRACE},
                             [&] {
                               auto access = openAccess(roots_, subject, ActsIn::IpcNamespace);
                               if (!access) return refused(access, "CAP_SYS_ADMIN");
                               return refused((*access)->read(planned("sysctl.kernel.sem", "1 2 3 4")),
                                              "CAP_SYS_ADMIN");
                             }),
            0);
  const auto both = {CAP_SYS_PTRACE, CAP_SYS_ADMIN};
  EXPECT_EQ(withCapabilities(both,
                             [&] {
                               auto access = openAccess(roots_, subject, ActsIn::NetworkNamespace);
                               if (!access || !mayEnterNamespaces()) return false;
                               const Applied done = mechanism::applySetting(
                                   **access, planned("sysctl.net.core.somaxconn", "55"));
                               if (done.state != State::Applied) printf("%s\n", done.reason.c_str());
                               return done.state == State::Applied &&
                                      refused((*access)->write(planned("net.mtu", "1400")), "CAP_NET_ADMIN");
                             }),
            0);
  EXPECT_EQ(withCapabilities({CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_NET_ADMIN},
                             [&] {
                               auto access = openAccess(roots_, subject, ActsIn::NetworkNamespace);
                               return access &&
                                      mechanism::applySetting(**access, planned("net.mtu", "1400")).state ==
                                          State::Applied;
                             }),
            0);
}

// Every file below net/ that the rule "anything" would let a pod write, as far as it holds one small number:
// what is written in one namespace must not be seen in another.
TEST_F(NetnsKernelTest, NoSysctlThatCouldBeWrittenReachesAnotherNamespace) {
  Pod pod(kTwoLinks), neighbour(kTwoLinks);
  auto mine = Namespace::ofProcess(roots_, pod.pid(), Kind::Network, anybody);
  auto theirs = Namespace::ofProcess(roots_, neighbour.pid(), Kind::Network, anybody);
  ASSERT_TRUE(mine && theirs);
  std::vector<std::string> files;
  ASSERT_TRUE(mine->run([&]() -> Status {
    for (const auto& entry : fs::recursive_directory_iterator("/proc/sys/net")) {
      const std::string file = entry.path().string().substr(10);
      const auto perms = entry.status().permissions();
      const bool writable = (perms & fs::perms::owner_write) != fs::perms::none &&
                            (perms & fs::perms::owner_read) != fs::perms::none;
      if (entry.is_regular_file() && writable && model::namespacedSysctl(file)) files.push_back(file);
    }
    return base::ok();
  }));
  EXPECT_GT(files.size(), 100u);
  const auto readIn = [](const Namespace& ns, const std::string& file) {
    std::string text;
    (void)ns.run([&]() -> Status {
      text = hosts(file);
      return base::ok();
    });
    return text;
  };
  int written = 0;
  for (const std::string& file : files) {
    const std::string before = readIn(*mine, file), there = readIn(*theirs, file), host = hosts(file);
    const auto number = base::parseInt<int>(before);
    if (!number) continue;
    (void)mine->run([&]() -> Status {
      std::ofstream("/proc/sys/" + file) << (*number == 1 ? 0 : 1) << "\n";
      return base::ok();
    });
    if (readIn(*mine, file) == before) continue;  // refused, or out of range
    ++written;
    EXPECT_EQ(readIn(*theirs, file), there) << file;
    EXPECT_EQ(hosts(file), host) << file;
  }
  EXPECT_GT(written, 50);
}

// In a PID namespace whose first process is ours, where the real first process may not be looked at (a test
// machine that is a container itself).
int inOwnPidNamespace() {
  if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return RUN_ALL_TESTS();
  const pid_t child = fork();
  if (child == 0) {
    const bool good = mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                      mount("proc", "/proc", "proc", 0, nullptr) == 0;
    if (!good) perror("mount /proc");
    std::exit(good ? RUN_ALL_TESTS() : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace
}  // namespace plimsoll::netns

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  struct stat info {};
  const bool hidden = stat("/proc/1/ns/net", &info) != 0 && errno == EACCES;
  return hidden && geteuid() == 0 ? plimsoll::netns::inOwnPidNamespace() : RUN_ALL_TESTS();
}
