// The io.* settings as users write them: devices with numbers. Internal to pkg/model; value.h is the door.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/model/value.h"

namespace plimsoll::model {

constexpr size_t kMostDevices = 16;

base::Result<Value> parseIoWeight(const SettingSpec& spec, std::string_view text);
base::Result<Value> parseIoMax(const SettingSpec& spec, std::string_view text);
base::Result<Value> parseIoLatency(const SettingSpec& spec, std::string_view text);

std::string formatIoWeight(const IoWeight& value);
std::string formatIoMax(const IoMax& value);
std::string formatIoLatency(const IoLatency& value);

}  // namespace plimsoll::model
