// From our plain values to CRI's messages and back. Inside podctl only: the one header here that names
// protobuf.
#pragma once

#include <string>

#include "proto/cri/v1/api.pb.h"
#include "tests/support/podctl/client.h"

namespace plimsoll::podctl {

runtime::v1::PodSandboxConfig sandboxConfig(const PodSpec& pod, const std::string& cgroup_parent,
                                            const ContainerLimits& limits);
runtime::v1::ContainerConfig containerConfig(const PodSpec& pod, const ContainerSpec& container,
                                             const ContainerLimits& limits);
runtime::v1::LinuxContainerResources toResources(const ContainerLimits& limits);
ContainerLimits fromResources(const runtime::v1::LinuxContainerResources& resources);
ContainerState fromState(runtime::v1::ContainerState state);

}  // namespace plimsoll::podctl
