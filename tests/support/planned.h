// A setting as a plan has it, from what a user would write; for tests of mechanisms.
#pragma once

#include <string_view>

#include "pkg/model/plan.h"

namespace plimsoll::testing_support {

inline model::PlannedSetting planned(std::string_view key, std::string_view text) {
  model::PlannedSetting setting;
  setting.request.setting = model::findSetting(key).value();
  setting.value = model::parseValue(*setting.request.setting.spec, text).value();
  return setting;
}

}  // namespace plimsoll::testing_support
