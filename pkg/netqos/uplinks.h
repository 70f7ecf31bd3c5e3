// The devices by which the node's traffic leaves, and how their line is shared. Internal to pkg/netqos. One
// thread at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/device_table.h"
#include "pkg/netqos/hooks.h"
#include "pkg/netqos/queues.h"
#include "pkg/netqos/types.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

// How a line's rate is shared, as the programs take it. Pure.
bpfobj::UplinkSpec specOf(const LineOptions& line);

class Uplinks {
 public:
  Uplinks(bpfobj::Traffic& traffic, Hooks& hooks, const rtnl::Socket& rtnl, const DeviceTable& table,
          std::vector<std::string> queue_kinds)
      : traffic_(traffic),
        hooks_(hooks),
        rtnl_(rtnl),
        table_(table),
        queues_(rtnl, traffic.pinFolder(), std::move(queue_kinds)) {}

  // Finds the devices, attaches to what is new, leaves what is none any more. An error is that of the first
  // one that could not be attached to; the others are.
  base::Status configure(const LineOptions& line);
  // The same with the options of before; what was taken away is put back.
  void reconcile(uint32_t& repaired, uint32_t& failed);

  std::vector<UplinkReport> report() const;
  std::vector<Finding> queueFindings() const { return queues_.findings(); }
  uint64_t queueRepairs() const { return queues_.repairs(); }
  // The index of the one whose classes pace sockets.
  uint32_t paced() const;
  // Whether a device is one of them, or should be by its name.
  bool concerns(const rtnl::Device& device) const {
    return known_.contains(device.ifindex) || missing_.contains(device.name);
  }

 private:
  struct Uplink {
    uint32_t index = 0;
    std::string name, queue;
  };
  base::Result<std::vector<rtnl::Device>> find() const;
  base::Result<uint32_t> freeIndex() const;
  base::Status add(const rtnl::Device& device);
  void remove(uint32_t ifindex);

  bpfobj::Traffic& traffic_;
  Hooks& hooks_;
  const rtnl::Socket& rtnl_;
  const DeviceTable& table_;
  Queues queues_;
  LineOptions line_;
  std::map<uint32_t, Uplink> known_;            // by ifindex
  std::map<std::string, std::string> missing_;  // name, why
};

}  // namespace plimsoll::netqos
