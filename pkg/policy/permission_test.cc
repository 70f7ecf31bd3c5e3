// Rules, bounds and the table's default permissions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/policy/baseline.h"
#include "pkg/policy/rules.h"
#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::RuleEffect;
using model::State;
using testing::HasSubstr;

State stateOf(const World& world, std::string_view key) { return only(world.plan(), key).state; }

// The table's example, where it names no path: those are resolved by others.
std::string_view exampleOf(const model::SettingSpec& spec) {
  if (spec.key == "io.weight") return "200";
  if (spec.key == "io.max") return "8:0 rbps=1M";
  if (spec.key == "io.latency") return "8:0=50ms";
  return spec.example;
}

// Every row of the table, by its default permission, for a pod to which nothing was given.
TEST(Permission, EveryRowWithoutARule) {
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.target == model::Target::Plimsoll) continue;
    for (const std::string& key : model::concreteKeys(spec)) {
      World world;
      world.node.online_cpus = *model::CpuSet::parse("0-15");
      world.node.nri_carriers.insert({model::Carrier::Seccomp, model::Carrier::Namespace});
      world.policy.seccomp_profiles["web"].default_action = "SCMP_ACT_LOG";
      world.pod_asks(key, exampleOf(spec));
      const auto setting = only(world.plan(), key);
      if (!spec.free_words.empty()) {
        EXPECT_EQ(setting.state, State::Pending) << key << ": the example is one of the free words";
        continue;
      }
      switch (spec.permission) {
        case model::Permission::Free:
          EXPECT_EQ(setting.state, State::Pending) << key << setting.reason;
          break;
        case model::Permission::RuleOnly:
          EXPECT_EQ(setting.state, State::Refused) << key;
          EXPECT_THAT(setting.reason, HasSubstr("needs a rule")) << key;
          EXPECT_THAT(setting.reason, HasSubstr(std::string(spec.hurts))) << key;
          world.allow(key);
          EXPECT_EQ(stateOf(world, key), State::Pending) << key;
          break;
        case model::Permission::LowerOnly:
        case model::Permission::RaiseOnly:
          world.allow(key);
          EXPECT_EQ(stateOf(world, key), State::Pending) << key;
          break;
      }
    }
  }
}

struct Measured {
  const char* key;
  const char* value;
  State state;
  const char* why;
};

TEST(Permission, UpToWhatTheKubeletGave) {
  const Measured table[] = {
      {"cpu.weight", "17", State::Pending, "102 shares: linear 4, logarithmic 17"},
      {"cpu.weight", "18", State::Refused, "above both"},
      {"cpu.max", "2", State::Pending, "the limit"},
      {"cpu.max", "2 50ms", State::Pending, "the same share in another period"},
      {"cpu.max", "2001m", State::Refused, "above the limit"},
      {"cpu.max", "max", State::Refused, "no limit is more than a limit"},
      {"memory.max", "1Gi", State::Pending, "the limit"},
      {"memory.max", "1025Mi", State::Refused, "above"},
      {"memory.swap.max", "0", State::Pending, "no swap"},
      {"memory.swap.max", "1Mi", State::Refused, "nobody gave any"},
      {"pids.max", "100", State::Pending, "the limit"},
      {"pids.max", "101", State::Refused, "above"},
      {"io.weight", "100", State::Pending, "the kernel's default"},
      {"io.weight", "8:0=101", State::Refused, "on one device is enough"},
      {"hugetlb.2MB.max", "0", State::Pending, "none"},
      {"hugetlb.2MB.max", "2Mi", State::Refused, "not asked for at the kubelet"},
      {"oom.score-adj", "900", State::Pending, "what the kubelet gave"},
      {"oom.score-adj", "1000", State::Pending, "goes earlier"},
      {"oom.score-adj", "899", State::Refused, "goes later"},
  };
  for (const Measured& row : table) {
    World world;
    world.container.base.cpu_quota_us = 200'000;
    world.container.base.cpu_period_us = 100'000;
    world.container.base.memory_limit = 1 << 30;
    world.container.base.pids_limit = 100;
    world.pod_asks(row.key, row.value);
    const auto setting = only(world.plan(), row.key);
    EXPECT_EQ(setting.state, row.state)
        << row.key << " = " << row.value << ": " << row.why << "; " << setting.reason;
  }
}

TEST(Permission, WithoutALimitAnyLimitIsLess) {
  World world;
  world.container.base.cpu_quota_us = -1;
  world.pod_asks("cpu.max", "64").pod_asks("memory.max", "1Ti").pod_asks("pids.max", "9999");
  for (const auto& setting : world.plan().settings) EXPECT_EQ(setting.state, State::Pending);
}

TEST(Permission, TheClassRaisesWhatIsFree) {
  World world;
  world.define("fast", {{"cpu.weight", "400"}, {"memory.low", "64Mi"}, {"oom.score-adj", "100"}});
  world.pod_class("fast").pod_asks("cpu.weight", "400").pod_asks("oom.score-adj", "100");
  EXPECT_EQ(stateOf(world, "cpu.weight"), State::Pending);
  EXPECT_EQ(stateOf(world, "oom.score-adj"), State::Pending);
  world.container_asks("cpu.weight", "401");
  const auto plan = world.plan();
  EXPECT_EQ(shown(plan)[0], "cpu.weight=400 Pending Start");
  EXPECT_EQ(shown(plan)[1], "cpu.weight=401 Refused");
  EXPECT_THAT(plan.settings[1].reason, HasSubstr("above the 400 of the class fast"));
}

TEST(Permission, WhatTheOwnerGaveMayBeAskedForAgain) {
  World world;
  world.defaults("memory.low", "64Mi").pod_asks("memory.low", "64Mi");
  EXPECT_EQ(stateOf(world, "memory.low"), State::Pending);
}

TEST(Permission, OwnersSettingsNeedNoRule) {
  World world;
  world.define("c", {{"memory.min", "64Mi"}, {"cpu.weight", "10000"}}).pod_class("c");
  world.rule("nobody", "*", RuleEffect::Refuse).settings = {{"memory.*", {}, {}, {}}, {"cpu.*", {}, {}, {}}};
  for (const auto& setting : world.plan().settings) EXPECT_EQ(setting.state, State::Pending);
}

TEST(Permission, SwapThatTheKubeletGaveIsFree) {
  World world;
  world.container.base.unified["memory.swap.max"] = "67108864";
  world.pod_asks("memory.swap.max", "64Mi");
  EXPECT_EQ(stateOf(world, "memory.swap.max"), State::Pending);
}

TEST(Rules, BoundsAreNamedWithBothValues) {
  World world;
  model::Rule& rule = world.rule("some", "memory.min");
  rule.settings[0].min = valueOf("memory.min", "16Mi");
  rule.settings[0].max = valueOf("memory.min", "512Mi");
  for (const char* value : {"16Mi", "512Mi"}) {
    World good = world;
    good.pod_asks("memory.min", value);
    EXPECT_EQ(stateOf(good, "memory.min"), State::Pending) << value;
    EXPECT_EQ(only(good.plan(), "memory.min").rule, "some");
  }
  World above = world;
  above.pod_asks("memory.min", "513Mi");
  EXPECT_EQ(only(above.plan(), "memory.min").reason, "513Mi is above the 512Mi that the rule allows (some)");
  World endless = world;
  endless.pod_asks("memory.min", "max");
  EXPECT_EQ(stateOf(endless, "memory.min"), State::Refused);
  World below = world;
  below.pod_asks("memory.min", "15Mi");
  EXPECT_EQ(only(below.plan(), "memory.min").reason, "15Mi is below the 16Mi that the rule allows (some)");
}

TEST(Rules, WordsBoundClassesFlagsAndWords) {
  World world;
  world.define("fast", {}).define("slow", {});
  world.rule("slow-only", "class").settings[0].words = {"slow"};
  world.rule("idle-on", "cpu.idle").settings[0].words = {"true"};
  world.rule("root-only", "cpuset.partition").settings[0].words = {"member", "root"};
  world.pod_class("fast").pod_asks("cpu.idle", "true").pod_asks("cpuset.partition", "isolated");
  const auto plan = world.plan();
  EXPECT_THAT(shown(plan), testing::ElementsAre("class=fast Refused", "cpu.idle=true Pending Start",
                                                "cpuset.partition=isolated Refused"));
  EXPECT_EQ(plan.settings[2].reason,
            "isolated is not among the values that the rule allows: member or root (root-only)");
}

TEST(Rules, CpuSetsAreBoundedByContainment) {
  World world;
  world.rule("some-cpus", "cpuset.cpus").settings[0].max = valueOf("cpuset.cpus", "2-5");
  World inside = world, across = world;
  inside.pod_asks("cpuset.cpus", "3,5");
  across.pod_asks("cpuset.cpus", "5-6");
  EXPECT_EQ(stateOf(inside, "cpuset.cpus"), State::Pending);
  EXPECT_EQ(stateOf(across, "cpuset.cpus"), State::Refused);
}

TEST(Rules, PercentagesKnowThatMaxIsAHundred) {
  World world;
  world.rule("all", "cpu.uclamp.min").settings[0].max = valueOf("cpu.uclamp.min", "100%");
  world.pod_asks("cpu.uclamp.min", "max");
  EXPECT_EQ(stateOf(world, "cpu.uclamp.min"), State::Pending);
}

TEST(Rules, TheFirstThatMatchesDecides) {
  World world;
  world.pod_asks("memory.min", "1Gi");
  world.rule("tight", "memory.min").settings[0].max = valueOf("memory.min", "1Mi");
  world.rule("wide", "memory.*");
  EXPECT_EQ(only(world.plan(), "memory.min").rule, "tight");
  EXPECT_EQ(stateOf(world, "memory.min"), State::Refused);
  world.policy.rules[0].selector.namespaces = {"elsewhere"};
  EXPECT_EQ(only(world.plan(), "memory.min").rule, "wide");
  EXPECT_EQ(stateOf(world, "memory.min"), State::Pending);
}

TEST(Rules, RefuseTakesAwayWhatIsFree) {
  World world;
  world.pod_asks("memory.high", "1Gi").pod_asks("memory.oom.group", "true");
  world.rule("locked", "*", RuleEffect::Refuse);
  for (const auto& setting : world.plan().settings) {
    EXPECT_EQ(setting.state, State::Refused);
    EXPECT_EQ(setting.reason, "the rule locked refuses it");
  }
}

TEST(Rules, SelectorsNeedEveryPartToMatch) {
  World world;
  world.pod.labels = {{"app", "web"}, {"tier", "1"}};
  model::Selector all;
  EXPECT_TRUE(matchesPod(all, world.pod));
  all.namespaces = {"other", "sh*"};
  all.qos_classes = {model::QosClass::Burstable};
  all.pod_labels = {{"app", "web"}};
  EXPECT_TRUE(matchesPod(all, world.pod));
  model::Selector one = all;
  one.namespaces = {"sh"};
  EXPECT_FALSE(matchesPod(one, world.pod));
  one = all;
  one.qos_classes = {model::QosClass::Guaranteed};
  EXPECT_FALSE(matchesPod(one, world.pod));
  one = all;
  one.pod_labels["tier"] = "2";
  EXPECT_FALSE(matchesPod(one, world.pod));
  one = all;
  one.pod_labels["absent"] = "";
  EXPECT_FALSE(matchesPod(one, world.pod));
  one = all;
  one.service_accounts = {"*"};
  EXPECT_FALSE(matchesPod(one, world.pod)) << "unknown is not any";
  world.pod.service_account = "builder";
  EXPECT_TRUE(matchesPod(one, world.pod));
}

TEST(Baseline, WeightOfSharesIsTheLargerOfBothFormulas) {
  const std::pair<uint64_t, int64_t> table[] = {
      {0, 100}, {1, 1}, {2, 1}, {102, 17}, {1024, 100}, {262'144, 10'000}, {UINT64_MAX, 10'000},
  };
  for (const auto& [shares, weight] : table) EXPECT_EQ(cpuWeightOfShares(shares), weight) << shares;
  int64_t before = 0;
  for (uint64_t shares = 2; shares <= 262'144; shares += 97) {
    const int64_t weight = cpuWeightOfShares(shares);
    const auto linear = static_cast<int64_t>(1 + (shares - 2) * 9999 / 262'142);
    EXPECT_GE(weight, linear) << shares;
    EXPECT_GE(weight, before) << "more shares, no less weight: " << shares;
    before = weight;
  }
}

TEST(Baseline, AnUnknownOomScoreIsTheMostModestOfItsClass) {
  World world;
  world.container.base.oom_score_adj.reset();
  const auto score = [&](model::QosClass qos) {
    world.pod.qos = qos;
    return std::get<model::Number>(kubeletValue(keyOf("oom.score-adj"), world.pod, world.container)).value;
  };
  EXPECT_EQ(score(model::QosClass::Guaranteed), -997);
  EXPECT_EQ(score(model::QosClass::Burstable), 999);
  EXPECT_EQ(score(model::QosClass::BestEffort), 1000);
}

}  // namespace
}  // namespace plimsoll::policy
