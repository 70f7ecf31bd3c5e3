// Which mechanism serves which setting of one container: the one place that knows. Lives no longer than the
// cgroup it is made of; threads: the loop's.
#pragma once

#include "pkg/cgroup/access.h"
#include "pkg/control/traffic.h"
#include "pkg/mechanism/lazy_access.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/model/plan.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::control {

// Nobody to ask: settings of traffic are unsupported.
struct TrafficWay {
  Traffic* traffic = nullptr;
  const model::PodFacts* pod = nullptr;
  TrafficUse use = TrafficUse::Look;
};

class Accesses {
 public:
  Accesses(const cgroup::ContainerCgroup& cgroup, const sys::HostRoots& roots, int64_t pid,
           TrafficWay way = {})
      : files_(cgroup),
        processes_(cgroup, roots, pid),
        network_(openNamespace(cgroup, roots, pid, model::ActsIn::NetworkNamespace)),
        ipc_(openNamespace(cgroup, roots, pid, model::ActsIn::IpcNamespace)),
        traffic_(openTraffic(cgroup, pid, way, TrafficOf::Container)),
        pod_traffic_(openTraffic(cgroup, pid, way, TrafficOf::Pod)),
        membership_(openMembership(cgroup, roots, pid, way.pod)) {}

  const mechanism::Access& of(const model::PlannedSetting& setting) const {
    return of(setting.request.setting);
  }
  const mechanism::Access& of(const model::SettingKey& key) const {
    switch (key.spec->target) {
      case model::Target::OomScoreAdj:
      case model::Target::Rlimit:
      case model::Target::IoPriority:
      case model::Target::Scheduler:
        return processes_;
      case model::Target::Sysctl:
      case model::Target::Link:
        return model::actsIn(key) == model::ActsIn::IpcNamespace ? ipc_ : network_;
      case model::Target::Seccomp:
        return filter_;
      case model::Target::Namespace:
        return membership_;
      case model::Target::Traffic:
        return model::actsIn(key) == model::ActsIn::PodTraffic ? pod_traffic_ : traffic_;
      case model::Target::CgroupFile:
      case model::Target::Plimsoll:  // never in a plan but as decided against
        break;
    }
    return files_;
  }

 private:
  // Nobody can read or change a process's filter from outside.
  static base::Result<std::unique_ptr<mechanism::Access>> openFilter();
  static mechanism::LazyAccess::Open openTraffic(const cgroup::ContainerCgroup& cgroup, int64_t pid,
                                                 TrafficWay way, TrafficOf of);
  static mechanism::LazyAccess::Open openNamespace(const cgroup::ContainerCgroup& cgroup,
                                                   const sys::HostRoots& roots, int64_t pid,
                                                   model::ActsIn where);
  static mechanism::LazyAccess::Open openMembership(const cgroup::ContainerCgroup& cgroup,
                                                    const sys::HostRoots& roots, int64_t pid,
                                                    const model::PodFacts* pod);

  cgroup::FileAccess files_;
  cgroup::ProcessAccess processes_;
  mechanism::LazyAccess network_, ipc_;  // of the container's pod
  mechanism::LazyAccess traffic_, pod_traffic_;
  mechanism::LazyAccess membership_;
  mechanism::LazyAccess filter_{openFilter};
};

}  // namespace plimsoll::control
