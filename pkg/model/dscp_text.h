// Differentiated services code points as users write them: 0 to 63, none, or a name of RFC 2474, 2597, 3246,
// 5865 and 8622 (cs0 to cs7, af11 to af43, ef, va, le). Internal to pkg/model; value.h is the door.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/model/value.h"

namespace plimsoll::model {

constexpr std::string_view kDscpForms = "a number from 0 to 63, none, or a name such as ef, af41 or cs1";

// -1: none, packets keep their own.
base::Result<Number> parseDscp(std::string_view text);
std::string formatDscp(int64_t value);

}  // namespace plimsoll::model
