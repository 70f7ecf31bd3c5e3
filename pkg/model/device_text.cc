#include "pkg/model/device_text.h"

#include <algorithm>
#include <optional>

#include "pkg/base/parse.h"
#include "pkg/model/device_number.h"
#include "pkg/model/quantity.h"

namespace plimsoll::model {
namespace {

using base::invalidArgument;
using base::Result;

constexpr std::string_view kDeviceForms =
    "the device as path:/data (mounted path), volume:scratch or its number 8:0";

tl::unexpected<base::Error> wrong(std::string_view text, std::string_view what, std::string_view right) {
  return invalidArgument(inQuotes(text) + " " + std::string(what) + "; write " + std::string(right));
}

bool isVolumeName(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// Absolute and plain: no "..", nothing that needs quoting.
bool isPlainPath(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '=' || c == ';';
  };
  if (std::any_of(path.begin(), path.end(), bad)) return false;
  const auto parts = base::split(path, '/');
  return std::none_of(parts.begin(), parts.end(), [](std::string_view p) { return p == ".." || p == "."; });
}

Result<DeviceRef> parseDevice(std::string_view text) {
  if (text.starts_with("path:")) {
    const std::string_view path = text.substr(5);
    if (!isPlainPath(path)) return wrong(text, "is not an absolute, plain path", kDeviceForms);
    return DeviceRef{DeviceRef::Kind::Path, {}, std::string(path)};
  }
  if (text.starts_with("volume:")) {
    const std::string_view volume = text.substr(7);
    if (!isVolumeName(volume)) return wrong(text, "is not the name of a volume", kDeviceForms);
    return DeviceRef{DeviceRef::Kind::Volume, {}, std::string(volume)};
  }
  auto number = parseDeviceNumber(text);
  if (!number) return wrong(text, "is not a device", kDeviceForms);
  return DeviceRef{DeviceRef::Kind::Number, *number, {}};
}

// Entries between ";"; for weights and latencies blanks separate them too.
std::vector<std::string_view> entriesOf(std::string_view text, bool blanks_separate) {
  std::vector<std::string_view> entries;
  for (std::string_view part : base::split(text, ';')) {
    if (!blanks_separate) {
      if (part = base::trim(part); !part.empty()) entries.push_back(part);
      continue;
    }
    for (std::string_view word : base::splitWords(part)) entries.push_back(word);
  }
  return entries;
}

Result<int64_t> parseWeight(const SettingSpec& spec, std::string_view text) {
  auto weight = base::parseInt<int64_t>(text);
  if (!weight || *weight < spec.min || *weight > spec.max) {
    return wrong(text, "is not a weight",
                 "a whole number from " + std::to_string(spec.min) + " to " + std::to_string(spec.max));
  }
  return *weight;
}

template <typename Entry>
base::Status add(std::vector<Entry>& entries, Entry entry) {
  const auto same = [&entry](const Entry& e) { return e.device == entry.device; };
  if (std::any_of(entries.begin(), entries.end(), same)) {
    return invalidArgument(inQuotes(entry.device.toString()) + " stands there twice; name each device once");
  }
  if (entries.size() >= kMostDevices) {
    return invalidArgument("names more than " + std::to_string(kMostDevices) + " devices");
  }
  entries.push_back(std::move(entry));
  return base::ok();
}

// One "rbps=10M" of io.max.
base::Status setLimit(IoMaxEntry& entry, std::string_view word) {
  constexpr std::string_view kForms = "rbps=10M wbps=10M riops=500 wiops=500, each a number or max";
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) return wrong(word, "is not a limit", kForms);
  const std::string_view name = word.substr(0, equals), text = word.substr(equals + 1);
  int64_t* field = name == "rbps"    ? &entry.rbps
                   : name == "wbps"  ? &entry.wbps
                   : name == "riops" ? &entry.riops
                   : name == "wiops" ? &entry.wiops
                                     : nullptr;
  if (field == nullptr) return wrong(word, "is not a limit", kForms);
  if (*field != -1) return wrong(word, "stands there twice", "each limit once");
  if (text == "max") {
    *field = kMax;
    return base::ok();
  }
  auto value = parseBytes(text);
  if (!value) return wrong(word, value.error().message, kForms);
  // The kernel keeps operations in 32 bits, of which the largest is its "max".
  const bool operations = name.ends_with("iops");
  if (*value < 1 || (operations && *value >= UINT32_MAX)) return wrong(word, "is out of range", kForms);
  *field = *value;
  return base::ok();
}

std::string limitText(std::string_view name, int64_t value, bool bytes) {
  if (value == -1) return "";
  return " " + std::string(name) + "=" +
         (value == kMax ? "max"
          : bytes       ? formatBytes(value)
                        : std::to_string(value));
}

}  // namespace

std::optional<DeviceNumber> parseDeviceNumber(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto major = base::parseInt<uint32_t>(text.substr(0, colon));
  auto minor = base::parseInt<uint32_t>(text.substr(colon + 1));
  if (!major || !minor || *major >= (1u << 12) || *minor >= (1u << 20)) return std::nullopt;
  return DeviceNumber{*major, *minor};
}

std::string DeviceRef::toString() const {
  switch (kind) {
    case Kind::Number:
      return std::to_string(number.major) + ":" + std::to_string(number.minor);
    case Kind::Path:
      return "path:" + name;
    case Kind::Volume:
      return "volume:" + name;
  }
  return name;
}

Result<Value> parseIoWeight(const SettingSpec& spec, std::string_view text) {
  IoWeight value;
  for (std::string_view entry : entriesOf(text, true)) {
    const size_t equals = entry.rfind('=');
    const bool is_default = equals == std::string_view::npos || entry.substr(0, equals) == "default";
    ASSIGN_OR_RETURN(int64_t weight,
                     parseWeight(spec, equals == std::string_view::npos ? entry : entry.substr(equals + 1)));
    if (is_default) {
      if (value.default_weight != -1)
        return wrong(entry, "is a second default", "one weight, or default=100");
      value.default_weight = weight;
      continue;
    }
    ASSIGN_OR_RETURN(DeviceRef device, parseDevice(entry.substr(0, equals)));
    RETURN_IF_ERROR(add(value.devices, IoValueEntry{std::move(device), weight}));
  }
  if (value.default_weight == -1 && value.devices.empty()) return wrong(text, "has no weight", "200");
  return value;
}

Result<Value> parseIoMax(const SettingSpec& /*spec*/, std::string_view text) {
  IoMax value;
  for (std::string_view entry : entriesOf(text, false)) {
    const auto words = base::splitWords(entry);
    IoMaxEntry limits;
    ASSIGN_OR_RETURN(limits.device, parseDevice(words.front()));
    if (words.size() < 2) return wrong(entry, "has no limit", "path:/data rbps=10M wiops=500");
    for (size_t i = 1; i < words.size(); ++i) RETURN_IF_ERROR(setLimit(limits, words[i]));
    RETURN_IF_ERROR(add(value.devices, std::move(limits)));
  }
  if (value.devices.empty()) return wrong(text, "names no device", "path:/data rbps=10M wiops=500");
  return value;
}

Result<Value> parseIoLatency(const SettingSpec& spec, std::string_view text) {
  IoLatency value;
  for (std::string_view entry : entriesOf(text, true)) {
    const size_t equals = entry.rfind('=');
    if (equals == std::string_view::npos) return wrong(entry, "has no target", "path:/data=20ms");
    ASSIGN_OR_RETURN(DeviceRef device, parseDevice(entry.substr(0, equals)));
    auto target = parseDuration(entry.substr(equals + 1));
    if (!target) return wrong(entry, target.error().message, "path:/data=20ms");
    if (*target < spec.min || *target > spec.max) return wrong(entry, "is out of range", "path:/data=20ms");
    RETURN_IF_ERROR(add(value.devices, IoValueEntry{std::move(device), *target}));
  }
  if (value.devices.empty()) return wrong(text, "names no device", "path:/data=20ms");
  return value;
}

std::string formatIoWeight(const IoWeight& value) {
  if (value.devices.empty()) return std::to_string(value.default_weight);
  std::string text;
  if (value.default_weight != -1) text = "default=" + std::to_string(value.default_weight);
  for (const IoValueEntry& entry : value.devices) {
    text += (text.empty() ? "" : " ") + entry.device.toString() + "=" + std::to_string(entry.value);
  }
  return text;
}

std::string formatIoMax(const IoMax& value) {
  std::string text;
  for (const IoMaxEntry& entry : value.devices) {
    text += (text.empty() ? "" : "; ") + entry.device.toString() + limitText("rbps", entry.rbps, true) +
            limitText("wbps", entry.wbps, true) + limitText("riops", entry.riops, false) +
            limitText("wiops", entry.wiops, false);
  }
  return text;
}

std::string formatIoLatency(const IoLatency& value) {
  std::string text;
  for (const IoValueEntry& entry : value.devices) {
    text += (text.empty() ? "" : "; ") + entry.device.toString() + "=" +
            (entry.value == 0 ? "0" : formatDuration(entry.value));
  }
  return text;
}

}  // namespace plimsoll::model
