// Merging, classes, on-error, replan.
#include "pkg/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::SourceKind;
using model::Stage;
using model::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MakePlan, APodThatAsksNothingGetsNothing) { EXPECT_THAT(shown(World().plan()), IsEmpty()); }

TEST(MakePlan, TheMoreSpecificSourceWins) {
  const SourceKind kinds[] = {SourceKind::ContainerAnnotation, SourceKind::ContainerPolicy,
                              SourceKind::PodAnnotation, SourceKind::PodPolicy};
  // Each pair in both orders of writing.
  for (size_t strong = 0; strong < 4; ++strong) {
    for (size_t weak = strong + 1; weak < 4; ++weak) {
      World world;
      const auto ask = [&](size_t i, const char* value) {
        i < 2 ? world.container_asks("memory.high", value, kinds[i])
              : world.pod_asks("memory.high", value, kinds[i]);
      };
      ask(weak, "2Gi");
      ask(strong, "1Gi");
      EXPECT_THAT(shown(world.plan()), ElementsAre("memory.high=1Gi Pending Create")) << strong << weak;
    }
  }
}

TEST(MakePlan, OtherContainersWishesAreNotThisOnes) {
  World world;
  world.container_asks("memory.high", "1Gi");
  world.container.name = "sidecar";
  EXPECT_THAT(shown(world.plan()), IsEmpty());
}

TEST(MakePlan, ClassThenDefaultsFillTheGaps) {
  World world;
  world.define("fast", {{"cpu.weight", "400"}, {"memory.high", "4Gi"}}).pod_class("fast");
  world.defaults("pids.max", "500").defaults("cpu.weight", "50");
  world.pod_asks("memory.high", "1Gi");
  const model::Plan plan = world.plan();
  EXPECT_EQ(plan.class_name, "fast");
  EXPECT_THAT(shown(plan), ElementsAre("cpu.weight=400 Pending Start", "memory.high=1Gi Pending Create",
                                       "pids.max=500 Pending Create"));
}

TEST(MakePlan, TheContainersClassWinsAndTheDefaultClassFillsIn) {
  World world;
  world.define("a", {{"cpu.weight", "1"}}).define("b", {{"cpu.weight", "2"}}).define("c", {});
  world.policy.default_class = "c";
  EXPECT_EQ(world.plan().class_name, "c");
  world.pod_class("a");
  EXPECT_EQ(world.plan().class_name, "a");
  world.intent.containers["app"].class_name = "b";
  EXPECT_EQ(world.plan().class_name, "b");
}

TEST(MakePlan, AnUnknownClassNamesTheNearest) {
  World world;
  world.define("latency-critical", {{"cpu.weight", "400"}}).define("batch", {}).pod_class("latency-critcal");
  const model::Plan plan = world.plan();
  EXPECT_EQ(plan.class_name, "");
  EXPECT_THAT(shown(plan), ElementsAre("class=latency-critcal Invalid"));
  EXPECT_THAT(only(plan, "class").reason, HasSubstr("did you mean latency-critical?"));
}

TEST(MakePlan, ARefusedClassGivesNothingButTheDefaultOne) {
  World world;
  world.define("fast", {{"cpu.weight", "400"}}).define("standard", {{"cpu.weight", "20"}}).pod_class("fast");
  world.rule("no-fast", "class", model::RuleEffect::Refuse).settings[0].words = {"fast"};
  world.policy.default_class = "standard";
  const model::Plan plan = world.plan();
  EXPECT_EQ(plan.class_name, "standard");
  EXPECT_THAT(shown(plan), ElementsAre("class=fast Refused", "cpu.weight=20 Pending Start"));
  EXPECT_EQ(only(plan, "class").rule, "no-fast");
}

// Else asking for something that is refused would be a way to shed the owner's settings.
TEST(MakePlan, ARefusedWishLeavesTheOwnersSettingInForce) {
  World world;
  world.define("batch", {{"cpu.idle", "true"}}).pod_class("batch").defaults("pids.max", "100");
  world.container.base.pids_limit = 100;
  world.pod_asks("cpu.idle", "false").pod_asks("pids.max", "100000");
  EXPECT_THAT(shown(world.plan()), ElementsAre("cpu.idle=true Pending Start", "cpu.idle=false Refused",
                                               "pids.max=100 Pending Create", "pids.max=100000 Refused"));
}

TEST(MakePlan, ARefusedContainerWishLeavesThePodsInForce) {
  World world;
  world.pod_asks("cpu.weight", "2").container_asks("cpu.weight", "9000");
  EXPECT_THAT(shown(world.plan()), ElementsAre("cpu.weight=2 Pending Start", "cpu.weight=9000 Refused"));
}

TEST(MakePlan, AnIgnoredNamespaceIsLeftAlone) {
  World world;
  world.pod_asks("memory.high", "1Gi").defaults("pids.max", "5");
  world.policy.ignored_namespaces = {"kube-*"};
  EXPECT_EQ(world.plan().settings.size(), 2U);
  world.pod.ns = "kube-system";
  EXPECT_THAT(shown(world.plan()), IsEmpty());
}

TEST(MakePlan, ProblemsOfThisContainerAndThePodAreKept) {
  World world;
  for (const char* container : {"", "app", "sidecar"}) {
    model::Problem problem;
    problem.container = container;
    problem.key = "plimsoll.dev/memory.hihg";
    problem.message = "there is no such setting";
    world.intent.problems.push_back(problem);
  }
  EXPECT_EQ(world.plan().problems.size(), 2U);
}

TEST(OnError, RejectNamesPodContainerKeyValueAndReason) {
  World world;
  world.intent.pod.on_error = model::OnError::Reject;
  world.container_asks("cpu.weight", "9000");
  ASSERT_TRUE(world.plan().rejection);
  EXPECT_THAT(*world.plan().rejection,
              testing::StartsWith("plimsoll: pod shop/web-0, container app: app.plimsoll.dev/cpu.weight = "
                                  "9000: 9000 is above the"));
}

TEST(OnError, WhichOfTheThreeCounts) {
  World world;
  world.container_asks("memory.min", "1Gi");
  EXPECT_FALSE(world.plan().rejection);
  world.policy.default_on_error = model::OnError::Reject;
  EXPECT_TRUE(world.plan().rejection);
  world.intent.pod.on_error = model::OnError::Ignore;
  EXPECT_FALSE(world.plan().rejection);
  world.intent.containers["app"].on_error = model::OnError::Reject;
  EXPECT_TRUE(world.plan().rejection);
}

TEST(OnError, RejectsForProblemsAndClassesButNotForWhatTheOwnerAsked) {
  World world;
  world.intent.pod.on_error = model::OnError::Reject;
  world.define("wide", {{"cpuset.cpus", "0-63"}}).pod_class("wide");
  EXPECT_EQ(only(world.plan(), "cpuset.cpus").state, State::Unsupported);
  EXPECT_FALSE(world.plan().rejection);
  World unknown_class;
  unknown_class.intent.pod.on_error = model::OnError::Reject;
  unknown_class.pod_class("nope");
  EXPECT_TRUE(unknown_class.plan().rejection);
  model::Problem problem;
  problem.key = "plimsoll.dev/memory.hihg";
  problem.message = "there is no such setting";
  world.intent.problems.push_back(problem);
  ASSERT_TRUE(world.plan().rejection);
  EXPECT_THAT(*world.plan().rejection, HasSubstr("plimsoll.dev/memory.hihg: there is no such setting"));
}

TEST(Wishes, HoldsThePodsAndTheOwnersMostSpecificFirst) {
  World world;
  world.define("c", {{"io.max", "path:/data rbps=1M"}}).pod_class("c").defaults("pids.max", "5");
  world.pod_asks("io.max", "path:/data rbps=2M").container_asks("io.max", "path:/data rbps=3M");
  std::vector<std::string> raws;
  for (const model::Request* request : wishes(world.intent, "app", world.policy)) {
    raws.push_back(request->raw);
  }
  EXPECT_THAT(raws, ElementsAre("path:/data rbps=3M", "path:/data rbps=2M", "path:/data rbps=1M", "5"));
}

TEST(Replan, KeepsWhatWasSeenOfUnchangedSettings) {
  World world;
  world.pod_asks("memory.high", "1Gi").pod_asks("pids.max", "64");
  model::Plan plan = world.plan();
  for (auto& setting : plan.settings) {
    setting.state = State::Applied;
    setting.found = "max";
    setting.actual = "as wanted";
    setting.changed_at = std::chrono::system_clock::time_point(std::chrono::seconds(7));
  }
  plan.settings[0].state = State::Moot;
  plan.settings[0].binding = "/kubepods/memory.high = 64Mi";
  world.intent.pod.requests[1] = wish("pids.max", "32", SourceKind::PodAnnotation, "plimsoll.dev/pids.max");
  world.container.state = model::ContainerState::Running;
  const model::Plan next = replan(plan, world.inputs());
  ASSERT_EQ(next.settings.size(), 2U);
  EXPECT_EQ(next.settings[0].state, State::Moot);
  EXPECT_EQ(next.settings[0].stage, Stage::Create);
  EXPECT_EQ(next.settings[0].binding, "/kubepods/memory.high = 64Mi");
  EXPECT_EQ(next.settings[0].changed_at, plan.settings[0].changed_at);
  // Another value: to be written again, but what was there before us is still known.
  EXPECT_THAT(shown(next.settings[1]), "pids.max=32 Pending Late");
  EXPECT_EQ(next.settings[1].found, "max");
  EXPECT_EQ(next.settings[1].actual, std::nullopt);
}

TEST(Replan, FollowsTheKubeletsNewValues) {
  World world;
  world.pod_asks("cpu.weight", "30");
  const model::Plan refused = world.plan();
  EXPECT_EQ(only(refused, "cpu.weight").state, State::Refused);
  world.container.base.cpu_shares = 2048;
  EXPECT_EQ(only(replan(refused, world.inputs()), "cpu.weight").state, State::Pending);
}

TEST(Replan, NothingIsRejectedOrCarriedAnyMore) {
  World world;
  world.intent.pod.on_error = model::OnError::Reject;
  world.pod_asks("memory.min", "1Gi");
  const model::Plan plan = world.plan();
  EXPECT_TRUE(plan.rejection);
  world.pod_asks("memory.high", "1Gi");
  const model::Plan next = replan(plan, world.inputs());
  EXPECT_FALSE(next.rejection);
  EXPECT_EQ(only(next, "memory.high").stage, Stage::Start);
}

}  // namespace
}  // namespace plimsoll::policy
