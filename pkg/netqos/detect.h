// Who else shapes, marks or filters on this node's paths, and what follows from it for us. Only looks.
// Internal to pkg/netqos. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "pkg/netqos/types.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

// Cilium hands packets from one link's program straight into a pod, past the pod's link: an ingress limit has
// to stand at the cgroup. Known by the maps that it pins.
struct Cilium {
  bool present = false;
  bool bandwidth_manager = false;
};
Cilium findCilium(const std::string& bpffs);
std::vector<Finding> findingsOf(const Cilium& cilium, const std::string& bpffs);

// Token buckets and the like on pods' links; ifindex of each is among `pod_devices`.
std::vector<Finding> shapersOn(const std::vector<rtnl::Queue>& queues,
                               const std::vector<rtnl::Device>& pod_devices);

// Programs that run before ours, which is `ours`, at one place.
std::vector<Finding> programsBefore(const std::vector<uint32_t>& ids, uint32_t ours,
                                    const std::string& where);

}  // namespace plimsoll::netqos
