// The host side of a pod's links: veth and netkit devices of this namespace whose other end is in the pod's.
// Needs no capability and enters nothing. Internal to pkg/netqos.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/netqos/types.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

struct PodLinks {
  std::vector<rtnl::Device> devices;
  std::string reason;  // why there are none
};

// The number of the namespace of the subject's process; nullopt with `reason` where no device can lead there.
// Gone: the process is.
base::Result<std::optional<int>> namespaceOf(const rtnl::Socket& rtnl, const std::string& proc,
                                             const Subject& subject, std::string& reason);

PodLinks linksInto(const std::map<uint32_t, rtnl::Device>& devices, int nsid);

}  // namespace plimsoll::netqos
