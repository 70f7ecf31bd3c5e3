// The pod's own cgroup, which on a node the kubelet keeps: made before the sandbox, limited as the pod is,
// removed after it. The runtime makes the containers' cgroups below. Blocks; one writer a pod.
#pragma once

#include <string>

#include "pkg/base/result.h"
#include "tests/support/podctl/kubelet.h"

namespace plimsoll::podctl {

// `parent` as cgroupParent gives it. Makes what is missing on the way, with all controllers handed down.
base::Status makePodCgroup(const std::string& cgroup_root, const std::string& parent);
base::Status limitPodCgroup(const std::string& cgroup_root, const std::string& parent,
                            const ContainerLimits& limits);
// Also removes empty cgroups that a runtime left below. Gone already is well.
base::Status removePodCgroup(const std::string& cgroup_root, const std::string& parent);

// MemTotal of /proc/meminfo in bytes.
base::Result<int64_t> nodeMemory();

}  // namespace plimsoll::podctl
