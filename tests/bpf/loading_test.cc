// Loading: every family on this kernel, with as few capabilities as promised, and pins that outlive a loader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "bpf/skel/refused.skel.h"
#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/skeleton.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::Program;
using bpfobj::Traffic;

constexpr Program kAll[] = {Program::PodOut,    Program::PodIn,    Program::UplinkOut, Program::SockOps,
                            Program::CgroupOut, Program::CgroupIn, Program::PaceAll,   Program::ReleaseAll};

// `work` in a child, so that what it gives up is given up by nobody else. What it returns is shown.
std::string inChild(const std::function<std::string()>& work) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  pid_t child = fork();
  if (child == 0) {
    std::string said = work();
    (void)!write(ends[1], said.data(), said.size());
    _exit(0);
  }
  close(ends[1]);
  std::string out(65536, '\0');
  ssize_t got = read(ends[0], out.data(), out.size());
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return "the child died";
  out.resize(got < 0 ? 0 : got);
  return out;
}

void keepOnly(uint64_t capabilities) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int i = 0; i < 2; ++i)
    data[i].effective = data[i].permitted = static_cast<uint32_t>(capabilities >> (32 * i));
  syscall(SYS_capset, &header, data);
}

std::string loadAll(const bpfobj::TrafficOptions& options) {
  auto traffic = Traffic::load(options);
  if (!traffic) return traffic.error().message;
  for (Program program : kAll)
    if (auto fd = traffic->program(program); !fd) return fd.error().message;
  return "loaded";
}

class Loading : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(Loading, EveryFamilyOnThisKernel) {
  EXPECT_EQ(inChild([] { return loadAll({}); }), "loaded");
}

TEST_F(Loading, NeedsNoSysAdmin) {
  EXPECT_EQ(inChild([] {
              keepOnly(1ull << CAP_BPF | 1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON);
              return loadAll({});
            }),
            "loaded");
}

TEST_F(Loading, SaysWhatItLacks) {
  std::string said = inChild([] {
    keepOnly(1ull << CAP_NET_ADMIN | 1ull << CAP_PERFMON);
    return loadAll({});
  });
  EXPECT_THAT(said, ::testing::HasSubstr("EPERM")) << said;
}

TEST_F(Loading, GivesTheVerifiersWholeLogOnFailureAndNothingElse) {
  ::testing::internal::CaptureStderr();
  auto skeleton = bpfobj::openSkeleton<refused_bpf>("refused");
  ASSERT_TRUE(skeleton);
  bpfobj::MapPlan plan;
  auto loaded = bpfobj::loadSkeleton("refused", *skeleton, plan);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ASSERT_FALSE(loaded);
  const std::string& said = loaded.error().message;
  EXPECT_THAT(said, ::testing::StartsWith("load the programs of refused: "));
  EXPECT_THAT(said, ::testing::HasSubstr("0: R1=ctx"));           // its beginning
  EXPECT_THAT(said, ::testing::HasSubstr("invalid mem access"));  // its reason
  EXPECT_THAT(said, ::testing::HasSubstr("END PROG LOAD LOG"));
  EXPECT_EQ(loaded.error().code, base::ErrorCode::PermissionDenied);
}

// A private mount, in a child: nothing of it is left when the child ends.
std::string withBpffs(const std::function<std::string(const std::string&)>& work) {
  return inChild([&work]() -> std::string {
    char path[] = "/tmp/plimsoll-bpffs-XXXXXX";
    if (mkdtemp(path) == nullptr) return "mkdtemp";
    std::string said = "mount";
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("bpf", path, "bpf", 0, nullptr) == 0) {
      said = work(path);
      umount2(path, MNT_DETACH);
    }
    rmdir(path);
    return said;
  });
}

TEST_F(Loading, PinnedMapsOutliveTheirLoader) {
  EXPECT_EQ(withBpffs([](const std::string& bpffs) -> std::string {
              uint32_t slot = 0;
              {
                auto first = Traffic::load({.bpffs = bpffs, .entities = 100});
                if (!first) return first.error().message;
                slot = *first->putEntity(4711, {.class_id = kClassHigh});
              }
              auto second =
                  Traffic::load({.bpffs = bpffs, .entities = 3000});  // another size: what runs is kept
              if (!second) return second.error().message;
              if (second->findEntity(4711) != slot) return "the container was forgotten";
              if (second->entity(slot).class_id != kClassHigh) return "its class was forgotten";
              return second->pinFolder() == bpffs + "/plimsoll/v1" ? "kept" : second->pinFolder();
            }),
            "kept");
}

TEST_F(Loading, RefusesMapsOfAnotherLayout) {
  std::string said = withBpffs([](const std::string& bpffs) -> std::string {
    auto first = Traffic::load({.bpffs = bpffs});
    if (!first) return first.error().message;
    std::string folder = first->pinFolder();
    unlink((folder + "/plm_links").c_str());
    rename((folder + "/plm_details").c_str(), (folder + "/plm_links").c_str());
    return loadAll({.bpffs = bpffs});
  });
  EXPECT_THAT(said, ::testing::HasSubstr("plm_links")) << said;
}

}  // namespace
}  // namespace plimsoll::testing
