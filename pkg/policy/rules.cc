#include "pkg/policy/rules.h"

#include <algorithm>

namespace plimsoll::policy {
namespace {

using model::Rule;
using model::RuleEffect;
using model::RuleSetting;
using model::SettingSpec;
using model::Value;

bool matchesAny(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [text](const std::string& p) { return matchesPattern(p, text); });
}

bool hasWord(const RuleSetting& bound, const std::string& word) {
  return std::find(bound.words.begin(), bound.words.end(), word) != bound.words.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    text.append(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ").append(words[i]);
  }
  return text;
}

// nullopt: within the bounds.
std::optional<std::string> passedBound(const RuleSetting& bound, const SettingSpec& spec,
                                       const Value& value) {
  const auto shown = [&spec](const Value& v) { return model::formatValue(spec, v); };
  // What cannot be ordered against a bound is not within it.
  if (bound.max && !(compareGiven(spec, value, *bound.max) <= 0)) {
    return shown(value) + " is above the " + shown(*bound.max) + " that the rule allows";
  }
  if (bound.min && !(compareGiven(spec, value, *bound.min) >= 0)) {
    return shown(value) + " is below the " + shown(*bound.min) + " that the rule allows";
  }
  if (!bound.words.empty() && !hasWord(bound, shown(value))) {
    return shown(value) + " is not among the values that the rule allows: " + joined(bound.words);
  }
  return std::nullopt;
}

const RuleSetting* settingOf(const Rule& rule, const SettingSpec& spec, std::string_view key,
                             const Value& value) {
  for (const RuleSetting& setting : rule.settings) {
    if (!matchesPattern(setting.key, key)) continue;
    bool spoken_of = rule.effect == RuleEffect::Allow || setting.words.empty() ||
                     hasWord(setting, model::formatValue(spec, value));
    if (spoken_of) return &setting;
  }
  return nullptr;
}

}  // namespace

bool matchesPattern(std::string_view pattern, std::string_view text) {
  if (!pattern.ends_with('*')) return pattern == text;
  return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool matchesPod(const model::Selector& selector, const model::PodFacts& pod) {
  if (!selector.namespaces.empty() && !matchesAny(selector.namespaces, pod.ns)) return false;
  if (!selector.service_accounts.empty() &&
      !(pod.service_account && matchesAny(selector.service_accounts, *pod.service_account))) {
    return false;
  }
  const auto& classes = selector.qos_classes;
  if (!classes.empty() && std::find(classes.begin(), classes.end(), pod.qos) == classes.end()) return false;
  return std::all_of(selector.pod_labels.begin(), selector.pod_labels.end(), [&pod](const auto& label) {
    auto it = pod.labels.find(label.first);
    return it != pod.labels.end() && it->second == label.second;
  });
}

std::optional<RuleVerdict> askRules(const model::NodePolicy& policy, const model::PodFacts& pod,
                                    const model::SettingKey& setting, const Value& value) {
  for (const Rule& rule : policy.rules) {
    if (!matchesPod(rule.selector, pod)) continue;
    const RuleSetting* bound = settingOf(rule, *setting.spec, setting.key, value);
    if (!bound) continue;
    if (rule.effect == RuleEffect::Refuse) {
      return RuleVerdict{false, rule.name, "the rule " + rule.name + " refuses it"};
    }
    if (auto passed = passedBound(*bound, *setting.spec, value)) {
      return RuleVerdict{false, rule.name, *passed + " (" + rule.name + ")"};
    }
    return RuleVerdict{true, rule.name, ""};
  }
  return std::nullopt;
}

std::partial_ordering compareGiven(const SettingSpec& spec, const Value& a, const Value& b) {
  const auto capped = [&spec](const Value& value) {
    const auto* number = std::get_if<model::Number>(&value);
    if (spec.type != model::ValueType::Percent || !number) return value;
    return Value{model::Number{std::min<int64_t>(number->value, 10'000)}};
  };
  return model::compareAmount(capped(a), capped(b));
}

}  // namespace plimsoll::policy
