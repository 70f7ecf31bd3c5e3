// What the node is and can: kernel, controllers, files of a cgroup, CPUs. Read once at start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pkg/cgroup/hierarchy.h"
#include "pkg/model/facts.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::cgroup {

// `cgroups`: paths known to exist (discovery.h), may be empty; the files of the one with most controllers are
// taken as those that containers have. Runtime fields are left alone. What cannot be read stays empty
// (unknown) and is logged; no failure here keeps the agent from starting.
model::NodeFacts probeNode(const sys::HostRoots& roots, const Hierarchy& hierarchy,
                           const std::vector<std::string>& cgroups = {});

// "6.12.107+deb13-cloud-amd64" gives 6.12; 0.0 for what is no release.
model::KernelVersion parseKernelRelease(std::string_view release);

}  // namespace plimsoll::cgroup
