// The mechanisms of this folder: a container's control files, and the attributes of its processes. Both are
// found again by the container's cgroup. One thread at a time.
#pragma once

#include <string>
#include <vector>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/cgroup/process.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::cgroup {

// Target::CgroupFile. The cgroup is the caller's and outlives this.
class FileAccess final : public mechanism::Access {
 public:
  explicit FileAccess(const ContainerCgroup& cgroup) : cgroup_(cgroup) {}
  mechanism::Place place() const override { return {cgroup_.path(), cgroup_.id()}; }
  bool gone() const override { return cgroup_.gone(); }
  Result<std::string> read(const model::PlannedSetting& setting) const override;
  Status write(const model::PlannedSetting& setting) const override;
  std::vector<model::AncestorValue> ancestors(const model::PlannedSetting& setting) const override;

 private:
  const ContainerCgroup& cgroup_;
};

// Target::OomScoreAdj, Target::Rlimit: of every process of the cgroup, or of `pid` (the container's first
// process; 0: not known) where the cgroup shows none. Target::IoPriority, Target::Scheduler: of every thread
// of those processes; a deadline only of the first process's first thread, since each is a reservation of its
// own. What is forked later inherits the value (not a deadline).
class ProcessAccess final : public mechanism::Access {
 public:
  ProcessAccess(const ContainerCgroup& cgroup, const sys::HostRoots& roots, int64_t pid)
      : cgroup_(cgroup), roots_(roots), pid_(pid) {}
  mechanism::Place place() const override { return {cgroup_.path(), cgroup_.id()}; }
  bool gone() const override { return cgroup_.gone(); }
  // Of the first process that differs from what is wanted, else what they share.
  Result<std::string> read(const model::PlannedSetting& setting) const override;
  Status write(const model::PlannedSetting& setting) const override;

 private:
  const ContainerCgroup& cgroup_;
  const sys::HostRoots& roots_;
  int64_t pid_;
};

}  // namespace plimsoll::cgroup
