#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/controller_fixture.h"

namespace plimsoll::control {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST_F(ControllerTest, APodThatWaitsForItsImageStaysKnownUntilItIsListedNoMore) {
  controller_->podStarted(pod({}));
  controller_->synchronize({pod({})}, {});
  turn(60ms);
  EXPECT_TRUE(controller_->knowsPod("s1"));
  controller_->synchronize({}, {});
  EXPECT_FALSE(controller_->knowsPod("s1"));
}

TEST_F(ControllerTest, CarriesAtCreationAndConfirmsAtStart) {
  CreateDecision decision =
      create({{"plimsoll.dev/memory.high", "64Mi"}, {"plimsoll.dev/rlimit.nofile", "1000:2000"}});
  EXPECT_THAT(decision.unified, Contains(Pair("memory.high", "67108864")));
  ASSERT_EQ(decision.rlimits.size(), 1U);
  EXPECT_EQ(decision.rlimits[0].type, "RLIMIT_NOFILE");
  EXPECT_EQ(setting("memory.high").state, State::Pending);

  FakeCgroup cgroup = host_.container(kPath).file("memory.high", "67108864\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_EQ(setting("memory.high").state, State::Applied) << setting("memory.high").reason;
  EXPECT_EQ(setting("memory.high").stage, Stage::Create);
  EXPECT_TRUE(told("SettingsApplied"));
}

TEST_F(ControllerTest, WritesWhatTheRuntimeDropped) {
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  FakeCgroup cgroup = host_.container(kPath);
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_EQ(cgroup.text("memory.high"), "67108864\n");
  EXPECT_EQ(setting("memory.high").state, State::Applied);
  EXPECT_EQ(setting("memory.high").stage, Stage::Start);
  EXPECT_EQ(setting("memory.high").found, "max");
}

TEST_F(ControllerTest, APodWithoutAnnotationsCostsNothing) {
  EXPECT_TRUE(create({}).empty());
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_THAT(store_.find("c1")->plan.settings, IsEmpty());
  EXPECT_THAT(events_, IsEmpty());
}

TEST_F(ControllerTest, OnErrorRejectRefusesAtCreation) {
  CreateDecision decision =
      create({{"plimsoll.dev/memory.min", "64Mi"}, {"plimsoll.dev/on-error", "reject"}});
  ASSERT_TRUE(decision.rejection);
  EXPECT_THAT(*decision.rejection, AllOf(HasSubstr("shop/web"), HasSubstr("app"), HasSubstr("memory.min")));
  EXPECT_THAT(decision.unified, IsEmpty());
  turn(1ms);
  EXPECT_TRUE(told("ContainerRejected"));
}

TEST_F(ControllerTest, OnErrorRejectRefusesTheStartWhenTheKernelFails) {
  create({{"plimsoll.dev/oom.score-adj", "1000"}, {"plimsoll.dev/on-error", "reject"}});
  host_.container(kPath);
  auto facts = container();
  // The process is not the container's: the setting fails, and so must the start.
  host_.process(4711, "/kubepods/other");
  base::Status started = controller_->containerStarting("c1", 4711, kPath);
  if (setting("oom.score-adj").state == State::Failed) {
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message, HasSubstr("oom.score-adj"));
  } else {
    EXPECT_TRUE(started);
  }
}

TEST_F(ControllerTest, AContainerThatVanishesMidwayIsNormal) {
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_EQ(setting("memory.high").state, State::Failed);
  turn(150ms);
  EXPECT_EQ(store_.find("c1"), nullptr);
  EXPECT_TRUE(told("ContainerGone"));
}

TEST_F(ControllerTest, ALivingContainerWhoseCgroupIsNotFoundIsKeptAndSaysWhy) {
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  // Its process is in a cgroup that the tree we were given does not have.
  host_.process(4711, "/kubepods/podu1/other");
  host_.proc("4711/cgroup", "0::/elsewhere/c1\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 4711, kPath));
  turn(150ms);
  ASSERT_NE(store_.find("c1"), nullptr);
  EXPECT_EQ(setting("memory.high").state, State::Failed);
  EXPECT_THAT(setting("memory.high").reason, HasSubstr("c1"));
}

TEST_F(ControllerTest, SynchronizeConvergesWhatRunsAndDoesNotWriteTwice) {
  FakeCgroup cgroup = host_.container(kPath);
  auto facts = container();
  facts.state = model::ContainerState::Running;
  facts.pid = 77;
  host_.process(77, kPath);
  controller_->synchronize({pod({{"plimsoll.dev/memory.high", "64Mi"}})}, {facts});
  EXPECT_EQ(controller_->pending(), 1U);
  turn(30ms);
  EXPECT_EQ(controller_->pending(), 0U);
  EXPECT_EQ(cgroup.text("memory.high"), "67108864\n");
  EXPECT_EQ(setting("memory.high").stage, Stage::Late);
  size_t events = events_.size();
  controller_->synchronize({pod({})}, {facts});
  turn(30ms);
  EXPECT_EQ(setting("memory.high").state, State::Applied);
  EXPECT_EQ(events_.size(), events) << "running twice changes nothing";
}

TEST_F(ControllerTest, AContainerMissingInOneListIsKeptWhileItsCgroupIs) {
  FakeCgroup cgroup = host_.container(kPath);
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  controller_->synchronize({}, {});
  turn(120ms);
  EXPECT_NE(store_.find("c1"), nullptr);
  cgroup.remove();
  turn(200ms);
  EXPECT_EQ(store_.find("c1"), nullptr);
}

TEST_F(ControllerTest, AParentThatBindsMakesItMoot) {
  FakeCgroup cgroup = host_.container(kPath);
  host_.container(kPodPath).file("memory.high", "1048576\n");
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_EQ(setting("memory.high").state, State::Moot);
  EXPECT_THAT(setting("memory.high").binding, HasSubstr("/kubepods/podu1/memory.high"));
}

TEST_F(ControllerTest, AResizeTakesIdleBackForTheRuntimeAndSetsItAgain) {
  FakeCgroup cgroup = host_.container(kPath);
  host_.process(4711, kPath);
  create({{"plimsoll.dev/class", "batch"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 4711, kPath));
  ASSERT_EQ(setting("cpu.idle").state, State::Applied) << "the batch class is expected to set cpu.idle";
  controller_->containerUpdating("c1", {.cpu_shares = 500});
  EXPECT_EQ(cgroup.text("cpu.idle"), "0\n");
  controller_->containerUpdated("c1");
  EXPECT_EQ(cgroup.text("cpu.idle"), "1\n");
}

TEST_F(ControllerTest, AResizeThatFailsIsPutRightByItself) {
  FakeCgroup cgroup = host_.container(kPath);
  host_.process(4711, kPath);
  create({{"plimsoll.dev/class", "batch"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 4711, kPath));
  controller_->containerUpdating("c1", {.cpu_shares = 500});
  ASSERT_EQ(cgroup.text("cpu.idle"), "0\n");
  turn(80ms);
  EXPECT_EQ(cgroup.text("cpu.idle"), "1\n");
}

TEST_F(ControllerTest, NewRulesReachRunningContainersAndWhatTheyForbidIsPutBack) {
  FakeCgroup cgroup = host_.container(kPath);
  controller_->setNodePolicy(allowing("memory.min"));
  create({{"plimsoll.dev/memory.low", "1Mi"}, {"plimsoll.dev/memory.min", "1Mi"}});
  // Not carried, so that the value found is known.
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  ASSERT_EQ(cgroup.text("memory.min"), "1048576\n");
  EXPECT_EQ(setting("memory.low").state, State::Refused);
  controller_->setNodePolicy(config::builtInConfig().policy);
  turn(30ms);
  EXPECT_EQ(setting("memory.min").state, State::Refused);
  EXPECT_EQ(cgroup.text("memory.min"), "0\n");
}

TEST_F(ControllerTest, WhatTravelledAtCreationIsPutBackToo) {
  controller_->setNodePolicy(allowing("memory.min"));
  create({{"plimsoll.dev/memory.min", "1Mi"}});
  FakeCgroup cgroup = host_.container(kPath).file("memory.min", "1048576\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  ASSERT_EQ(setting("memory.min").stage, Stage::Create);
  controller_->setNodePolicy(config::builtInConfig().policy);
  turn(30ms);
  EXPECT_EQ(cgroup.text("memory.min"), "0\n");
}

TEST_F(ControllerTest, AMootValueIsPutBackToo) {
  controller_->setNodePolicy(allowing("memory.low"));
  FakeCgroup cgroup = host_.container(kPath);
  host_.container(kPodPath).file("memory.low", "0\n");
  create({{"plimsoll.dev/memory.low", "1Mi"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  ASSERT_EQ(setting("memory.low").state, State::Moot);
  controller_->setNodePolicy(config::builtInConfig().policy);
  turn(30ms);
  EXPECT_EQ(cgroup.text("memory.low"), "0\n");
}

TEST_F(ControllerTest, AStartBeforeItsSliceIsPlannedFirst) {
  FakeCgroup cgroup = host_.container(kPath);
  auto facts = container();
  facts.state = model::ContainerState::Created;
  controller_->synchronize({pod({{"plimsoll.dev/memory.high", "64Mi"}})}, {facts});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  EXPECT_EQ(cgroup.text("memory.high"), "67108864\n");
}

TEST_F(ControllerTest, RejectHoldsForAContainerCreatedWhileWeWereAway) {
  host_.container(kPath);
  auto facts = container();
  facts.state = model::ContainerState::Created;
  controller_->synchronize({pod({{"plimsoll.dev/memory.min", "1Mi"}, {"plimsoll.dev/on-error", "reject"}})},
                           {facts});
  base::Status started = controller_->containerStarting("c1", 0, kPath);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("memory.min"));
}

TEST_F(ControllerTest, ARefusalIsToldOnceAfterARestart) {
  host_.container(kPath);
  auto facts = container();
  facts.state = model::ContainerState::Running;
  facts.pid = 77;
  host_.process(77, kPath);
  controller_->synchronize({pod({{"plimsoll.dev/memory.min", "1Mi"}, {"plimsoll.dev/on-error", "reject"}})},
                           {facts});
  turn(60ms);
  EXPECT_EQ(
      std::count_if(events_.begin(), events_.end(), [](auto& e) { return e.reason == "SettingRefused"; }), 1);
  EXPECT_FALSE(store_.find("c1")->plan.rejection) << "it runs already";
}

TEST_F(ControllerTest, AWishForANearlyRightContainerIsTold) {
  create({{"ap.plimsoll.dev/memory.high", "64Mi"}, {"sidecar.plimsoll.dev/memory.high", "64Mi"}});
  report_ = store_.find("c1");
  ASSERT_EQ(report_->plan.problems.size(), 1U);
  EXPECT_EQ(report_->plan.problems[0].suggestion, "app");
}

TEST_F(ControllerTest, APodThatTheListForgotIsLearntLater) {
  auto facts = container("c0");
  facts.state = model::ContainerState::Running;
  facts.pid = 77;
  controller_->synchronize({}, {facts});
  turn(30ms);
  EXPECT_FALSE(controller_->knowsPod("s1"));
  EXPECT_THAT(create({{"plimsoll.dev/memory.high", "64Mi"}}).unified,
              Contains(Pair("memory.high", "67108864")));
}

TEST_F(ControllerTest, StoppedAndRemovedContainersLeave) {
  host_.container(kPath);
  create({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  controller_->containerStopped("c1");
  EXPECT_EQ(store_.find("c1")->container.state, model::ContainerState::Stopped);
  controller_->containerRemoved("c1");
  controller_->podRemoved("s1");
  EXPECT_EQ(store_.size(), 0U);
  EXPECT_FALSE(controller_->knowsPod("s1"));
}

}  // namespace
}  // namespace plimsoll::control
