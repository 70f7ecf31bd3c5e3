#include "pkg/netqos/discovery.h"

#include "pkg/sys/file.h"

namespace plimsoll::netqos {

using base::Result;

Result<std::optional<int>> namespaceOf(const rtnl::Socket& rtnl, const std::string& proc,
                                       const Subject& subject, std::string& reason) {
  if (subject.host_network) {
    reason = "the pod uses the node's own network";
    return std::nullopt;
  }
  if (subject.pid <= 0) {
    reason = "no process of the pod is known";
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const base::UniqueFd process, sys::openDir(proc + "/" + std::to_string(subject.pid)));
  ASSIGN_OR_RETURN(const std::string cgroup, sys::readAt(process.get(), "cgroup"));
  if (subject.belongs) RETURN_IF_ERROR(subject.belongs(cgroup));
  ASSIGN_OR_RETURN(const std::optional<int> nsid, rtnl.nsidOf(subject.pid));
  // By the same entry: the number was still that process's when the kernel was asked.
  RETURN_IF_ERROR(sys::readAt(process.get(), "cgroup"));
  if (!nsid)
    reason = "no device of the node leads into the pod (macvlan, ipvlan, a device of its own, or none)";
  return nsid;
}

PodLinks linksInto(const std::map<uint32_t, rtnl::Device>& devices, int nsid) {
  PodLinks out;
  for (const auto& [ifindex, device] : devices) {
    const bool pair = device.kind == "veth" || device.kind == "netkit";
    if (pair && device.link != 0 && device.nsid == nsid) out.devices.push_back(device);
  }
  if (out.devices.empty()) out.reason = "the pod has no veth or netkit link to the node";
  return out;
}

}  // namespace plimsoll::netqos
