// A pod, a container, a node and its rules for the tests of pkg/policy, each test naming only what matters to
// it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "pkg/policy/policy.h"

namespace plimsoll::policy {

inline model::SettingKey keyOf(std::string_view key) {
  auto setting = model::findSetting(key);
  EXPECT_TRUE(setting) << key;
  return *setting;
}

inline model::Value valueOf(std::string_view key, std::string_view text) {
  auto value = model::parseValue(*keyOf(key).spec, text);
  EXPECT_TRUE(value) << key << " = " << text << ": " << (value ? "" : value.error().message);
  return *value;
}

inline model::Request wish(std::string_view key, std::string_view text, model::SourceKind kind,
                           std::string where) {
  return {keyOf(key), std::string(text), valueOf(key, text), {kind, std::move(where)}};
}

struct World {
  World() {
    pod.ns = "shop";
    pod.name = "web-0";
    pod.qos = model::QosClass::Burstable;
    container.name = "app";
    container.base.cpu_shares = 102;
    container.base.oom_score_adj = 900;
    node.kernel = {6, 12};
    node.traffic = true;
    node.kernel_release = "6.12.1";
    node.nri_carriers = {model::Carrier::OomScoreAdj};
    node.controllers = {"cpu", "cpuset", "io", "memory", "pids", "hugetlb"};
    for (const model::SettingSpec& spec : model::settingsTable()) {
      if (spec.target != model::Target::CgroupFile) continue;
      for (const std::string& key : model::concreteKeys(spec)) node.cgroup_files.insert(keyOf(key).file);
    }
    node.online_cpus = *model::CpuSet::parse("0-7");
    node.online_mems = *model::CpuSet::parse("0");
  }

  World& pod_asks(std::string_view key, std::string_view text,
                  model::SourceKind kind = model::SourceKind::PodAnnotation) {
    intent.pod.requests.push_back(wish(key, text, kind, "plimsoll.dev/" + std::string(key)));
    return *this;
  }
  World& container_asks(std::string_view key, std::string_view text,
                        model::SourceKind kind = model::SourceKind::ContainerAnnotation) {
    intent.containers["app"].requests.push_back(
        wish(key, text, kind, "app.plimsoll.dev/" + std::string(key)));
    return *this;
  }
  World& pod_class(const std::string& name) {
    intent.pod.class_name = name;
    intent.pod.class_source = {model::SourceKind::PodAnnotation, "plimsoll.dev/class"};
    return *this;
  }
  World& define(const std::string& name, std::vector<std::pair<std::string, std::string>> settings) {
    model::ClassDef& definition = policy.classes[name];
    definition.name = name;
    for (const auto& [key, text] : settings) {
      definition.settings.push_back(wish(key, text, model::SourceKind::Class, name));
    }
    return *this;
  }
  World& defaults(std::string_view key, std::string_view text) {
    policy.defaults.push_back(wish(key, text, model::SourceKind::NodeDefault, "defaults"));
    return *this;
  }
  // A rule for every pod, on one setting, last in the list.
  model::Rule& rule(std::string name, std::string key, model::RuleEffect effect = model::RuleEffect::Allow) {
    return policy.rules.emplace_back(
        model::Rule{std::move(name), {}, effect, {{std::move(key), {}, {}, {}}}});
  }
  World& allow(std::string_view key) {
    rule("allow-" + std::string(key), std::string(key));
    return *this;
  }

  Inputs inputs() const { return {intent, pod, container, node, policy, devices}; }
  model::Plan plan() const { return makePlan(inputs()); }

  model::PodIntent intent;
  model::PodFacts pod;
  model::ContainerFacts container;
  model::NodeFacts node;
  model::NodePolicy policy;
  Devices devices;
};

// "cpu.weight=300 Pending Create", one per setting.
inline std::string shown(const model::PlannedSetting& setting) {
  std::string text = setting.request.setting.key + "=" +
                     model::formatValue(*setting.request.setting.spec, setting.value) + " " +
                     std::string(model::stateName(setting.state));
  if (setting.state == model::State::Pending) text += " " + std::string(model::stageName(setting.stage));
  return text;
}

inline std::vector<std::string> shown(const model::Plan& plan) {
  std::vector<std::string> texts;
  for (const auto& setting : plan.settings) texts.push_back(shown(setting));
  return texts;
}

// The only entry of a key; a failure if there is none, or more.
inline model::PlannedSetting only(const model::Plan& plan, std::string_view key) {
  model::PlannedSetting found;
  int count = 0;
  for (const auto& setting : plan.settings) {
    if (setting.request.setting.key != key) continue;
    found = setting;
    ++count;
  }
  EXPECT_EQ(count, 1) << key;
  return found;
}

}  // namespace plimsoll::policy
