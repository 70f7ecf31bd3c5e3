#include "pkg/cgroup/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "pkg/cgroup/write_order.h"
#include "tests/support/fake_host/fake_host.h"
#include "tests/support/planned.h"

namespace plimsoll::cgroup {
namespace {

using mechanism::Applied;
using model::PlannedSetting;
using model::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeCgroup;
using testing_support::FakeHost;
using testing_support::planned;

constexpr char kPath[] = "/kubepods/pod1/abc";

class ApplyTest : public testing::Test {
 protected:
  Applied apply(PlannedSetting& setting) {
    Applied applied = mechanism::applySetting(accessFor(setting), setting);
    mechanism::record(applied, setting);
    return applied;
  }
  Applied observe(PlannedSetting& setting) {
    Applied applied = mechanism::observeSetting(accessFor(setting), setting);
    mechanism::record(applied, setting);
    return applied;
  }

  const mechanism::Access& accessFor(const PlannedSetting& setting) const {
    if (setting.request.setting.spec->target == model::Target::CgroupFile) return file_access_;
    return process_access_;
  }

  FakeHost host_;
  sys::HostRoots roots_ = host_.roots();
  FakeCgroup files_ = host_.container(kPath);
  Hierarchy hierarchy_ = *Hierarchy::open(roots_);
  ContainerCgroup cgroup_ = *ContainerCgroup::open(hierarchy_, kPath);
  FileAccess file_access_{cgroup_};
  ProcessAccess process_access_{cgroup_, roots_, 0};
};

TEST_F(ApplyTest, WritesAndReadsBack) {
  PlannedSetting setting = planned("cpu.weight", "250");
  Applied applied = apply(setting);
  EXPECT_EQ(files_.text("cpu.weight"), "250\n");
  EXPECT_TRUE(applied.written);
  EXPECT_EQ(setting.state, State::Applied);
  EXPECT_EQ(setting.reason, "");
  EXPECT_EQ(setting.found, "100\n");
  EXPECT_EQ(setting.actual, "250");
}

TEST_F(ApplyTest, TwiceChangesNothingAndKeepsWhatWasFoundFirst) {
  PlannedSetting setting = planned("cpu.max", "500m");
  apply(setting);
  Applied again = apply(setting);
  EXPECT_FALSE(again.written);
  EXPECT_EQ(setting.state, State::Applied);
  EXPECT_EQ(setting.found, "max 100000\n");
}

TEST_F(ApplyTest, AValueThatIsThereAlreadyIsOnlyRead) {
  files_.file("pids.max", "64\n");
  PlannedSetting setting = planned("pids.max", "64");
  EXPECT_FALSE(apply(setting).written);
  EXPECT_EQ(setting.state, State::Applied);
}

TEST_F(ApplyTest, AFileThatIsNotThereIsUnsupported) {
  files_.removeFile("cpu.uclamp.max");
  PlannedSetting setting = planned("cpu.uclamp.max", "50%");
  Applied applied = apply(setting);
  EXPECT_FALSE(applied.gone);
  EXPECT_EQ(setting.state, State::Unsupported);
  EXPECT_EQ(setting.error_number, ENOENT);
  EXPECT_THAT(setting.reason, HasSubstr("has no cpu.uclamp.max"));
  EXPECT_THAT(setting.reason, HasSubstr("controller cpu is not enabled"));
  EXPECT_EQ(setting.actual, std::nullopt) << "unknown is not zero";
}

TEST_F(ApplyTest, ARemovedContainerIsGone) {
  files_.remove();
  PlannedSetting setting = planned("cpu.weight", "250");
  EXPECT_TRUE(apply(setting).gone);
  EXPECT_TRUE(observe(setting).gone);
}

TEST_F(ApplyTest, GarbageInAFileIsOverwrittenAndNotTakenForOurs) {
  files_.file("cpu.weight", "garbage\n");
  PlannedSetting setting = planned("cpu.weight", "250");
  apply(setting);
  EXPECT_EQ(setting.state, State::Applied);
  EXPECT_EQ(setting.found, "garbage\n");
}

TEST_F(ApplyTest, AHugeFileFailsWithoutAWrite) {
  files_.file("cpu.weight", std::string(sys::kReadLimit + 1, '1'));
  PlannedSetting setting = planned("cpu.weight", "250");
  EXPECT_FALSE(apply(setting).written);
  EXPECT_EQ(setting.state, State::Failed);
}

TEST_F(ApplyTest, SomebodyElsesValueIsDrift) {
  PlannedSetting setting = planned("cpu.weight", "250");
  apply(setting);
  files_.file("cpu.weight", "7\n");
  observe(setting);
  EXPECT_EQ(setting.state, State::Drifted);
  EXPECT_EQ(setting.actual, "7");
  EXPECT_EQ(setting.reason, "somebody else wrote 7");
  EXPECT_EQ(files_.text("cpu.weight"), "7\n") << "a look does not write";
  observe(setting);
  EXPECT_EQ(setting.state, State::Drifted);
  apply(setting);
  EXPECT_EQ(setting.state, State::Applied);
}

TEST_F(ApplyTest, WhatTheKernelMadeOfItIsNoDriftAndNotWrittenAgain) {
  PlannedSetting setting = planned("memory.max", "1000001");
  setting.state = State::Adjusted;
  files_.file("memory.max", "999424\n");
  setting.actual = model::compareWithKernel(*setting.request.setting.spec, setting.value, "999424\n").actual;
  EXPECT_FALSE(apply(setting).written);
  EXPECT_EQ(setting.state, State::Adjusted);
  observe(setting);
  EXPECT_EQ(setting.state, State::Adjusted);
  files_.file("memory.max", "4096\n");
  observe(setting);
  EXPECT_EQ(setting.state, State::Drifted);
}

TEST_F(ApplyTest, AnInvalidPartitionIsShownWithTheKernelsWords) {
  files_.file("cpuset.cpus.partition", "root invalid (Parent is not a partition root)\n");
  PlannedSetting setting = planned("cpuset.partition", "root");
  observe(setting);
  EXPECT_EQ(setting.state, State::Adjusted);
  EXPECT_EQ(setting.reason, "the kernel took it and marked it invalid: Parent is not a partition root");
}

TEST_F(ApplyTest, DevicesAreWrittenLineByLine) {
  PlannedSetting setting = planned("io.max", "8:0 rbps=1Mi; 8:16 wiops=120");
  apply(setting);
  EXPECT_EQ(files_.text("io.max"), "8:0 rbps=1048576\n8:16 wiops=120\n");
  EXPECT_EQ(setting.state, State::Applied) << setting.reason;
}

TEST_F(ApplyTest, AncestorsComeWithIt) {
  host_.cgroup("/kubepods/pod1").file("memory.max", "67108864\n");
  PlannedSetting setting = planned("memory.max", "128Mi");
  const Applied applied = apply(setting);
  ASSERT_EQ(applied.ancestors.size(), 1u);
  EXPECT_EQ(applied.ancestors[0].text, "67108864\n");
}

TEST_F(ApplyTest, ScoresGoToEveryProcess) {
  host_.process(10, kPath);
  host_.process(11, std::string(kPath) + "/child");
  PlannedSetting setting = planned("oom.score-adj", "500");
  Applied applied = apply(setting);
  EXPECT_EQ(setting.state, State::Applied) << setting.reason;
  EXPECT_EQ(host_.procText("10/oom_score_adj"), "500\n");
  EXPECT_EQ(host_.procText("11/oom_score_adj"), "500\n");
  EXPECT_EQ(setting.found, "0");
  EXPECT_TRUE(applied.ancestors.empty());
}

TEST_F(ApplyTest, OneProcessThatDiffersIsDrift) {
  host_.process(10, kPath);
  host_.process(11, kPath);
  PlannedSetting setting = planned("oom.score-adj", "500");
  apply(setting);
  host_.proc("11/oom_score_adj", "3\n");
  observe(setting);
  EXPECT_EQ(setting.state, State::Drifted);
  EXPECT_EQ(setting.actual, "3");
}

TEST_F(ApplyTest, AProcessThatVanishedHidesNoOther) {
  files_.file("cgroup.procs", "9\n");
  host_.process(10, kPath);
  PlannedSetting setting = planned("oom.score-adj", "500");
  apply(setting);
  EXPECT_EQ(setting.state, State::Applied) << setting.reason;
  EXPECT_EQ(host_.procText("10/oom_score_adj"), "500\n");
}

TEST_F(ApplyTest, AProcessThatLeftTheCgroupIsNotTouched) {
  host_.process(10, kPath);
  host_.process(11, kPath);
  host_.proc("11/cgroup", "0::/elsewhere/x\n");
  PlannedSetting setting = planned("oom.score-adj", "500");
  apply(setting);
  EXPECT_EQ(setting.state, State::Applied);
  EXPECT_EQ(host_.procText("11/oom_score_adj"), "0\n");
}

TEST_F(ApplyTest, AContainerWithoutProcessesIsGone) {
  PlannedSetting setting = planned("oom.score-adj", "500");
  EXPECT_TRUE(apply(setting).gone);
}

TEST_F(ApplyTest, AProcessThatCannotBeReadIsAFailure) {
  host_.process(10, kPath);
  host_.proc("10/oom_score_adj", "many\n");
  PlannedSetting setting = planned("oom.score-adj", "500");
  EXPECT_FALSE(apply(setting).gone);
  EXPECT_EQ(setting.state, State::Failed);
}

TEST_F(ApplyTest, LimitsWithoutTheHostsPidNamespaceAreUnsupported) {
  host_.process(10, kPath);
  PlannedSetting setting = planned("rlimit.nofile", "1024");
  apply(setting);
  EXPECT_EQ(setting.state, State::Unsupported);
  EXPECT_THAT(setting.reason, HasSubstr("hostPID"));
}

class WriteOrderTest : public ApplyTest {
 protected:
  std::vector<std::string> order(const std::vector<PlannedSetting>& settings) {
    std::vector<std::string> keys;
    for (size_t i : writeOrder(settings, cgroup_)) keys.push_back(settings[i].request.setting.key);
    return keys;
  }
};

TEST_F(WriteOrderTest, ABurstThatRisesFollowsTheQuota) {
  files_.file("cpu.max.burst", "0\n");
  EXPECT_THAT(order({planned("cpu.max.burst", "20ms"), planned("cpu.max", "500m")}),
              ElementsAre("cpu.max", "cpu.max.burst"));
}

TEST_F(WriteOrderTest, ABurstThatFallsGoesBeforeTheQuota) {
  files_.file("cpu.max.burst", "50000\n");
  EXPECT_THAT(order({planned("cpu.max", "200m"), planned("cpu.max.burst", "10ms")}),
              ElementsAre("cpu.max.burst", "cpu.max"));
}

TEST_F(WriteOrderTest, AnUnreadableBurstIsTakenToRise) {
  files_.file("cpu.max.burst", "garbage\n");
  EXPECT_THAT(order({planned("cpu.max.burst", "20ms"), planned("cpu.max", "500m")}),
              ElementsAre("cpu.max", "cpu.max.burst"));
}

TEST_F(WriteOrderTest, IdleIsLeftBeforeTheWeightAndEnteredAfter) {
  EXPECT_THAT(order({planned("cpu.weight", "50"), planned("cpu.idle", "0")}),
              ElementsAre("cpu.idle", "cpu.weight"));
  EXPECT_THAT(order({planned("cpu.idle", "1"), planned("cpu.weight", "50")}),
              ElementsAre("cpu.weight", "cpu.idle"));
}

TEST_F(WriteOrderTest, WhoIsKilledIsSettledBeforeLimitsThatKill) {
  EXPECT_THAT(
      order({planned("memory.max", "1Gi"), planned("memory.high", "900Mi"), planned("memory.low", "1Mi"),
             planned("oom.score-adj", "5"), planned("memory.oom.group", "true")}),
      ElementsAre("oom.score-adj", "memory.oom.group", "memory.low", "memory.high", "memory.max"));
}

TEST_F(WriteOrderTest, APartitionIsMadeAfterItsCpusAndEndedBefore) {
  EXPECT_THAT(order({planned("cpuset.partition", "root"), planned("cpuset.cpus", "0")}),
              ElementsAre("cpuset.cpus", "cpuset.partition"));
  EXPECT_THAT(order({planned("cpuset.cpus", "0"), planned("cpuset.partition", "member")}),
              ElementsAre("cpuset.partition", "cpuset.cpus"));
}

TEST_F(WriteOrderTest, WhatIsDecidedAgainstIsLeftOut) {
  PlannedSetting refused = planned("cpu.weight", "50");
  refused.state = State::Refused;
  EXPECT_THAT(order({refused, planned("pids.max", "10")}), ElementsAre("pids.max"));
}

}  // namespace
}  // namespace plimsoll::cgroup
