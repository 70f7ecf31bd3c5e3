// Which rule of the node's configuration speaks of a pod's wish, and what it says. Pure, any thread.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/model/facts.h"
#include "pkg/model/rules.h"

namespace plimsoll::policy {

// "shop-*" matches "shop-eu"; without a trailing "*" the text itself. "*" matches everything.
bool matchesPattern(std::string_view pattern, std::string_view text);

bool matchesPod(const model::Selector& selector, const model::PodFacts& pod);

struct RuleVerdict {
  bool allowed = false;
  std::string rule;
  std::string reason;  // not allowed: why, with both values where a bound is passed
};

// The first rule that matches pod and setting decides; nullopt: no rule speaks of it. A rule that refuses
// certain words speaks of those only.
std::optional<RuleVerdict> askRules(const model::NodePolicy& policy, const model::PodFacts& pod,
                                    const model::SettingKey& setting, const model::Value& value);

// As model::compareAmount, where the word "max" of a percentage is 100 %.
std::partial_ordering compareGiven(const model::SettingSpec& spec, const model::Value& a,
                                   const model::Value& b);

}  // namespace plimsoll::policy
