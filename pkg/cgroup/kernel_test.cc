// Against the kernel itself, on whatever cgroup v2 tree this host has: what plain files cannot show. Needs
// root and a cgroup2 mount; makes /plimsoll-test-<pid> there and removes it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "pkg/cgroup/access.h"
#include "pkg/cgroup/discovery.h"
#include "pkg/cgroup/process.h"
#include "pkg/cgroup/stats.h"
#include "tests/support/fake_host/fake_host.h"
#include "tests/support/planned.h"
#include "tests/support/real_cgroups.h"

namespace plimsoll::cgroup {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using model::PlannedSetting;
using model::State;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::cgroup2Mount;
using testing_support::onlyCgroup2;
using testing_support::planned;

void put(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

// Runs in a process of its own, which may leave namespaces and end as it likes. 0: all went well.
int inChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A child that waits in a cgroup until it is ended.
class Child {
 public:
  explicit Child(const std::string& cgroup_directory) {
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
    put(cgroup_directory + "/cgroup.procs", std::to_string(pid_));
  }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  void end() {
    if (ended_) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ended_ = true;
  }

 private:
  pid_t pid_;
  bool ended_ = false;
};

class KernelTest : public testing::Test {
 protected:
  void SetUp() override {
    mount_ = cgroup2Mount();
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    if (mount_.empty()) GTEST_SKIP() << "no cgroup v2 is mounted";
    path_ = "/plimsoll-test-" + std::to_string(getpid());
    directory_ = mount_ + path_;
    ASSERT_TRUE(fs::create_directory(directory_));
    // The tree is the host's; only that it is the host's only one is told by a file.
    host_.proc("self/mountinfo", onlyCgroup2(mount_));
    roots_ = {.cgroup = mount_, .proc = host_.roots().proc, .sys = "/sys"};
    auto hierarchy = Hierarchy::open(roots_);
    ASSERT_TRUE(hierarchy) << hierarchy.error().message;
    hierarchy_.emplace(*std::move(hierarchy));
  }
  void TearDown() override {
    if (directory_.empty()) return;
    std::vector<std::string> made = {directory_};
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      if (entry.is_directory()) made.push_back(entry.path());
    }
    for (auto it = made.rbegin(); it != made.rend(); ++it) {
      // A killed process leaves its cgroup a moment after it was waited for.
      for (int i = 0; i < 100 && rmdir(it->c_str()) != 0 && errno == EBUSY; ++i) usleep(10'000);
    }
    EXPECT_FALSE(fs::exists(directory_)) << "left behind: " << directory_;
  }

  ContainerCgroup open(const std::string& below = "") {
    return *ContainerCgroup::open(*hierarchy_, path_ + below);
  }
  std::string text(const std::string& file) {
    return sys::readFile(directory_ + "/" + file).value_or("error");
  }

  testing_support::FakeHost host_;
  std::string mount_, path_, directory_;
  sys::HostRoots roots_;
  std::optional<Hierarchy> hierarchy_;
};

TEST_F(KernelTest, ValuesAreWrittenAndReadBack) {
  ContainerCgroup cgroup = open();
  ASSERT_TRUE(cgroup.write("cgroup.max.depth", {"7"}));
  EXPECT_EQ(*cgroup.read("cgroup.max.depth"), "7\n");
  ASSERT_TRUE(cgroup.write("cgroup.max.depth", {"max"}));
  EXPECT_EQ(*cgroup.read("cgroup.max.depth"), "max\n");
  ASSERT_TRUE(cgroup.write("cgroup.freeze", {"1"}));
  EXPECT_EQ(*cgroup.read("cgroup.freeze"), "1\n");
}

TEST_F(KernelTest, ARefusedValueKeepsItsErrnoAndTheOldValue) {
  ContainerCgroup cgroup = open();
  ASSERT_TRUE(cgroup.write("cgroup.max.depth", {"7"}));
  auto range = cgroup.write("cgroup.max.depth", {"-1"});
  EXPECT_EQ(range.error().sys_errno, ERANGE);
  EXPECT_THAT(range.error().message, HasSubstr("write \"-1\" to cgroup.max.depth"));
  EXPECT_THAT(range.error().message, HasSubstr(path_));
  EXPECT_EQ(cgroup.write("cgroup.max.depth", {"5x"}).error().sys_errno, EINVAL);
  EXPECT_EQ(cgroup.write("cgroup.freeze", {"2"}).error().sys_errno, ERANGE);
  EXPECT_EQ(text("cgroup.max.depth"), "7\n") << "O_TRUNC has no effect on a cgroup's file";
}

TEST_F(KernelTest, OfSeveralValuesThoseBeforeTheRefusedOneStay) {
  ContainerCgroup cgroup = open();
  EXPECT_EQ(cgroup.write("cgroup.max.depth", {"3", "-1", "9"}).error().sys_errno, ERANGE);
  EXPECT_EQ(text("cgroup.max.depth"), "3\n");
}

TEST_F(KernelTest, AFileThatIsNotWritableIsPermissionDeniedOrInvalid) {
  // Root passes the mode bits; kernfs itself refuses.
  auto status = open().write("cgroup.controllers", {"1"});
  ASSERT_FALSE(status);
  EXPECT_THAT((std::vector<int>{EINVAL, EACCES, EPERM}), Contains(status.error().sys_errno));
}

TEST_F(KernelTest, AFileThatThisCgroupLacksIsNotAGoneCgroup) {
  ContainerCgroup cgroup = open();
  EXPECT_EQ(cgroup.read("memory.magic").error().code, ErrorCode::Unimplemented);
  EXPECT_EQ(cgroup.write("memory.magic", {"1"}).error().code, ErrorCode::Unimplemented);
  EXPECT_FALSE(fs::exists(directory_ + "/memory.magic"));
}

TEST_F(KernelTest, AfterRmdirItIsGoneAndANamesakeIsAnother) {
  fs::create_directory(directory_ + "/c");
  ContainerCgroup cgroup = open("/c");
  base::UniqueFd held(::open((directory_ + "/c/cgroup.freeze").c_str(), O_RDWR | O_CLOEXEC));
  const uint64_t id = cgroup.id();
  ASSERT_EQ(rmdir((directory_ + "/c").c_str()), 0);
  EXPECT_EQ(::write(held.get(), "1", 1), -1);
  EXPECT_EQ(errno, ENODEV);
  EXPECT_TRUE(cgroup.gone());
  ASSERT_EQ(mkdir((directory_ + "/c").c_str(), 0755), 0);
  EXPECT_TRUE(cgroup.gone());
  EXPECT_TRUE(cgroup.write("cgroup.freeze", {"1"}).error().isGone());
  EXPECT_TRUE(cgroup.read("cgroup.freeze").error().isGone());
  EXPECT_TRUE(cgroup.files().error().isGone());
  EXPECT_TRUE(cgroup.pids().error().isGone());
  EXPECT_NE(open("/c").id(), id);
  EXPECT_EQ(*open("/c").read("cgroup.freeze"), "0\n");
}

TEST_F(KernelTest, ProcessesOfAllCgroupsBelow) {
  fs::create_directory(directory_ + "/c");
  Child one(directory_ + "/c"), two(directory_);
  std::vector<pid_t> want = {one.pid(), two.pid()};
  std::sort(want.begin(), want.end());
  EXPECT_EQ(*open().pids(), want);
}

TEST_F(KernelTest, AChildsScoreIsSetAndReadBack) {
  Child child(directory_);
  auto process = Process::open({}, child.pid(), path_);
  ASSERT_TRUE(process) << process.error().message;
  ASSERT_TRUE(process->setOomScoreAdj(500));
  EXPECT_EQ(*process->oomScoreAdj(), 500);
  EXPECT_EQ(process->setOomScoreAdj(1001).error().sys_errno, EINVAL);
  EXPECT_EQ(*process->oomScoreAdj(), 500);
}

TEST_F(KernelTest, AScoreBelowTheLowestNeedsACapability) {
  if (prctl(PR_CAPBSET_READ, 24 /* CAP_SYS_RESOURCE */, 0, 0, 0) == 1) GTEST_SKIP() << "has CAP_SYS_RESOURCE";
  Child child(directory_);
  auto status = Process::open({}, child.pid(), path_)->setOomScoreAdj(-999);
  EXPECT_EQ(status.error().sys_errno, EACCES);
  EXPECT_EQ(status.error().code, ErrorCode::PermissionDenied);
  EXPECT_THAT(status.error().message, HasSubstr("CAP_SYS_RESOURCE"));
}

TEST_F(KernelTest, AChildsLimitIsSetAndReadBack) {
  Child child(directory_);
  auto process = Process::open({}, child.pid(), path_);
  ASSERT_TRUE(process->setRlimit(RLIMIT_NOFILE, {100, 200}));
  EXPECT_EQ(*process->rlimit(RLIMIT_NOFILE), (model::Rlimit{100, 200}));
  EXPECT_EQ(process->setRlimit(RLIMIT_NOFILE, {300, 200}).error().sys_errno, EINVAL);
  EXPECT_EQ(process->rlimit(4711).error().sys_errno, EINVAL);
  struct rlimit own {};
  getrlimit(RLIMIT_NOFILE, &own);
  EXPECT_NE(own.rlim_cur, 100u) << "the child's limit, not ours";
}

TEST_F(KernelTest, UnlimitedIsUnlimited) {
  Child child(directory_);
  auto process = Process::open({}, child.pid(), path_);
  ASSERT_EQ(process->rlimit(RLIMIT_CPU)->hard, model::kMax) << "as a test is started";
  EXPECT_TRUE(process->setRlimit(RLIMIT_CPU, {model::kMax, model::kMax}));
}

TEST_F(KernelTest, AProcessThatEndedIsGone) {
  Child child(directory_);
  auto process = Process::open({}, child.pid(), path_);
  child.end();
  EXPECT_TRUE(process->setOomScoreAdj(5).error().isGone());
  EXPECT_TRUE(process->oomScoreAdj().error().isGone());
  EXPECT_TRUE(process->rlimit(RLIMIT_NOFILE).error().isGone());
  EXPECT_TRUE(process->setRlimit(RLIMIT_NOFILE, {1, 1}).error().isGone());
  EXPECT_TRUE(Process::open({}, child.pid(), path_).error().isGone());
}

TEST_F(KernelTest, AProcessOfAnotherCgroupIsRefused) {
  EXPECT_EQ(Process::open({}, getpid(), path_).error().code, ErrorCode::FailedPrecondition);
}

TEST_F(KernelTest, SettingsOfProcessesReachAllOfThem) {
  fs::create_directory(directory_ + "/c");
  Child one(directory_), two(directory_ + "/c");
  roots_.proc = "/proc";
  ContainerCgroup cgroup = open();
  PlannedSetting score = planned("oom.score-adj", "321"), limit = planned("rlimit.nofile", "64:128");
  for (PlannedSetting* setting : {&score, &limit}) {
    mechanism::record(mechanism::applySetting(ProcessAccess(cgroup, roots_, one.pid()), *setting), *setting);
    EXPECT_EQ(setting->state, State::Applied) << setting->reason;
  }
  EXPECT_EQ(*sys::readFile("/proc/" + std::to_string(two.pid()) + "/oom_score_adj"), "321\n");
  EXPECT_EQ(*Process::open({}, two.pid(), path_)->rlimit(RLIMIT_NOFILE), (model::Rlimit{64, 128}));
}

// hugetlb is the one controller that hybrid hosts often leave to v2.
class HugetlbTest : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!fs::exists(directory_ + "/hugetlb.2MB.max") && hierarchy_->controllers().contains("hugetlb")) {
      put(mount_ + "/cgroup.subtree_control", "+hugetlb");
      enabled_ = fs::exists(directory_ + "/hugetlb.2MB.max");
    }
    if (!fs::exists(directory_ + "/hugetlb.2MB.max")) GTEST_SKIP() << "no hugetlb.2MB.max in this tree";
  }
  void TearDown() override {
    KernelTest::TearDown();
    if (enabled_) put(mount_ + "/cgroup.subtree_control", "-hugetlb");
  }
  bool enabled_ = false;
};

TEST_F(HugetlbTest, WhatTheKernelRoundsIsAdjustedAndNotWrittenAgain) {
  ContainerCgroup cgroup = open();
  PlannedSetting setting = planned("hugetlb.2MB.max", "3Mi");
  mechanism::record(mechanism::applySetting(FileAccess(cgroup), setting), setting);
  EXPECT_EQ(setting.state, State::Adjusted);
  EXPECT_EQ(setting.reason, "the kernel keeps 2Mi");
  EXPECT_EQ(text("hugetlb.2MB.max"), "2097152\n");
  EXPECT_FALSE(mechanism::applySetting(FileAccess(cgroup), setting).written);
  EXPECT_EQ(mechanism::observeSetting(FileAccess(cgroup), setting).state, State::Adjusted);
  put(directory_ + "/hugetlb.2MB.max", "0");
  EXPECT_EQ(mechanism::observeSetting(FileAccess(cgroup), setting).state, State::Drifted);
}

TEST_F(HugetlbTest, ASettingGoesAllTheWayAndAncestorsShow) {
  put(directory_ + "/cgroup.subtree_control", "+hugetlb");
  put(directory_ + "/hugetlb.2MB.max", "4194304");
  fs::create_directory(directory_ + "/c");
  ContainerCgroup cgroup = open("/c");
  PlannedSetting setting = planned("hugetlb.2MB.max", "8Mi");
  mechanism::Applied applied = mechanism::applySetting(FileAccess(cgroup), setting);
  EXPECT_EQ(applied.state, State::Applied) << applied.reason;
  ASSERT_EQ(applied.ancestors.size(), 1u);
  EXPECT_EQ(applied.ancestors[0].path, path_ + "/hugetlb.2MB.max");
  EXPECT_EQ(applied.ancestors[0].text, "4194304\n");
  EXPECT_EQ(mechanism::applySetting(FileAccess(cgroup), planned("memory.max", "8Mi")).state,
            State::Unsupported);
}

TEST_F(HugetlbTest, BusyIsBusyAndNotGone) {
  // No controller is handed down out of a cgroup that has processes.
  Child child(directory_);
  auto status = open().write("cgroup.subtree_control", {"+hugetlb"});
  EXPECT_EQ(status.error().sys_errno, EBUSY);
  EXPECT_FALSE(status.error().isGone());
}

TEST_F(HugetlbTest, WhatACgroupDoesNotSupportIsToldApart) {
  put(directory_ + "/cgroup.subtree_control", "+hugetlb");
  fs::create_directory(directory_ + "/c");
  // A cgroup with a controller that knows no threads cannot be threaded.
  auto status = open("/c").write("cgroup.type", {"threaded"});
  EXPECT_EQ(status.error().sys_errno, EOPNOTSUPP);
  EXPECT_EQ(status.error().code, ErrorCode::Unimplemented);
  EXPECT_EQ(text("c/cgroup.type"), "domain\n");
}

// What discover() gives is told through the exit code: libcgroup's globals stay in the child.
TEST_F(KernelTest, LibcgroupFindsTheMountAndEveryCgroup) {
  fs::create_directories(directory_ + "/a/b");
  const int result = inChild([&] {
    auto found = discover();
    if (!found) return 1;
    if (found->mount_point != mount_) return 2;
    if (found->cgroups.empty() || found->cgroups.front() != "/") return 3;
    const auto at = [&](const std::string& path) {
      return std::find(found->cgroups.begin(), found->cgroups.end(), path) - found->cgroups.begin();
    };
    const auto end = static_cast<ptrdiff_t>(found->cgroups.size());
    if (at(path_ + "/a/b") == end) return 4;
    return at(path_) < at(path_ + "/a") && at(path_ + "/a") < at(path_ + "/a/b") ? 0 : 5;
  });
  EXPECT_EQ(result, 0);
}

bool ownMounts() {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// The whole of /sys/fs/cgroup replaced by one cgroup2, for this process only.
bool pureTree() {
  if (!ownMounts()) return false;
  // Every mount beneath has to go before the upper one can.
  return umount2("/sys/fs/cgroup", MNT_DETACH) == 0 &&
         mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, nullptr) == 0;
}

TEST_F(KernelTest, WithoutAMountThereIsNothingToDiscover) {
  const int result = inChild([&] {
    if (!ownMounts() || umount2(mount_.c_str(), MNT_DETACH) != 0) return 1;
    auto found = discover();
    if (!found) return 2;
    return found->mount_point.empty() && found->cgroups.empty() ? 0 : 3;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(KernelTest, AReadOnlyTreeIsSaidSoWithItsErrno) {
  const int result = inChild([&] {
    if (!ownMounts()) return 1;
    if (mount(nullptr, mount_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) return 2;
    auto hierarchy = Hierarchy::open(roots_);
    if (!hierarchy) return 3;
    auto cgroup = ContainerCgroup::open(*hierarchy, path_);
    if (!cgroup) return 4;
    if (!cgroup->read("cgroup.max.depth")) return 5;
    auto status = cgroup->write("cgroup.max.depth", {"1"});
    if (status) return 6;
    return status.error().sys_errno == EROFS && !status.error().isGone() ? 0 : 7;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(KernelTest, APureTreeIsTakenAndTheHostsOwnModeIsTold) {
  EXPECT_EQ(inChild([&] {
              if (!pureTree()) return 1;
              auto hierarchy = Hierarchy::open({});
              if (!hierarchy) return 2;
              return ContainerCgroup::open(*hierarchy, path_) ? 0 : 3;
            }),
            0);
  if (mount_ == "/sys/fs/cgroup") return;
  auto refused = Hierarchy::open({});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("hybrid"));
}

// As an agent in a pod: in a cgroup namespace of its own, with the host's tree mounted from outside.
TEST_F(KernelTest, FromACgroupNamespaceOthersAreFound) {
  fs::create_directories(directory_ + "/pod1/agent");
  fs::create_directories(directory_ + "/pod2/abc");
  Child child(directory_ + "/pod2/abc");
  const int result = inChild([&] {
    if (!pureTree()) return 1;
    put("/sys/fs/cgroup" + path_ + "/pod1/agent/cgroup.procs", std::to_string(getpid()));
    if (unshare(CLONE_NEWCGROUP) != 0) return 2;
    auto hierarchy = Hierarchy::open({});
    auto text = sys::readFile("/proc/" + std::to_string(child.pid()) + "/cgroup");
    if (!hierarchy || !text) return 3;
    if (text->find("0::/../../pod2/abc") == std::string::npos) return 4;
    auto path = hierarchy->locate(*text);
    if (!path || *path != path_ + "/pod2/abc") return 5;
    if (!Process::open({}, child.pid(), *path)) return 6;
    return Process::open({}, child.pid(), path_ + "/pod2/xyz") ? 7 : 0;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(KernelTest, ATreeOnAnotherMountIsNotEntered) {
  const int result = inChild([&] {
    if (!ownMounts()) return 1;
    if (mount("none", directory_.c_str(), "tmpfs", 0, nullptr) != 0) return 2;
    // Opened anew: a descriptor of the outer mount namespace does not see this one's mounts.
    auto hierarchy = Hierarchy::open(roots_);
    if (!hierarchy) return 3;
    auto cgroup = ContainerCgroup::open(*hierarchy, path_);
    return !cgroup && cgroup.error().sys_errno == EXDEV ? 0 : 4;
  });
  EXPECT_EQ(result, 0);
}

// This tree may have no controllers: what they bring is absent then, and what every cgroup has is there.
TEST_F(KernelTest, CountersAreReadAsTheKernelWritesThem) {
  const auto stats = readStats(open());
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_TRUE(stats->cpu_usage_us);
  EXPECT_EQ(stats->memory_current.has_value(), fs::exists(directory_ + "/memory.current"));
  EXPECT_EQ(stats->memory_events.oom_kill.has_value(), fs::exists(directory_ + "/memory.events"));
  EXPECT_EQ(stats->pids_current.has_value(), fs::exists(directory_ + "/pids.current"));
  EXPECT_EQ(stats->cpu_periods.has_value(), text("cpu.stat").find("nr_periods") != std::string::npos);
  EXPECT_EQ(stats->io_pressure.some_us.has_value(), fs::exists(directory_ + "/io.pressure"));
  EXPECT_EQ(stats->memory_pressure.full_avg10.has_value(), fs::exists(directory_ + "/memory.pressure"));
}

TEST_F(KernelTest, CountersOfARemovedCgroupAreGone) {
  ASSERT_TRUE(fs::create_directory(directory_ + "/short"));
  const ContainerCgroup cgroup = open("/short");
  ASSERT_EQ(rmdir((directory_ + "/short").c_str()), 0);
  const auto stats = readStats(cgroup);
  ASSERT_FALSE(stats);
  EXPECT_TRUE(stats.error().isGone()) << stats.error().message;
}

}  // namespace
}  // namespace plimsoll::cgroup
