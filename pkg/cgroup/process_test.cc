#include "pkg/cgroup/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing_support::FakeHost;

TEST(ProcessTest, FakeHostReadsAndWritesTheScore) {
  FakeHost host;
  host.process(4711, "/kubepods/pod1/abc");
  auto process = Process::open(host.roots(), 4711, "/kubepods/pod1/abc");
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(*process->oomScoreAdj(), 0);
  ASSERT_TRUE(process->setOomScoreAdj(-998));
  EXPECT_EQ(host.procText("4711/oom_score_adj"), "-998\n");
  EXPECT_EQ(*process->oomScoreAdj(), -998);
}

TEST(ProcessTest, AProcessOfAnotherCgroupIsNotTouched) {
  FakeHost host;
  host.process(4711, "/kubepods/pod2/other");
  auto process = Process::open(host.roots(), 4711, "/kubepods/pod1/abc");
  EXPECT_EQ(process.error().code, ErrorCode::FailedPrecondition);
  EXPECT_THAT(process.error().message, HasSubstr("is in cgroup /kubepods/pod2/other"));
}

TEST(ProcessTest, FaultsOfItsFiles) {
  FakeHost host;
  EXPECT_TRUE(Process::open(host.roots(), 4711, "/a").error().isGone());
  EXPECT_EQ(Process::open(host.roots(), 0, "/a").error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(Process::open(host.roots(), -1, "/a").error().code, ErrorCode::InvalidArgument);
  host.proc("1/cgroup", "garbage");
  EXPECT_EQ(Process::open(host.roots(), 1, "/a").error().code, ErrorCode::FailedPrecondition);
  host.process(4711, "/a/b");
  host.proc("4711/oom_score_adj", "many\n");
  EXPECT_EQ(Process::open(host.roots(), 4711, "/a/b")->oomScoreAdj().error().code, ErrorCode::Internal);
}

TEST(ProcessTest, WithoutTheHostsPidNamespaceLimitsAreNotTouched) {
  FakeHost host;
  host.process(getpid(), "/a/b");
  auto process = Process::open(host.roots(), getpid(), "/a/b");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->rlimit(RLIMIT_NOFILE).error().code, ErrorCode::Unimplemented);
  EXPECT_EQ(process->setRlimit(RLIMIT_NOFILE, {1, 1}).error().code, ErrorCode::Unimplemented);
}

TEST(ProcessTest, LimitNames) {
  EXPECT_EQ(rlimitNumber("RLIMIT_NOFILE"), RLIMIT_NOFILE);
  EXPECT_EQ(rlimitNumber("RLIMIT_SIGPENDING"), RLIMIT_SIGPENDING);
  EXPECT_EQ(rlimitNumber("nofile"), std::nullopt);
  EXPECT_EQ(rlimitNumber(""), std::nullopt);
}

TEST(ProcessTest, EveryLimitOfTheTableIsKnown) {
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.target != model::Target::Rlimit) continue;
    for (const std::string& key : model::concreteKeys(spec)) {
      EXPECT_TRUE(rlimitNumber(model::findSetting(key)->file)) << key;
    }
  }
}

}  // namespace
}  // namespace plimsoll::cgroup
