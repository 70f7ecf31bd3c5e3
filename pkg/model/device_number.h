// "8:16" as a block device's number. Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "pkg/model/value.h"

namespace plimsoll::model {

// nullopt: not major:minor, or more than the kernel's 12 and 20 bits.
std::optional<DeviceNumber> parseDeviceNumber(std::string_view text);

}  // namespace plimsoll::model
