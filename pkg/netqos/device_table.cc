#include "pkg/netqos/device_table.h"

namespace plimsoll::netqos {

using base::Result;
using base::Status;

Result<DeviceTable> DeviceTable::open() {
  ASSIGN_OR_RETURN(rtnl::DeviceWatch watch, rtnl::DeviceWatch::open());
  return DeviceTable(std::move(watch));
}

Status DeviceTable::listAgain(const rtnl::Socket& rtnl, Changes& changes) {
  ASSIGN_OR_RETURN(std::vector<rtnl::Device> now, rtnl.devices());
  std::map<uint32_t, rtnl::Device> fresh;
  for (rtnl::Device& device : now) {
    changes.changed.push_back(device);
    fresh[device.ifindex] = std::move(device);
  }
  for (const auto& [ifindex, device] : devices_)
    if (!fresh.contains(ifindex)) changes.gone.push_back(ifindex);
  devices_ = std::move(fresh);
  listed_ = true;
  return base::ok();
}

Result<DeviceTable::Changes> DeviceTable::update(const rtnl::Socket& rtnl) {
  Changes changes;
  rtnl::DeviceWatch::Batch batch = watch_.take();
  if (batch.lost) listed_ = false;
  if (!listed_) {
    RETURN_IF_ERROR(listAgain(rtnl, changes));
    return changes;
  }
  for (rtnl::DeviceWatch::News& news : batch.news) {
    const uint32_t ifindex = news.device.ifindex;
    if (news.gone) {
      if (devices_.erase(ifindex) != 0) changes.gone.push_back(ifindex);
    } else {
      changes.changed.push_back(news.device);
      devices_[ifindex] = std::move(news.device);
    }
  }
  return changes;
}

}  // namespace plimsoll::netqos
