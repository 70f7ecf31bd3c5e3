// What a container has without Plimsoll: the values that the kubelet gave it through the runtime. The measure
// for settings that a pod may lower (or raise) without a rule. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "pkg/model/facts.h"
#include "pkg/model/plan.h"
#include "pkg/model/value.h"

namespace plimsoll::policy {

// cpu.weight for cgroup v1 CPU shares. Two formulas are in use: the linear one of KEP-2254, and since runc
// 1.3.2 and crun 1.23 one that maps 1024 shares to 100. Which of them the runtime has is not known here, so
// the larger result is taken. 0 (not set) is the kernel's default, 100.
int64_t cpuWeightOfShares(uint64_t shares);

// The value in force before Plimsoll. Where it is not known, the most modest one: 0 bytes of swap and of huge
// pages, and of a Burstable pod's oom_score_adj the highest that the kubelet gives.
model::Value kubeletValue(const model::SettingKey& setting, const model::PodFacts& pod,
                          const model::ContainerFacts& container);

// What the file of a new container holds without Plimsoll, where that is certain; nullopt: it depends on the
// runtime or on what NRI does not show, so it has to be read before it is overwritten.
std::optional<model::Value> certainValue(const model::PlannedSetting& setting, const model::PodFacts& pod,
                                         const model::ContainerFacts& container);

}  // namespace plimsoll::policy
