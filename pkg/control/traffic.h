// How control reaches what a container sends and receives. Implemented where the engine lives
// (cmd/plimsolld); here nobody knows of programs and maps.
//
// Threads: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/cgroup/container_cgroup.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/model/facts.h"

namespace plimsoll::control {

struct TrafficSubject {
  const cgroup::ContainerCgroup& cgroup;
  const model::PodFacts* pod = nullptr;  // nullptr: only what its cgroup tells
  // Of the container; 0: not known.
  pid_t pid = 0;
  // Whether a process is the container's, by its /proc/<pid>/cgroup.
  std::function<base::Status(std::string_view proc_cgroup)> belongs;
};

enum class TrafficOf { Container, Pod };
// Look: nothing is attached for it.
enum class TrafficUse { Look, Change };

class Traffic {
 public:
  virtual ~Traffic() = default;
  // Settings with Target::Traffic, of the container or of its pod. Unimplemented: there is no engine, with
  // the reason.
  virtual base::Result<std::unique_ptr<mechanism::Access>> open(const TrafficSubject& subject, TrafficOf of,
                                                                TrafficUse use) = 0;
};

}  // namespace plimsoll::control
