// Puts one planned setting into the kernel and reads back what the kernel really has; or only looks.
//
// Not for: whether a setting may be set, or whether an ancestor makes it moot (pkg/policy, with the ancestors
// given back here). Settings of Target::Plimsoll have no place here. One thread at a time per container.
//
//   for (size_t i : cgroup::writeOrder(plan.settings, subject.cgroup)) {
//     Applied applied = cgroup::applySetting(subject, plan.settings[i]);
//     cgroup::record(applied, plan.settings[i]);
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/model/plan.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::cgroup {

// Whom a setting is for. `pid` is the container's first process; 0: not known. Settings of processes go to
// every process of the cgroup, or to `pid` where the cgroup shows none.
struct Subject {
  const ContainerCgroup& cgroup;
  const sys::HostRoots& roots;
  int64_t pid = 0;
};

struct Applied {
  model::State state = model::State::Failed;  // Applied, Adjusted, Drifted, Failed, Unsupported
  std::string reason;                         // for people; empty when Applied
  std::optional<std::string> found;           // the kernel's text before; nullopt: not read
  std::optional<std::string> actual;          // the kernel's value after, canonical; nullopt: not read
  int error_number = 0;
  bool gone = false;                            // the container went away meanwhile: normal
  bool written = false;                         // false too where the kernel had the value already
  std::vector<model::AncestorValue> ancestors;  // CgroupFile only; nearest first
};

// Reads, writes unless the kernel has the value already, reads back, compares.
Applied applySetting(const Subject& subject, const model::PlannedSetting& setting);

// Only reads. A value that differs is Adjusted where it never was applied or still is what the kernel made of
// it, else Drifted.
Applied observeSetting(const Subject& subject, const model::PlannedSetting& setting);

// Copies the outcome into the setting; `found` only where it is not known yet, since later looks would see
// our own value. Stage and changed_at stay the caller's.
void record(const Applied& applied, model::PlannedSetting& setting);

// The order in which settings are to be written, as indices; those decided against are left out. Reads
// cpu.max.burst where the order depends on it.
std::vector<size_t> writeOrder(const std::vector<model::PlannedSetting>& settings,
                               const ContainerCgroup& cgroup);

}  // namespace plimsoll::cgroup
