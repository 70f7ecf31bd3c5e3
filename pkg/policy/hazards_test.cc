// What may travel in the creation request, what this node cannot do, and what contradicts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::Stage;
using model::State;
using testing::ElementsAre;
using testing::HasSubstr;

// A world in which every wish is allowed, so that only the node and the other wishes matter.
World permissive() {
  World world;
  world.allow("*");
  return world;
}

struct Staged {
  const char* key;
  const char* value;
  Stage stage;
};

TEST(Stage, OnlyWhatCannotBeRefusedIsCarried) {
  const Staged table[] = {
      {"cpu.weight", "300", Stage::Start},
      {"cpu.max", "1500m 50ms", Stage::Create},
      {"cpu.idle", "true", Stage::Start},
      {"cpu.idle", "false", Stage::Create},
      {"cpu.uclamp.min", "12.5%", Stage::Create},
      {"cpuset.cpus", "0-3", Stage::Start},
      {"cpuset.mems", "0", Stage::Start},
      {"cpuset.partition", "root", Stage::Start},
      {"memory.min", "1Gi", Stage::Create},
      {"memory.high", "max", Stage::Create},
      {"memory.oom.group", "true", Stage::Create},
      {"io.weight", "300", Stage::Create},
      {"io.weight", "default=100 8:0=300", Stage::Start},
      {"io.weight", "8:0=300", Stage::Start},
      {"io.max", "8:0 rbps=1M", Stage::Start},
      {"io.latency", "8:0=20ms", Stage::Start},
      {"pids.max", "32", Stage::Create},
      {"pids.max", "31", Stage::Start},
      {"pids.max", "max", Stage::Create},
      {"hugetlb.2MB.max", "2Mi", Stage::Start},
      {"oom.score-adj", "1000", Stage::Create},
      {"rlimit.core", "0", Stage::Create},
      {"rlimit.nofile", "1024:1048576", Stage::Create},
      {"rlimit.nofile", "1024:1048577", Stage::Start},
      {"rlimit.nofile", "unlimited", Stage::Start},
      {"rlimit.nofile", "3", Stage::Start},
      {"rlimit.as", "1Gi", Stage::Start},
      {"rlimit.as", "unlimited", Stage::Create},
      {"rlimit.data", "1Gi", Stage::Start},
  };
  for (const Staged& row : table) {
    World world = permissive();
    world.pod_asks(row.key, row.value);
    const auto setting = only(world.plan(), row.key);
    EXPECT_EQ(setting.state, State::Pending) << row.key << ": " << setting.reason;
    EXPECT_EQ(setting.stage, row.stage) << row.key << " = " << row.value;
  }
}

TEST(Stage, FilesNotKnownToExistAreWrittenByUs) {
  World world = permissive();
  world.node.cgroup_files.clear();
  world.pod_asks("memory.high", "1Gi").pod_asks("rlimit.core", "0");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("memory.high=1Gi Pending Start", "rlimit.core=0 Pending Create"));
}

TEST(Stage, CpusetsAreWrittenByUsWhereNothingIsKnownOfTheNode) {
  World world = permissive();
  world.node.online_cpus = {};
  world.node.online_mems = {};
  world.pod_asks("cpuset.cpus", "0-900").pod_asks("cpuset.mems", "0");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("cpuset.cpus=0-900 Pending Start", "cpuset.mems=0 Pending Start"));
}

TEST(Stage, OomScoreGoesOnlyWhereNriCarriesIt) {
  World world;
  world.pod_asks("oom.score-adj", "1000");
  world.node.nri_carriers.clear();
  EXPECT_EQ(only(world.plan(), "oom.score-adj").stage, Stage::Start);
}

TEST(Stage, WhatRunsAlreadyIsLate) {
  for (auto state : {model::ContainerState::Running, model::ContainerState::Paused}) {
    World world;
    world.container.state = state;
    world.pod_asks("memory.high", "1Gi").pod_asks("rlimit.core", "0").pod_asks("io.max", "8:0 rbps=1M");
    for (const auto& setting : world.plan().settings) EXPECT_EQ(setting.stage, Stage::Late);
  }
}

// Go's map order: quota and burst in one map could be written burst first, and be refused.
TEST(Hazard, BurstTravelsOnlyWhereTheOrderIsCertain) {
  const auto burstStage = [](World world) {
    world.pod_asks("cpu.max.burst", "20ms");
    return only(world.plan(), "cpu.max.burst").stage;
  };
  World limited = permissive();
  limited.container.base.cpu_quota_us = 100'000;
  EXPECT_EQ(burstStage(limited), Stage::Create) << "the kubelet's quota is written before the map";
  EXPECT_EQ(burstStage(permissive()), Stage::Create) << "without a quota any burst is taken";
  World with_quota = limited;
  with_quota.pod_asks("cpu.max", "500m");
  EXPECT_EQ(burstStage(with_quota), Stage::Start);
  World by_map = limited;
  by_map.container.base.unified["cpu.max"] = "50000 100000";
  EXPECT_EQ(burstStage(by_map), Stage::Start);
}

// What cannot be put back later is read before it is overwritten.
TEST(Hazard, NothingTravelsOverAValueThatIsNotKnown) {
  World world = permissive();
  world.container.base.cpu_shares.reset();
  world.pod_asks("cpu.weight", "50");
  EXPECT_EQ(only(world.plan(), "cpu.weight").stage, Stage::Create) << "a new cgroup's weight is 100";
  world.container.base.cpu_shares = 512;
  EXPECT_EQ(only(world.plan(), "cpu.weight").stage, Stage::Start) << "runtimes differ in their formula";
  world.container.base.unified["cpu.weight"] = "20";
  EXPECT_EQ(only(world.plan(), "cpu.weight").stage, Stage::Create) << "the kubelet's own word";
}

TEST(Contradiction, BurstAboveTheQuotaGoesWhateverItsSource) {
  World base = permissive();
  base.container.base.cpu_quota_us = 10'000;
  base.container_asks("cpu.max.burst", "20ms");
  EXPECT_THAT(only(base.plan(), "cpu.max.burst").reason, HasSubstr("by the kubelet's limit"));
  EXPECT_EQ(only(base.plan(), "cpu.max.burst").state, State::Refused);
  World own = permissive();
  own.container_asks("cpu.max.burst", "60ms").pod_asks("cpu.max", "500m");
  EXPECT_THAT(shown(own.plan()), ElementsAre("cpu.max=500m Pending Create", "cpu.max.burst=60ms Refused"));
  World raised = permissive();
  raised.container.base.cpu_quota_us = 10'000;
  raised.pod_asks("cpu.max.burst", "20ms").pod_asks("cpu.max", "500m");
  EXPECT_EQ(only(raised.plan(), "cpu.max.burst").state, State::Pending) << "our quota, not the kubelet's";
  World unlimited = permissive();
  unlimited.pod_asks("cpu.max.burst", "20ms").pod_asks("cpu.max", "max");
  EXPECT_EQ(only(unlimited.plan(), "cpu.max.burst").state, State::Pending);
}

TEST(Contradiction, IdleAndWeight) {
  World specific = permissive();
  specific.container_asks("cpu.weight", "5").pod_asks("cpu.idle", "true");
  EXPECT_THAT(shown(specific.plan()), ElementsAre("cpu.weight=5 Pending Start", "cpu.idle=true Refused"));
  World same = permissive();
  same.pod_asks("cpu.weight", "5").pod_asks("cpu.idle", "true");
  EXPECT_THAT(shown(same.plan()), ElementsAre("cpu.weight=5 Refused", "cpu.idle=true Refused"));
  EXPECT_THAT(only(same.plan(), "cpu.idle").reason, HasSubstr("keep one of the two"));
  World not_idle = permissive();
  not_idle.pod_asks("cpu.weight", "5").pod_asks("cpu.idle", "false");
  EXPECT_THAT(shown(not_idle.plan()),
              ElementsAre("cpu.weight=5 Pending Start", "cpu.idle=false Pending Create"));
}

// A weight is free for everybody and must not be a way out of the owner's idle class.
TEST(Contradiction, AWeightDoesNotLiftTheOwnersIdle) {
  World world;
  world.define("batch", {{"cpu.idle", "true"}}).pod_class("batch").container_asks("cpu.weight", "1");
  EXPECT_THAT(shown(world.plan()), ElementsAre("cpu.weight=1 Refused", "cpu.idle=true Pending Start"));
  world.rule("may-run", "cpu.idle");
  world.container_asks("cpu.idle", "false");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("cpu.weight=1 Pending Start", "cpu.idle=false Pending Create"));
}

TEST(Contradiction, TheNextLessSpecificTakesTheLosersPlace) {
  World world = permissive();
  world.define("burst", {{"cpu.max.burst", "5ms"}}).pod_class("burst").pod_asks("cpu.max.burst", "20ms");
  world.container.base.cpu_quota_us = 10'000;
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("cpu.max.burst=5ms Pending Create", "cpu.max.burst=20ms Refused"));
}

TEST(Contradiction, Clamps) {
  World world = permissive();
  world.pod_asks("cpu.uclamp.min", "60%").container_asks("cpu.uclamp.max", "50%");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("cpu.uclamp.min=60% Refused", "cpu.uclamp.max=50% Pending Create"));
  World owners = permissive();
  owners.defaults("cpu.uclamp.max", "50%").container_asks("cpu.uclamp.min", "max");
  EXPECT_THAT(shown(owners.plan()),
              ElementsAre("cpu.uclamp.min=max Refused", "cpu.uclamp.max=50% Pending Create"));
  World equal = permissive();
  equal.pod_asks("cpu.uclamp.min", "50%").pod_asks("cpu.uclamp.max", "50%");
  for (const auto& setting : equal.plan().settings) EXPECT_EQ(setting.state, State::Pending);
}

TEST(Contradiction, MemoryHighAboveMaxIsToldButTaken) {
  World world = permissive();
  world.pod_asks("memory.high", "2Gi");
  EXPECT_EQ(only(world.plan(), "memory.high").caveat, "");
  world.container.base.memory_limit = 1 << 30;
  EXPECT_EQ(only(world.plan(), "memory.high").state, State::Pending);
  EXPECT_EQ(only(world.plan(), "memory.high").caveat, "is above memory.max = 1Gi and never acts");
  world.pod_asks("memory.max", "4Gi");
  EXPECT_EQ(only(world.plan(), "memory.high").caveat, "");
}

TEST(Unsupported, FilesSeenCountForMoreThanTheVersion) {
  World world = permissive();
  world.pod_asks("cpu.idle", "true");
  world.node.kernel = {5, 10};
  EXPECT_EQ(only(world.plan(), "cpu.idle").state, State::Pending) << "the file is there";
  world.node.cgroup_files.erase("cpu.idle");
  EXPECT_EQ(only(world.plan(), "cpu.idle").state, State::Unsupported);
  world.node.cgroup_files.clear();
  EXPECT_EQ(only(world.plan(), "cpu.idle").reason, "cpu.idle needs Linux 5.15, and this is 5.10");
  world.node.kernel = {};
  EXPECT_EQ(only(world.plan(), "cpu.idle").state, State::Pending) << "nothing is known";
}

TEST(Unsupported, NamesTheMissingControllerOrPageSize) {
  World world = permissive();
  world.pod_asks("io.weight", "50").pod_asks("hugetlb.1GB.max", "1Gi").pod_asks("memory.zswap.max", "0");
  for (const char* file : {"io.weight", "hugetlb.1GB.max", "memory.zswap.max"}) {
    world.node.cgroup_files.erase(file);
  }
  world.node.controllers.erase("io");
  const auto plan = world.plan();
  EXPECT_EQ(only(plan, "io.weight").reason,
            "this node's cgroup tree lacks the io controller, so there is no io.weight");
  EXPECT_EQ(only(plan, "hugetlb.1GB.max").reason, "this node has no huge pages of this size");
  EXPECT_EQ(only(plan, "memory.zswap.max").reason,
            "the kernel of this node (6.12.1) has no memory.zswap.max");
}

TEST(Unsupported, CpusThatAreNotOnline) {
  World world = permissive();
  world.pod_asks("cpuset.cpus", "6-9").pod_asks("cpuset.mems", "0-1");
  EXPECT_EQ(only(world.plan(), "cpuset.cpus").reason, "CPUs 8-9 are not online on this node, which has 0-7");
  EXPECT_EQ(only(world.plan(), "cpuset.mems").reason,
            "memory nodes 1 are not online on this node, which has 0");
}

TEST(Devices, AreNumbersInThePlan) {
  World world;
  world.pod_asks("io.max", "path:/data rbps=1M");
  const auto ref = model::devicesOf(world.intent.pod.requests[0].value).at(0);
  world.devices.emplace_back(ref, model::DeviceNumber{8, 16});
  EXPECT_EQ(model::kernelWrites(*keyOf("io.max").spec, only(world.plan(), "io.max").value).at(0),
            "8:16 rbps=1000000");
}

TEST(Devices, ThatAreNoneAreNotWritten) {
  World world;
  world.pod_asks("io.max", "path:/data rbps=1M");
  EXPECT_EQ(only(world.plan(), "io.max").state, State::Invalid) << "nobody resolved it";
  const auto ref = model::devicesOf(world.intent.pod.requests[0].value).at(0);
  world.devices.emplace_back(
      ref, base::error(base::ErrorCode::FailedPrecondition, "/data is on overlay, which has no device"));
  EXPECT_EQ(only(world.plan(), "io.max").state, State::Unsupported);
  EXPECT_THAT(only(world.plan(), "io.max").reason, HasSubstr("overlay"));
}

}  // namespace
}  // namespace plimsoll::policy
