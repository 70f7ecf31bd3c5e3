// The order in which several settings of one container reach the kernel. Reads cpu.max.burst where the order
// depends on it. One thread at a time per container.
#pragma once

#include <cstddef>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/model/plan.h"

namespace plimsoll::cgroup {

// Indices of the settings to be written; those decided against are left out.
std::vector<size_t> writeOrder(const std::vector<model::PlannedSetting>& settings,
                               const ContainerCgroup& cgroup);

}  // namespace plimsoll::cgroup
