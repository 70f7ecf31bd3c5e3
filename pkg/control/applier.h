// Brings one container's kernel state to its plan: reads, journals what is about to change, writes what
// differs, reads back, and says in the report what the kernel really has. Knows the mechanisms and the
// journal; decides nothing.
//
// Threads: the loop's. A call takes a few microseconds per setting.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/cgroup/hierarchy.h"
#include "pkg/control/ledger.h"
#include "pkg/control/traffic.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/metrics/metrics.h"
#include "pkg/model/plan.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::control {

// A container's cgroup, held open so that a namesake created later is never taken for it.
using ContainerHandle = cgroup::ContainerCgroup;

class Applier {
 public:
  // Start: no user code has run. Late: it has.
  // Resized: the runtime has just written the kubelet's new values.
  enum class When { Start, Late, Resized };
  enum class Outcome { Done, Gone };
  using Devices = std::vector<std::pair<model::DeviceRef, base::Result<model::DeviceNumber>>>;

  // Journal and metrics outlive this.
  Applier(sys::HostRoots roots, cgroup::Hierarchy hierarchy, journal::Journal& journal,
          metrics::Metrics& metrics)
      : roots_(std::move(roots)), hierarchy_(std::move(hierarchy)), ledger_(journal), metrics_(metrics) {}

  // What serves settings of traffic; nullptr: nothing. Outlives this.
  void setTraffic(Traffic* traffic) { traffic_ = traffic; }

  const cgroup::Hierarchy& hierarchy() const { return hierarchy_; }
  const sys::HostRoots& roots() const { return roots_; }
  journal::Journal& journal() { return ledger_.journal(); }

  // NotFound: there is no such cgroup (yet, or any more).
  base::Result<ContainerHandle> open(const model::PodFacts& pod,
                                     const model::ContainerFacts& container) const;

  // Whether the container's first process exists and is of that container's cgroup, as far as its name tells.
  bool processLives(const model::ContainerFacts& container) const;

  // Each device that the requests name, as a number or the reason why not.
  Devices resolveDevices(const std::vector<const model::Request*>& requests,
                         const model::ContainerFacts& container) const;

  // What the creation request carries is journaled before the runtime has it.
  void carry(const model::ContainerReport& report);

  struct Circumstances {
    When when = When::Late;
    // Where these say to yield, a value of somebody else's that is replaced becomes the one to go back to.
    const model::DriftRules* drift = nullptr;
    // Nobody has looked at the container since this agent began: what differs from the journal's value of a
    // wish that still stands was changed meanwhile, and becomes Drifted.
    bool first = false;
  };
  // Writes what the kernel does not have yet. A setting that was carried in the creation request and arrived
  // is only read. What drifted stays as it is: enforce() is for that.
  Outcome converge(const ContainerHandle& handle, model::ContainerReport& report, const Circumstances& now);

  // Reads without writing: what somebody else changed becomes Drifted.
  Outcome observe(const ContainerHandle& handle, model::ContainerReport& report) const;

  // Writes these settings (by index) again, whatever their state.
  Outcome enforce(const ContainerHandle& handle, model::ContainerReport& report,
                  const std::vector<size_t>& settings);

  // Tries again what the kernel refused for the moment (EBUSY and the like), and nothing else.
  Outcome retry(const ContainerHandle& handle, model::ContainerReport& report);

  // Somebody else's value stays: it is not ours to put back any more.
  void yield(const model::ContainerReport& report, const model::PlannedSetting& setting);

  // The kubelet's new values are what there is to go back to. Takes back what would make the runtime's own
  // write of them fail.
  void prepareResize(const std::optional<ContainerHandle>& handle, model::ContainerReport& report);

  // Puts back whatever the journal has of this container that the plan does not ask for, where the present
  // value is still ours. False: the kernel refused some for now.
  bool withdraw(const ContainerHandle& handle, const model::ContainerReport& report);

  // The container and all that was set for it alone is gone.
  void forget(const model::ContainerReport& report) { ledger_.forget(report.container.id); }
  // The same of what its containers share.
  void forgetPod(const std::string& sandbox_id) { ledger_.forget(sandbox_id); }

 private:
  struct Step {
    size_t index;
    mechanism::Looked looked;
  };
  Outcome write(const ContainerHandle& handle, model::ContainerReport& report,
                const std::vector<size_t>& settings, const Circumstances& now);
  std::optional<journal::Change> put(const mechanism::Access& access, model::ContainerReport& report,
                                     Step step, When when);
  void rememberWeight(const mechanism::Access& access, const model::ContainerReport& report,
                      const model::PlannedSetting& setting, std::vector<journal::Change>& changes);

  sys::HostRoots roots_;
  cgroup::Hierarchy hierarchy_;
  Ledger ledger_;
  metrics::Metrics& metrics_;
  Traffic* traffic_ = nullptr;
};

}  // namespace plimsoll::control
