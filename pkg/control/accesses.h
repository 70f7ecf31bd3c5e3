// Which mechanism serves which setting of one container: the one place that knows. Lives no longer than the
// cgroup it is made of; threads: the loop's.
#pragma once

#include "pkg/cgroup/access.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/model/plan.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::control {

class Accesses {
 public:
  Accesses(const cgroup::ContainerCgroup& cgroup, const sys::HostRoots& roots, int64_t pid)
      : files_(cgroup), processes_(cgroup, roots, pid) {}

  const mechanism::Access& of(model::Target target) const {
    switch (target) {
      case model::Target::OomScoreAdj:
      case model::Target::Rlimit:
      case model::Target::IoPriority:
      case model::Target::Scheduler:
        return processes_;
      case model::Target::Sysctl:
      case model::Target::Link:
      case model::Target::CgroupFile:
      case model::Target::Plimsoll:  // never in a plan but as decided against
        break;
    }
    return files_;
  }
  const mechanism::Access& of(const model::PlannedSetting& setting) const {
    return of(setting.request.setting.spec->target);
  }

 private:
  cgroup::FileAccess files_;
  cgroup::ProcessAccess processes_;
};

}  // namespace plimsoll::control
