#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/config/config.h"

namespace plimsoll::config {
namespace {

using model::DriftMode;
using testing::HasSubstr;

base::Result<NodeConfig> load(const std::string& drift) {
  return loadNodeConfig("apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\ndrift: " + drift + "\n", "f");
}

TEST(DriftReader, ReadsModesAndFight) {
  auto config = load(
      "{default: warn, settings: {cpu.max: enforce, 'memory.*': yield}, fight: {rewrites: 3, window: 2m}}");
  ASSERT_TRUE(config) << config.error().message;
  const model::DriftRules& drift = config->policy.drift;
  EXPECT_EQ(drift.otherwise, DriftMode::Warn);
  ASSERT_EQ(drift.settings.size(), 2u);
  EXPECT_EQ(drift.settings[0], std::pair(std::string("cpu.max"), DriftMode::Enforce));
  EXPECT_EQ(drift.settings[1], std::pair(std::string("memory.*"), DriftMode::Yield));
  EXPECT_EQ(drift.fight_rewrites, 3);
  EXPECT_EQ(drift.fight_window, std::chrono::minutes(2));
}

TEST(DriftReader, PatternsOfFreeNames) {
  for (const char* pattern : {"*", "sysctl.*", "sysctl.net.ipv6.*", "sysctl.net.core.somaxconn"}) {
    auto config = load(std::string("{settings: {'") + pattern + "': warn}}");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->policy.drift.settings.size(), 1U) << pattern;
  }
}

TEST(DriftReader, WithoutTheSectionNothingIsSaid) {
  EXPECT_FALSE(builtInConfig().policy.drift.otherwise);
  EXPECT_EQ(builtInConfig().policy.drift.fight_rewrites, 5);
}

struct Mistake {
  const char *yaml, *message;
};
class DriftMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(DriftMistakes, AreNamed) {
  auto config = load(GetParam().yaml);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(All, DriftMistakes,
                         testing::Values(Mistake{"{default: enforced}", "did you mean enforce?"},
                                         Mistake{"{settings: {memory.hihg: warn}}",
                                                 "did you mean memory.high?"},
                                         Mistake{"{settings: [cpu.max]}", "wants a mapping"},
                                         Mistake{"{fight: {rewrites: 0}}", "rewrites"},
                                         Mistake{"{fight: {window: 10}}", "a duration of at least 1s"},
                                         Mistake{"{fight: {window: 10ms}}", "a duration of at least 1s"},
                                         Mistake{"{fights: {}}", "fights"}));

}  // namespace
}  // namespace plimsoll::config
