// Devices by path or volume to devices by number.
#include <algorithm>

#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

using Resolved = std::vector<std::pair<DeviceRef, base::Result<DeviceNumber>>>;

// The value's list of devices, or nullptr.
template <typename V, typename Use>
void eachEntry(V& value, const Use& use) {
  if (auto* weight = std::get_if<IoWeight>(&value)) use(weight->devices);
  if (auto* limits = std::get_if<IoMax>(&value)) use(limits->devices);
  if (auto* latency = std::get_if<IoLatency>(&value)) use(latency->devices);
}

base::Result<DeviceNumber> numberOf(const DeviceRef& device, const Resolved& resolved) {
  if (device.kind == DeviceRef::Kind::Number) return device.number;
  for (const auto& [ref, number] : resolved) {
    if (ref == device) return number;
  }
  return base::error(base::ErrorCode::NotFound, device.toString() + " is not known in this container");
}

}  // namespace

std::vector<DeviceRef> devicesOf(const Value& value) {
  std::vector<DeviceRef> devices;
  eachEntry(value, [&devices](const auto& entries) {
    for (const auto& entry : entries) devices.push_back(entry.device);
  });
  return devices;
}

base::Result<Value> resolveDevices(const Value& value, const Resolved& resolved) {
  Value result = value;
  base::Status status = base::ok();
  eachEntry(result, [&](auto& entries) {
    for (auto it = entries.begin(); it != entries.end() && status; ++it) {
      const std::string written = it->device.toString();
      auto number = numberOf(it->device, resolved);
      if (!number) {
        status = tl::make_unexpected(number.error());
        return;
      }
      it->device = DeviceRef{DeviceRef::Kind::Number, *number, {}};
      const auto same = [&](const auto& e) { return e.device == it->device; };
      if (std::any_of(entries.begin(), it, same)) {
        status = base::invalidArgument(written + " is the device " + it->device.toString() +
                                       ", which is named before; name each device once");
      }
    }
  });
  if (!status) return tl::make_unexpected(status.error());
  return result;
}

}  // namespace plimsoll::model
