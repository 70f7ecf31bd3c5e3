#include "pkg/netqos/detect.h"

#include <unistd.h>

#include <algorithm>

#include "pkg/bpfobj/link.h"

namespace plimsoll::netqos {
namespace {

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

Cilium findCilium(const std::string& bpffs) {
  Cilium out;
  if (bpffs.empty()) return out;
  const std::string globals = bpffs + "/tc/globals/";
  out.bandwidth_manager = exists(globals + "cilium_throttle");
  out.present = out.bandwidth_manager || exists(bpffs + "/cilium") || exists(globals + "cilium_ipcache") ||
                exists(globals + "cilium_lxc");
  return out;
}

std::vector<Finding> findingsOf(const Cilium& cilium, const std::string& bpffs) {
  std::vector<Finding> out;
  if (cilium.bandwidth_manager) {
    out.push_back(
        {"cilium's bandwidth manager", bpffs + "/tc/globals/cilium_throttle",
         "it delays packets by their time stamps; ours only mark, drop and pace, so both rates hold "
         "and the lower one binds"});
  }
  if (cilium.present) {
    out.push_back({"cilium", bpffs,
                   "packets may go straight into a pod past its link, so ingress rates are held at the "
                   "containers' cgroups"});
  }
  return out;
}

std::vector<Finding> shapersOn(const std::vector<rtnl::Queue>& queues,
                               const std::vector<rtnl::Device>& pod_devices) {
  std::vector<Finding> out;
  for (const rtnl::Queue& queue : queues) {
    auto device = std::find_if(pod_devices.begin(), pod_devices.end(),
                               [&](const rtnl::Device& known) { return known.ifindex == queue.ifindex; });
    if (device == pod_devices.end()) continue;
    if (queue.kind == "tbf" || queue.kind == "htb" || queue.kind == "hfsc") {
      out.push_back({queue.kind, device->name,
                     "as the CNI bandwidth plugin makes it for a pod's ingress; it stays, and the lower of "
                     "both rates binds"});
    } else if (queue.kind == "ingress") {
      out.push_back({"ingress qdisc", device->name,
                     "as the CNI bandwidth plugin makes it for a pod's egress; it stays, and leaves no room "
                     "for a classic egress filter"});
    }
  }
  return out;
}

std::vector<Finding> programsBefore(const std::vector<uint32_t>& ids, uint32_t ours,
                                    const std::string& where) {
  std::vector<Finding> out;
  if (std::find(ids.begin(), ids.end(), ours) == ids.end()) return out;
  for (uint32_t id : ids) {
    if (id == ours) break;
    auto name = bpfobj::programName(id);
    out.push_back({name ? "program " + *name : "program " + std::to_string(id), where,
                   "it runs before ours; packets for which it ends the chain are neither classified nor "
                   "limited"});
  }
  return out;
}

}  // namespace plimsoll::netqos
