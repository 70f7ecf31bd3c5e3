// All network devices of the node's namespace, kept up to date by the kernel's news, so that finding a pod's
// link does not list hundreds of devices each time. Internal to pkg/netqos. One thread at a time.
#pragma once

#include <map>
#include <vector>

#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

class DeviceTable {
 public:
  struct Changes {
    std::vector<rtnl::Device> changed;  // or new
    std::vector<uint32_t> gone;
  };
  static base::Result<DeviceTable> open();

  int fd() const { return watch_.fd(); }
  // Takes the news; never waits. After an error the table is as it was.
  base::Result<Changes> update(const rtnl::Socket& rtnl);
  const std::map<uint32_t, rtnl::Device>& all() const { return devices_; }

 private:
  explicit DeviceTable(rtnl::DeviceWatch watch) : watch_(std::move(watch)) {}
  base::Status listAgain(const rtnl::Socket& rtnl, Changes& changes);

  rtnl::DeviceWatch watch_;
  std::map<uint32_t, rtnl::Device> devices_;
  bool listed_ = false;
};

}  // namespace plimsoll::netqos
