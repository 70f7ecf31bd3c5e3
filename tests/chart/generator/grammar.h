// What users write, as regular expressions in RE2's syntax (CEL's): from the settings table, for the
// admission policy. They take at least what pkg/model takes, so that a policy never denies what the agent
// would honour; what depends on several parts of a value (ranges, order) is left to the agent.
// grammar_test.cc compares both.
//
// No backslash and no single quote stands in them, so they need no escapes in CEL. Pure functions, any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/model/setting.h"

namespace plimsoll::deploy {

// Of a value without blanks around it; empty: any text.
std::string valuePattern(const model::SettingSpec& spec);

// Names of sysctls without a row of their own, with "sysctl." in front.
std::string otherSysctlPattern();

// Domains that look like a slip of ours, with the slash behind: "plimsol.dev/", "plimsoll.io/". Not ours.
std::string slipPattern();

// `words` as an alternative, each taken literally.
std::string anyOf(const std::vector<std::string>& words);

// Whether a plain number is to be compared with the row's bounds.
bool hasRange(const model::SettingSpec& spec);

// Most bytes of a value.
size_t longestValue(const model::SettingSpec& spec);

}  // namespace plimsoll::deploy
