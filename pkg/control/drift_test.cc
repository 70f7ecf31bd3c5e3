// Other people's writes, what was there before us, and the journal between.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/support/controller_fixture.h"

namespace plimsoll::control {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DriftTest : public ControllerTest {
 protected:
  void start(model::StringMap annotations) {
    create(std::move(annotations));
    cgroup_.emplace(host_.container(kPath));
    ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  }
  void drift(model::DriftRules rules) {
    model::NodePolicy policy = config::builtInConfig().policy;
    policy.drift = std::move(rules);
    controller_->setNodePolicy(std::move(policy));
    turn(20ms);
  }
  size_t count(std::string_view reason) {
    return static_cast<size_t>(std::count_if(events_.begin(), events_.end(),
                                             [&](const auto& event) { return event.reason == reason; }));
  }
  std::optional<FakeCgroup> cgroup_;
};

TEST_F(DriftTest, WhatSomebodyChangesIsPutRightAtOnceAndTold) {
  start({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_EQ(cgroup_->text("memory.high"), "67108864\n");
  cgroup_->file("memory.high", "4096\n");
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.high"), "67108864\n");
  EXPECT_EQ(setting("memory.high").state, State::Applied);
  EXPECT_EQ(count("DriftCorrected"), 1u);
}

TEST_F(DriftTest, IsNoticedWithoutTheSweepEachTime) {
  Controller::Options options;  // sweeps are 10 s apart
  controller_.emplace(*loop_, options, applier_, node_, config::builtInConfig().policy, store_, metrics_,
                      [this](model::Event event) { events_.push_back(std::move(event)); });
  start({{"plimsoll.dev/memory.high", "64Mi"}});
  for (int i = 0; i < 3; ++i) {
    cgroup_->file("memory.high", "4096\n");
    turn(60ms);
    EXPECT_EQ(cgroup_->text("memory.high"), "67108864\n") << i;
  }
}

TEST_F(DriftTest, TheKubeletsFilesAreLeftToIt) {
  start({{"plimsoll.dev/memory.max", "64Mi"}});
  cgroup_->file("memory.max", "max\n");
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.max"), "max\n");
  EXPECT_EQ(setting("memory.max").state, State::Drifted);
  EXPECT_THAT(setting("memory.max").reason, HasSubstr("the kubelet or the runtime wrote max; left to them"));
  EXPECT_EQ(count("SettingDrifted"), 1u);
  EXPECT_THAT(journal_->ofContainer("c1"), IsEmpty()) << "it is theirs now";
  controller_->containerUpdating("c1", {});
  controller_->containerUpdated("c1");
  EXPECT_EQ(cgroup_->text("memory.max"), "67108864\n") << "computed again when the kubelet resizes";
}

TEST_F(DriftTest, WarnOnlyTells) {
  model::DriftRules rules;
  rules.otherwise = model::DriftMode::Warn;
  drift(rules);
  start({{"plimsoll.dev/memory.high", "64Mi"}});
  cgroup_->file("memory.high", "4096\n");
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.high"), "4096\n");
  EXPECT_EQ(setting("memory.high").state, State::Drifted);
  EXPECT_THAT(setting("memory.high").reason, HasSubstr("somebody wrote 4Ki"));
  EXPECT_THAT(journal_->ofContainer("c1"), SizeIs(1)) << "still ours to put back, should our value return";
  rules.otherwise = model::DriftMode::Enforce;
  drift(rules);
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.high"), "67108864\n");
}

TEST_F(DriftTest, WhatWasYieldedIsEnforcedOnceTheRulesSaySo) {
  start({{"plimsoll.dev/memory.max", "64Mi"}});
  cgroup_->file("memory.max", "max\n");
  turn(60ms);
  ASSERT_EQ(cgroup_->text("memory.max"), "max\n");
  model::DriftRules rules;
  rules.otherwise = model::DriftMode::Enforce;
  drift(rules);
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.max"), "67108864\n");
}

TEST_F(DriftTest, AFightEndsWithUsSteppingBackOnce) {
  start({{"plimsoll.dev/memory.high", "64Mi"}});
  for (int i = 0; i < 9; ++i) {
    cgroup_->file("memory.high", std::to_string(4096 * (i + 1)) + "\n");
    turn(40ms);
  }
  EXPECT_EQ(count("DriftCorrected"), 5u);
  EXPECT_EQ(cgroup_->text("memory.high"), "36864\n");
  EXPECT_EQ(setting("memory.high").state, State::Drifted);
  EXPECT_THAT(setting("memory.high").reason, HasSubstr("5 times within 60s"));
}

TEST_F(DriftTest, AWithdrawnClassPutsBackWhatWasFound) {
  start({{"plimsoll.dev/class", "batch"}});
  cgroup_->file("unrelated", "1\n");
  ASSERT_FALSE(journal_->ofContainer("c1").empty());
  model::NodePolicy none = config::builtInConfig().policy;
  none.classes["batch"].settings.clear();
  controller_->setNodePolicy(none);
  turn(20ms);
  FakeHost pristine;
  FakeCgroup fresh = pristine.container(kPath);
  for (const char* file : {"cpu.weight", "cpu.idle", "cpu.max", "memory.high", "memory.max", "pids.max"})
    EXPECT_EQ(cgroup_->text(file), fresh.text(file)) << file;
  EXPECT_THAT(journal_->ofContainer("c1"), IsEmpty());
}

TEST_F(DriftTest, AnotherAgentFindsInTheJournalWhatWasThereBefore) {
  start({{"plimsoll.dev/memory.high", "64Mi"}, {"plimsoll.dev/pids.max", "77"}});
  const std::string pids = "max\n";
  controller_.reset();
  journal_.reset();
  journal_ = *journal::Journal::open({.dir = host_.directory() + "/state", .max_bytes = 256 << 10});
  Applier applier(host_.roots(), *cgroup::Hierarchy::open(host_.roots()), *journal_, metrics_);
  Controller second(*loop_, {}, applier, node_, config::builtInConfig().policy, store_, metrics_, {});
  model::ContainerFacts facts = container();
  facts.state = model::ContainerState::Running;
  // It is listed without the wish for pids.max: the annotation is gone.
  second.synchronize({pod({{"plimsoll.dev/memory.high", "64Mi"}})}, {facts});
  turn(20ms);
  EXPECT_EQ(cgroup_->text("memory.high"), "67108864\n");
  EXPECT_EQ(setting("memory.high").state, State::Applied);
  EXPECT_EQ(setting("memory.high").found, "max") << "not our own value";
  EXPECT_EQ(cgroup_->text("pids.max"), pids);
}

// Left to them had we looked; nobody did, and the wish has changed since.
TEST_F(DriftTest, AYieldedValueThatANewWishReplacesIsGoneBackTo) {
  start({{"plimsoll.dev/memory.max", "64Mi"}, {"plimsoll.dev/memory.high", "60Mi"}});
  controller_.reset();
  cgroup_->file("memory.max", "104857600\n");
  cgroup_->file("memory.high", "104857600\n");
  auto another = [this](model::StringMap annotations) {
    Controller next(*loop_, {}, applier_, node_, config::builtInConfig().policy, store_, metrics_, {});
    model::ContainerFacts facts = container();
    facts.state = model::ContainerState::Running;
    next.synchronize({pod(std::move(annotations))}, {facts});
    turn(20ms);
  };
  another({{"plimsoll.dev/memory.max", "32Mi"}, {"plimsoll.dev/memory.high", "30Mi"}});
  EXPECT_EQ(cgroup_->text("memory.max"), "33554432\n");
  another({});
  EXPECT_EQ(cgroup_->text("memory.max"), "104857600\n");
  EXPECT_EQ(cgroup_->text("memory.high"), "max\n") << "is enforced, so theirs does not count";
}

TEST_F(DriftTest, WhatWasChangedWhileNobodyLookedIsDriftToo) {
  start({{"plimsoll.dev/memory.high", "64Mi"}, {"plimsoll.dev/memory.max", "128Mi"}});
  controller_.reset();
  cgroup_->file("memory.high", "4096\n").file("memory.max", "268435456\n");
  Controller second(*loop_, {}, applier_, node_, config::builtInConfig().policy, store_, metrics_, {});
  model::ContainerFacts facts = container();
  facts.state = model::ContainerState::Running;
  second.synchronize({pod({{"plimsoll.dev/memory.high", "64Mi"}, {"plimsoll.dev/memory.max", "128Mi"}})},
                     {facts});
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.high"), "67108864\n") << "enforced";
  EXPECT_EQ(cgroup_->text("memory.max"), "268435456\n") << "the kubelet's file is yielded";
  EXPECT_EQ(setting("memory.max").state, State::Drifted);
}

TEST_F(DriftTest, AlsoWhereTheCgroupWasNotFoundAtFirst) {
  const model::StringMap annotations{{"plimsoll.dev/memory.max", "128Mi"}};
  start(annotations);
  controller_.reset();
  const std::string dir = host_.roots().cgroup + kPath;
  std::filesystem::rename(dir, dir + ".away");
  Controller::Options options;
  options.sweep_min = 20ms;
  options.sweep_cpu_share = 0;
  Controller second(*loop_, options, applier_, node_, config::builtInConfig().policy, store_, metrics_, {});
  model::ContainerFacts facts = container();
  facts.state = model::ContainerState::Running;
  second.synchronize({pod(annotations)}, {facts});
  turn(30ms);
  ASSERT_EQ(setting("memory.max").state, State::Failed);
  std::filesystem::rename(dir + ".away", dir);
  cgroup_->file("memory.max", "268435456\n");
  turn(60ms);
  EXPECT_EQ(cgroup_->text("memory.max"), "268435456\n") << "the kubelet's file is yielded";
  EXPECT_EQ(setting("memory.max").state, State::Drifted);
}

TEST_F(DriftTest, AnIdleContainerGetsItsWeightBack) {
  create({{"plimsoll.dev/class", "batch"}});
  cgroup_.emplace(host_.container(kPath));
  cgroup_->file("cpu.weight", "39\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  ASSERT_EQ(cgroup_->text("cpu.idle"), "1\n");
  // As the kernel does it.
  cgroup_->file("cpu.weight", "0\n");
  model::NodePolicy none = config::builtInConfig().policy;
  none.classes["batch"].settings.clear();
  const journal::Change* weight = journal_->find("c1", model::Target::CgroupFile, "cpu.weight");
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight->found, "39");
  EXPECT_EQ(weight->ours, "100");
}

TEST_F(DriftTest, AResizeMovesTheBaseOfWhatTheKubeletGaveOnly) {
  create({{"plimsoll.dev/pids.max", "77"}, {"plimsoll.dev/memory.max", "64Mi"}});
  cgroup_.emplace(host_.container(kPath));
  cgroup_->file("pids.max", "4232\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  model::BaseResources base;
  base.memory_limit = 128 << 20;
  controller_->containerUpdating("c1", base);
  cgroup_->file("memory.max", "134217728\n");
  controller_->containerUpdated("c1");
  EXPECT_EQ(cgroup_->text("memory.max"), "67108864\n");
  EXPECT_EQ(journal_->find("c1", model::Target::CgroupFile, "memory.max")->found, "134217728");
  // It travelled at creation, over what a new cgroup has.
  EXPECT_NE(journal_->find("c1", model::Target::CgroupFile, "pids.max"), nullptr);
}

TEST_F(DriftTest, AResizeToOurOwnWeightMovesTheBaseToo) {
  controller_->podStarted(pod({{"plimsoll.dev/cpu.weight", "10"}}));
  model::ContainerFacts facts = container();
  facts.base.cpu_shares = 512;
  controller_->containerCreating(std::move(facts));
  cgroup_.emplace(host_.container(kPath));
  cgroup_->file("cpu.weight", "21\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  ASSERT_EQ(journal_->find("c1", model::Target::CgroupFile, "cpu.weight")->found, "21");
  model::BaseResources base;
  base.cpu_shares = 256;
  controller_->containerUpdating("c1", base);
  cgroup_->file("cpu.weight", "10\n");
  controller_->containerUpdated("c1");
  EXPECT_EQ(journal_->find("c1", model::Target::CgroupFile, "cpu.weight")->found, "10");
}

TEST_F(DriftTest, ARemovedContainerLeavesNoRecord) {
  start({{"plimsoll.dev/memory.high", "64Mi"}});
  EXPECT_THAT(journal_->openChanges(), SizeIs(1));
  controller_->containerStopped("c1");
  controller_->containerRemoved("c1");
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
}

TEST_F(DriftTest, WhatIsCarriedIsJournaledBeforeTheAnswer) {
  CreateDecision decision = create({{"plimsoll.dev/memory.high", "64Mi"}});
  ASSERT_THAT(decision.unified, SizeIs(1));
  const journal::Change* change = journal_->find("c1", model::Target::CgroupFile, "memory.high");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->place, kPath);
  EXPECT_EQ(change->place_id, 0u);
  EXPECT_EQ(change->found, "max");
  host_.container(kPath).file("memory.high", "67108864\n");
  ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  change = journal_->find("c1", model::Target::CgroupFile, "memory.high");
  ASSERT_TRUE(change);
  EXPECT_NE(change->place_id, 0u);
  EXPECT_TRUE(change->settled);
  EXPECT_EQ(setting("memory.high").stage, Stage::Create);
}

}  // namespace
}  // namespace plimsoll::control
