#include "pkg/control/accesses.h"

#include "pkg/cgroup/path.h"
#include "pkg/netns/access.h"
#include "pkg/netns/membership.h"

namespace plimsoll::control {
namespace {

using base::Result;
using base::Status;

// The container's first process, or where that is not known any of its cgroup.
Result<pid_t> processOf(const cgroup::ContainerCgroup& cgroup, int64_t pid) {
  if (pid > 0) return static_cast<pid_t>(pid);
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, cgroup.pids());
  if (!pids.empty()) return pids.front();
  return base::error(base::ErrorCode::NotFound, "the container has no process (any more)");
}

std::function<Status(std::string_view)> belongsTo(const cgroup::ContainerCgroup& cgroup) {
  return [&cgroup](std::string_view text) -> Status {
    ASSIGN_OR_RETURN(const cgroup::ProcCgroup found, cgroup::parseProcCgroup(text));
    if (cgroup::isMember(found, cgroup.path())) return base::ok();
    return base::error(base::ErrorCode::NotFound, "the process is in cgroup " + found.path + ", not in " +
                                                      cgroup.path() + "; its number was another's");
  };
}

Result<netns::Subject> subjectOf(const cgroup::ContainerCgroup& cgroup, int64_t pid) {
  ASSIGN_OR_RETURN(const pid_t process, processOf(cgroup, pid));
  return netns::Subject{process, belongsTo(cgroup)};
}

}  // namespace

Result<std::unique_ptr<mechanism::Access>> Accesses::openFilter() {
  return base::error(
      base::ErrorCode::Unimplemented,
      "a filter is set when the container is created, and the kernel does not show which it is");
}

mechanism::LazyAccess::Open Accesses::openTraffic(const cgroup::ContainerCgroup& cgroup, int64_t pid,
                                                  TrafficWay way, TrafficOf of) {
  return [&cgroup, pid, way, of]() -> Result<std::unique_ptr<mechanism::Access>> {
    if (way.traffic == nullptr)
      return base::error(base::ErrorCode::Unimplemented, "traffic control is off on this node");
    TrafficSubject subject{cgroup, way.pod, 0, belongsTo(cgroup)};
    // Without a process the pod's link cannot be found; the cgroup still can.
    if (way.use == TrafficUse::Change) subject.pid = processOf(cgroup, pid).value_or(0);
    return way.traffic->open(subject, of, way.use);
  };
}

mechanism::LazyAccess::Open Accesses::openNamespace(const cgroup::ContainerCgroup& cgroup,
                                                    const sys::HostRoots& roots, int64_t pid,
                                                    model::ActsIn where) {
  return [&cgroup, &roots, pid, where]() -> Result<std::unique_ptr<mechanism::Access>> {
    ASSIGN_OR_RETURN(const netns::Subject subject, subjectOf(cgroup, pid));
    return netns::openAccess(roots, subject, where);
  };
}

mechanism::LazyAccess::Open Accesses::openMembership(const cgroup::ContainerCgroup& cgroup,
                                                     const sys::HostRoots& roots, int64_t pid,
                                                     const model::PodFacts* pod) {
  return [&cgroup, &roots, pid, pod]() -> Result<std::unique_ptr<mechanism::Access>> {
    ASSIGN_OR_RETURN(const netns::Subject subject, subjectOf(cgroup, pid));
    return netns::openMembership(roots, subject, pod ? static_cast<pid_t>(pod->sandbox_pid) : 0);
  };
}

}  // namespace plimsoll::control
