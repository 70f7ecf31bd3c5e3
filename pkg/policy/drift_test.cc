#include "pkg/policy/drift.h"

#include <gtest/gtest.h>

namespace plimsoll::policy {
namespace {

using model::DriftMode;

DriftMode modeOf(const model::DriftRules& rules, std::string_view key) {
  return driftMode(rules, *model::findSetting(key));
}

TEST(Drift, TheKubeletsFilesAreYieldedAndTheRestIsHeld) {
  EXPECT_EQ(modeOf({}, "cpu.max"), DriftMode::Yield);
  EXPECT_EQ(modeOf({}, "memory.max"), DriftMode::Yield);
  EXPECT_EQ(modeOf({}, "memory.high"), DriftMode::Enforce);
  EXPECT_EQ(modeOf({}, "oom.score-adj"), DriftMode::Enforce);
  EXPECT_EQ(modeOf({}, "sched.policy"), DriftMode::Warn) << "a thread may choose its own";
}

TEST(Drift, TheFirstPatternThatMatchesDecidesThenTheDefault) {
  model::DriftRules rules;
  rules.settings = {{"memory.high", DriftMode::Yield}, {"memory.*", DriftMode::Warn}};
  rules.otherwise = DriftMode::Enforce;
  EXPECT_EQ(modeOf(rules, "memory.high"), DriftMode::Yield);
  EXPECT_EQ(modeOf(rules, "memory.low"), DriftMode::Warn);
  EXPECT_EQ(modeOf(rules, "cpu.max"), DriftMode::Enforce);
}

TEST(Drift, AValueOfTheKubeletsTellsItsWriter) {
  model::PlannedSetting setting;
  setting.request.setting = *model::findSetting("cpu.max");
  setting.value = model::CpuMax{50'000, 100'000};
  model::ContainerFacts container;
  container.base.cpu_quota_us = 200'000;
  container.base.cpu_period_us = 100'000;
  EXPECT_EQ(likelyWriter(setting, {}, container, "200000 100000\n"), "the kubelet or the runtime");
  EXPECT_EQ(likelyWriter(setting, {}, container, "300000 100000\n"), "somebody");
  EXPECT_EQ(likelyWriter(setting, {}, container, "garbage"), "somebody");
}

}  // namespace
}  // namespace plimsoll::policy
