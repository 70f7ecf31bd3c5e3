// The machine's topology from sysfs, as the kernel documents it in
// Documentation/ABI/stable/sysfs-devices-node and Documentation/ABI/stable/sysfs-devices-system-cpu.
//
// What is missing or cannot be understood is left out and said in `problems`: a virtual machine has no cache,
// an embedded kernel no NUMA. Any thread.
#pragma once

#include <string>

#include "pkg/base/result.h"
#include "pkg/model/topology.h"

namespace plimsoll::topology {

// `sys_root`: the host's /sys. An error only where not even the list of online CPUs can be read.
base::Result<model::Topology> readTopology(const std::string& sys_root);

}  // namespace plimsoll::topology
