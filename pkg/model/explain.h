// What `kubectl plimsoll explain` and the documentation say of a setting, from its row in the settings table.
// Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/setting.h"

namespace plimsoll::model {

// Words for a row's columns.
std::string_view typeName(ValueType type);               // "quantity of bytes"
std::string typeText(const SettingSpec& spec);           // "quantity of bytes, or max"
std::string_view permissionText(Permission permission);  // who may ask by default
std::string allowedText(const SettingSpec& spec);        // the same with the row's exceptions
std::string carrierText(const SettingSpec& spec);        // when it takes effect
std::string targetText(const SettingSpec& spec,
                       std::string_view file);   // "memory.high in the container's cgroup"
std::string_view actsInText(ActsIn where);       // "the container's cgroup"; empty: in nothing
std::string sinceText(const SettingSpec& spec);  // "Linux 4.5"; "any" for those that no kernel sees

struct Explanation {
  std::string key;   // concrete where a concrete one was asked for
  std::string help;  // one line
  // Label and text, in the order to be shown: Type, Range, Writes, Since, Live, ...
  std::vector<std::pair<std::string, std::string>> fields;

  std::string toText() const;  // the whole, for a terminal; ends in a line end
};

Explanation explain(const SettingSpec& spec);
// NotFound: no such setting; the message names the nearest.
base::Result<Explanation> explain(std::string_view key);

// One line per setting, "memory.high   Above this ...", in columns.
std::string explainList();

}  // namespace plimsoll::model
