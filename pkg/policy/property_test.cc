// Properties of plans over many random worlds, from a fixed seed.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "pkg/policy/contradictions.h"
#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::Plan;
using model::PlannedSetting;
using model::SourceKind;
using model::State;

struct Choice {
  const char* key;
  std::vector<const char*> values;
};

const std::vector<Choice>& choices() {
  static const std::vector<Choice> table = {
      {"cpu.weight", {"1", "17", "400", "10000"}},
      {"cpu.max", {"100m", "2", "max"}},
      {"cpu.max.burst", {"0s", "20ms", "500ms"}},
      {"cpu.idle", {"true", "false"}},
      {"cpu.uclamp.min", {"0%", "60%", "max"}},
      {"cpu.uclamp.max", {"10%", "70%", "max"}},
      {"cpuset.cpus", {"0-3", "6-9"}},
      {"memory.min", {"0", "1Gi"}},
      {"memory.high", {"64Mi", "2Gi", "max"}},
      {"memory.max", {"128Mi", "4Gi", "max"}},
      {"io.weight", {"50", "300", "8:0=200"}},
      {"io.max", {"8:0 rbps=1M", "path:/data wiops=5"}},
      {"pids.max", {"8", "1000", "max"}},
      {"oom.score-adj", {"-500", "900", "1000"}},
      {"rlimit.nofile", {"1024", "unlimited"}},
      {"net.priority", {"besteffort", "high", "system"}},
      {"net.egress.rate", {"1M", "max"}},
      {"net.egress.burst", {"0", "1Mi"}},
  };
  return table;
}

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  bool chance(size_t one_in) { return below(one_in) == 0; }

 private:
  std::mt19937 engine_;
};

const char* pick(Dice& dice, const Choice& choice) { return choice.values[dice.below(choice.values.size())]; }

World randomWorld(Dice& dice) {
  World world;
  for (const char* name : {"a", "b"}) {
    std::vector<std::pair<std::string, std::string>> settings;
    for (const Choice& choice : choices()) {
      if (dice.chance(4)) settings.emplace_back(choice.key, pick(dice, choice));
    }
    world.define(name, settings);
  }
  const char* names[] = {"a", "b", "unknown"};
  if (dice.chance(2)) world.pod_class(names[dice.below(3)]);
  if (dice.chance(3)) world.intent.containers["app"].class_name = names[dice.below(3)];
  if (dice.chance(3)) world.policy.default_class = "b";
  for (const Choice& choice : choices()) {
    if (dice.chance(3)) world.pod_asks(choice.key, pick(dice, choice));
    if (dice.chance(4)) world.pod_asks(choice.key, pick(dice, choice), SourceKind::PodPolicy);
    if (dice.chance(4)) world.container_asks(choice.key, pick(dice, choice));
    if (dice.chance(5)) world.container_asks(choice.key, pick(dice, choice), SourceKind::ContainerPolicy);
    if (dice.chance(6)) world.defaults(choice.key, pick(dice, choice));
    if (dice.chance(3)) {
      world.rule(std::string("on-") + choice.key, choice.key,
                 dice.chance(3) ? model::RuleEffect::Refuse : model::RuleEffect::Allow);
    }
  }
  if (dice.chance(2)) world.container.base.cpu_quota_us = 50'000;
  if (dice.chance(2)) world.container.base.memory_limit = 256 << 20;
  if (dice.chance(3)) world.intent.pod.on_error = model::OnError::Reject;
  if (dice.chance(4)) world.node.cgroup_files.clear();
  if (dice.chance(3)) world.container.state = model::ContainerState::Running;
  return world;
}

// Everything of a plan, as text.
std::string dump(const Plan& plan) {
  std::string text = plan.class_name + "|" + plan.rejection.value_or("-") + "\n";
  for (const PlannedSetting& s : plan.settings) {
    text += shown(s) + "|" + s.request.source.where + "|" + s.reason + "|" + s.rule + "|" + s.binding + "|" +
            s.found.value_or("-") + "|" + s.actual.value_or("-") + "\n";
  }
  return text;
}

bool isOwners(const PlannedSetting& s) {
  return s.request.source.kind == SourceKind::Class || s.request.source.kind == SourceKind::NodeDefault;
}

std::vector<const PlannedSetting*> inForce(const Plan& plan) {
  std::vector<const PlannedSetting*> pending;
  for (const auto& setting : plan.settings) {
    if (setting.state == State::Pending) pending.push_back(&setting);
  }
  return pending;
}

constexpr int kWorlds = 3000;

TEST(PlanProperty, DeterministicAndIdempotentUnderReplan) {
  Dice dice(1);
  for (int i = 0; i < kWorlds; ++i) {
    const World world = randomWorld(dice);
    const Plan plan = world.plan();
    ASSERT_EQ(dump(plan), dump(world.plan()));
    const Plan once = replan(plan, world.inputs());
    ASSERT_EQ(dump(once), dump(replan(once, world.inputs())));
  }
}

TEST(PlanProperty, TheOrderOfWritingDoesNotMatter) {
  Dice dice(2);
  for (int i = 0; i < kWorlds; ++i) {
    World world = randomWorld(dice);
    const std::string before = dump(world.plan());
    std::reverse(world.intent.pod.requests.begin(), world.intent.pod.requests.end());
    std::reverse(world.policy.defaults.begin(), world.policy.defaults.end());
    ASSERT_EQ(before, dump(world.plan()));
  }
}

TEST(PlanProperty, OneInForcePerKeyAndNoContradictionLeft) {
  Dice dice(3);
  for (int i = 0; i < kWorlds; ++i) {
    const World world = randomWorld(dice);
    const Plan plan = world.plan();
    std::set<std::string> keys;
    for (const PlannedSetting* setting : inForce(plan)) {
      ASSERT_TRUE(keys.insert(setting->request.setting.key).second) << dump(plan);
    }
    ASSERT_TRUE(findContradictions(inForce(plan), world.container).empty()) << dump(plan);
  }
}

TEST(PlanProperty, WhatIsNotGrantedSaysWhy) {
  Dice dice(4);
  for (int i = 0; i < kWorlds; ++i) {
    const Plan plan = randomWorld(dice).plan();
    for (const PlannedSetting& setting : plan.settings) {
      ASSERT_TRUE(setting.state == State::Pending || !setting.reason.empty()) << dump(plan);
      ASSERT_FALSE(setting.state == State::Refused && !setting.rule.empty() && isOwners(setting));
    }
  }
}

// The kernel takes every order of what one Go map holds: no pair in it depends on another.
TEST(PlanProperty, TheCreationRequestHoldsNothingDoubtful) {
  Dice dice(5);
  for (int i = 0; i < kWorlds; ++i) {
    const World world = randomWorld(dice);
    const Plan plan = world.plan();
    std::set<std::string> keys;
    for (const PlannedSetting* setting : inForce(plan)) {
      if (setting->stage != model::Stage::Create) continue;
      keys.insert(setting->request.setting.key);
      ASSERT_NE(setting->request.setting.spec->carrier, model::Carrier::None);
      if (setting->request.setting.spec->carrier != model::Carrier::Unified) continue;
      ASSERT_TRUE(world.node.cgroup_files.contains(setting->request.setting.file));
      ASSERT_EQ(model::kernelWrites(*setting->request.setting.spec, setting->value).size(), 1U);
    }
    ASSERT_FALSE(keys.contains("cpu.max") && keys.contains("cpu.max.burst")) << dump(plan);
  }
}

// Nobody sheds what the owner set: a key that class or defaults set, and that no wish of the pod was granted
// for, holds the owner's value, or the plan says why the owner's own is not in force.
TEST(PlanProperty, TheOwnersSettingsStand) {
  Dice dice(6);
  for (int i = 0; i < kWorlds; ++i) {
    World world = randomWorld(dice);
    world.defaults("memory.zswap.max", "1Mi");
    world.rule("no-zswap", "memory.zswap.max", model::RuleEffect::Refuse);
    world.container_asks("memory.zswap.max", "max");
    const Plan plan = world.plan();
    std::set<std::string> present;
    for (const PlannedSetting& setting : plan.settings) {
      if (setting.state == State::Pending || isOwners(setting)) present.insert(setting.request.setting.key);
    }
    ASSERT_TRUE(present.contains("memory.zswap.max"));
    for (const auto& request : world.policy.defaults) {
      ASSERT_TRUE(present.contains(request.setting.key)) << dump(plan);
    }
  }
}

}  // namespace
}  // namespace plimsoll::policy
