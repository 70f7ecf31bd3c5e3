// Brings one container's kernel state to its plan: reads, writes what differs, reads back, and says in the
// report what the kernel really has. Knows the mechanisms (cgroup files, OOM score, rlimits); decides
// nothing.
//
// Threads: the loop's. A call takes a few microseconds per setting.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/cgroup/hierarchy.h"
#include "pkg/model/plan.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::control {

// A container's cgroup, held open so that a namesake created later is never taken for it.
using ContainerHandle = cgroup::ContainerCgroup;

class Applier {
 public:
  // Start: no user code has run. Late: it has.
  enum class When { Start, Late };
  enum class Outcome { Done, Gone };
  using Devices = std::vector<std::pair<model::DeviceRef, base::Result<model::DeviceNumber>>>;

  Applier(sys::HostRoots roots, cgroup::Hierarchy hierarchy)
      : roots_(std::move(roots)), hierarchy_(std::move(hierarchy)) {}

  // NotFound: there is no such cgroup (yet, or any more).
  base::Result<ContainerHandle> open(const model::PodFacts& pod,
                                     const model::ContainerFacts& container) const;

  // Whether the container's first process exists and is of that container's cgroup, as far as its name tells.
  bool processLives(const model::ContainerFacts& container) const;

  // Each device that the requests name, as a number or the reason why not.
  Devices resolveDevices(const std::vector<const model::Request*>& requests,
                         const model::ContainerFacts& container) const;

  // Writes what the kernel does not have yet. A setting that was carried in the creation request and arrived
  // is only read.
  Outcome converge(const ContainerHandle& handle, model::ContainerReport& report, When when) const;

  // Reads without writing: what somebody else changed becomes Drifted.
  Outcome observe(const ContainerHandle& handle, model::ContainerReport& report) const;

  // Tries again what the kernel refused for the moment (EBUSY and the like), and nothing else.
  Outcome retry(const ContainerHandle& handle, model::ContainerReport& report) const;

  // What the kubelet's files held before its resize is nothing to go back to.
  static void forgetFoundBeforeResize(model::ContainerReport& report);

  // Takes back what would make the runtime's own write of the kubelet's new values fail.
  void relaxForResize(const ContainerHandle& handle, const model::ContainerReport& report) const;

  // Puts back what would be there without us, where that is known and the present value is still ours; says
  // in the log where it is not known.
  void withdraw(const ContainerHandle& handle, const model::ContainerReport& report,
                const model::PlannedSetting& setting) const;

 private:
  sys::HostRoots roots_;
  cgroup::Hierarchy hierarchy_;
};

}  // namespace plimsoll::control
