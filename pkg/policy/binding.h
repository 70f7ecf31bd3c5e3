// Whether a setting that the kernel holds can act, or whether an ancestor holds less. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/model/ancestor.h"
#include "pkg/model/value.h"

namespace plimsoll::policy {

// The ancestor that binds, as "/kubepods/pod1/memory.max = 64Mi"; nullopt: none does. `ancestors` runs from
// the nearest parent towards the root; of several the tightest is named, of equal ones the nearest. Text that
// the kernel would not show, or a value that was not read, binds nothing.
//
// Limits (memory.max, memory.high, swap, pids, cpu.max, hugetlb, uclamp.max): a lower one above binds.
// Protections (memory.min, memory.low, uclamp.min): one above that protects less binds, and 0 there makes
// this one moot; with the mount option memory_recursiveprot too, which hands an ancestor's protection down
// but never raises it (Documentation/admin-guide/cgroup-v2.rst). cpuset: `text` is cpuset.cpus or
// cpuset.cpus.effective; a parent that lacks some of the CPUs binds. Weights and per-device settings are not
// bound by ancestors in this sense.
std::optional<std::string> bindingAncestor(const model::SettingSpec& spec, const model::Value& value,
                                           const std::vector<model::AncestorValue>& ancestors);

}  // namespace plimsoll::policy
