// The node's cgroup v2 tree, found once at start. Plimsoll works on cgroup v2 only.
//
// Not for: reading or writing a container's files (container_cgroup.h). Immutable, any thread.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/cgroup/path.h"
#include "pkg/sys/file.h"
#include "pkg/sys/host_roots.h"
#include "pkg/sys/mountinfo.h"

namespace plimsoll::cgroup {

using base::Status;

enum class Mode { Unified, Hybrid, V1, NotMounted };

// How cgroups are mounted at and around `root`. A v1 mount without a resource controller (name=systemd,
// net_cls) does not make a host hybrid.
Mode modeOf(const std::vector<sys::Mount>& mounts, std::string_view root);

class Hierarchy {
 public:
  // FailedPrecondition, with one sentence that says what to do: hybrid, v1, or no cgroup v2 at roots.cgroup
  // according to <roots.proc>/self/mountinfo.
  static Result<Hierarchy> open(const sys::HostRoots& roots);

  int dir() const { return dir_.get(); }
  sys::Lookup lookup() const { return lookup_; }
  // Of the root, as in cgroup.controllers.
  const std::set<std::string, std::less<>>& controllers() const { return controllers_; }

  // The path of the cgroup of a process, from the text of its /proc/<pid>/cgroup. Where a cgroup namespace of
  // our own hides the first names, they are looked for in the tree. NotFound: no such cgroup (any more).
  Result<std::string> locate(std::string_view proc_cgroup_text) const;

 private:
  Hierarchy(base::UniqueFd dir, sys::Lookup lookup, int hidden)
      : dir_(std::move(dir)), lookup_(lookup), hidden_(hidden) {}

  base::UniqueFd dir_;
  sys::Lookup lookup_;
  int hidden_ = 0;  // levels between the mount's root and the root of our cgroup namespace
  std::set<std::string, std::less<>> controllers_;
};

}  // namespace plimsoll::cgroup
