// CRI's messages as plain facts. What a runtime's verbose status says is JSON of its own making: nothing in
// it is taken for granted. Internal to pkg/cri. Pure, any thread.
#pragma once

#include <map>
#include <string>

#include "pkg/cri/client.h"
#include "proto/cri/v1/api.pb.h"

namespace plimsoll::cri {

namespace api = ::runtime::v1;

model::PodFacts podFacts(const api::PodSandbox& pod);
ListedContainer containerFacts(const api::Container& container);

// Adds cgroup_parent and host_network.
void addPodStatus(model::PodFacts& facts, const api::PodSandboxStatusResponse& status);
// Adds pid, cgroups_path, base and mounts; the state is the status's.
void addContainerStatus(model::ContainerFacts& facts, const api::ContainerStatusResponse& status);

}  // namespace plimsoll::cri
