// Against the kernel itself: processes in a real cgroup, whose oom_score_adj and limits are put back, and a
// namesake of a removed cgroup. Needs root and a cgroup2 mount; makes /plimsoll-release-<pid> and removes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "pkg/base/parse.h"
#include "pkg/control/release.h"
#include "pkg/sys/file.h"
#include "pkg/sys/mountinfo.h"
#include "tests/support/fake_host/fake_host.h"
#include "tests/support/real_cgroups.h"

namespace plimsoll::control {
namespace {

using journal::Change;
using testing::HasSubstr;
using testing_support::cgroup2Mount;
using testing_support::onlyCgroup2;

class ReleaseKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string mount = cgroup2Mount();
    if (getuid() != 0 || mount.empty()) GTEST_SKIP() << "needs root and a cgroup2 mount";
    directory_ = mount + path_;
    if (mkdir(directory_.c_str(), 0755) != 0) GTEST_SKIP() << "cannot make a cgroup";
    // The tree is the real one; that this host may be hybrid does not matter here.
    host_.proc("self/mountinfo", onlyCgroup2(mount));
    auto hierarchy = cgroup::Hierarchy::open({.cgroup = mount, .proc = host_.roots().proc, .sys = "/sys"});
    ASSERT_TRUE(hierarchy) << hierarchy.error().message;
    hierarchy_.emplace(std::move(*hierarchy));
    roots_.cgroup = mount;
    auto journal = journal::Journal::open({.dir = host_.directory() + "/state", .max_bytes = 64 << 10});
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = std::move(*journal);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
    std::ofstream(directory_ + "/cgroup.procs") << child_;
  }
  void TearDown() override {
    endChild();
    if (!directory_.empty()) rmdir(directory_.c_str());
  }
  void endChild() {
    if (child_ <= 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = 0;
  }

  uint64_t id() const {
    struct stat info {};
    stat(directory_.c_str(), &info);
    return info.st_ino;
  }
  Change change(model::Target target, const std::string& key, const std::string& object) const {
    Change change;
    change.owner.container_id = "c1";
    change.target = target;
    change.place = path_;
    change.place_id = id();
    change.key = key;
    change.object = object;
    return change;
  }
  ReleaseReport release() {
    return releaseAll(*journal_, cgroupMechanisms(*hierarchy_, roots_), Mode::Restore);
  }
  std::string scoreOfChild() const {
    auto text = sys::readFile("/proc/" + std::to_string(child_) + "/oom_score_adj");
    return text ? std::string(base::trim(*text)) : text.error().message;
  }

  testing_support::FakeHost host_;
  const std::string path_ = "/plimsoll-release-" + std::to_string(getpid());
  std::string directory_;
  sys::HostRoots roots_;
  std::optional<cgroup::Hierarchy> hierarchy_;
  std::unique_ptr<journal::Journal> journal_;
  pid_t child_ = 0;
};

TEST_F(ReleaseKernelTest, ScoreAndLimitOfALivingProcess) {
  const std::string score = scoreOfChild();
  rlimit before{};
  ASSERT_EQ(prlimit(child_, RLIMIT_NOFILE, nullptr, &before), 0);
  const auto limitText = [](const rlimit& limit) {
    return std::to_string(limit.rlim_cur) + ":" + std::to_string(limit.rlim_max);
  };
  Change adj = change(model::Target::OomScoreAdj, "oom.score-adj", "oom_score_adj");
  adj.found = score;
  adj.ours = "777";
  Change files = change(model::Target::Rlimit, "rlimit.nofile", "RLIMIT_NOFILE");
  files.found = limitText(before);
  // The soft limit only: to raise a hard one again takes CAP_SYS_RESOURCE.
  const rlimit ours{100, before.rlim_max};
  files.ours = limitText(ours);
  journal_->set(std::vector{adj, files});
  std::ofstream("/proc/" + std::to_string(child_) + "/oom_score_adj") << "777";
  ASSERT_EQ(prlimit(child_, RLIMIT_NOFILE, &ours, nullptr), 0);

  const ReleaseReport report = release();
  for (const ReleaseRow& row : report.rows) EXPECT_EQ(row.outcome, Outcome::Restored) << row.reason;
  EXPECT_EQ(report.rows.size(), 2u);
  EXPECT_EQ(scoreOfChild(), score);
  rlimit after{};
  ASSERT_EQ(prlimit(child_, RLIMIT_NOFILE, nullptr, &after), 0);
  EXPECT_EQ(limitText(after), limitText(before));
}

TEST_F(ReleaseKernelTest, AForeignScoreIsLeft) {
  Change adj = change(model::Target::OomScoreAdj, "oom.score-adj", "oom_score_adj");
  adj.found = scoreOfChild();
  adj.ours = "777";
  journal_->set({adj});
  std::ofstream("/proc/" + std::to_string(child_) + "/oom_score_adj") << "778";
  EXPECT_EQ(release().rows.at(0).outcome, Outcome::Left);
  EXPECT_EQ(scoreOfChild(), "778");
}

TEST_F(ReleaseKernelTest, ANamesakeOfARemovedCgroupIsAnotherOne) {
  Change adj = change(model::Target::OomScoreAdj, "oom.score-adj", "oom_score_adj");
  adj.found = "0";
  adj.ours = "777";
  journal_->set({adj});
  endChild();
  ASSERT_EQ(rmdir(directory_.c_str()), 0);
  EXPECT_EQ(releaseAll(*journal_, cgroupMechanisms(*hierarchy_, roots_), Mode::DryRun).rows.at(0).outcome,
            Outcome::Gone);
  ASSERT_EQ(mkdir(directory_.c_str(), 0755), 0);
  EXPECT_NE(id(), adj.place_id);
  const ReleaseReport report = release();
  EXPECT_EQ(report.rows.at(0).outcome, Outcome::Gone);
  EXPECT_THAT(report.rows.at(0).reason, HasSubstr("another one"));
}

}  // namespace
}  // namespace plimsoll::control
