// Where a container's cgroup lies below the cgroup v2 mount, from what runtimes and /proc say. Paths begin
// with "/" and have no trailing slash; "/" is the root. Pure, any thread.
//
// Formats: containerd pkg/cri/sbserver/helpers_linux.go, runc's systemd cgroup driver, CRI-O
// internal/config/cgmgr.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.h"

namespace plimsoll::cgroup {

using base::Result;

// From the container's cgroups_path and its pod's cgroup_parent:
//   systemd   "kubepods-pod1.slice:cri-containerd:ID" ->
//   /kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope cgroupfs  "/kubepods/pod1/ID" ->
//   /kubepods/pod1/ID
// A cgroup_parent that names the same last slice gives the way to it, else the slice's dashes do.
// InvalidArgument: empty, "..", control characters, empty components, a slice's name that is none.
Result<std::string> fromRuntime(std::string_view cgroups_path, std::string_view cgroup_parent);

// "/kubepods.slice/kubepods-pod1.slice" for "kubepods-pod1.slice"; "/" for "-.slice".
Result<std::string> expandSlice(std::string_view slice);

// The v2 line of /proc/<pid>/cgroup ("0::/kubepods/pod1/ID"). To a reader in a cgroup namespace of its own,
// paths outside it begin with "/..", one for each level up, and the names of the levels that both share are
// hidden.
struct ProcCgroup {
  int up = 0;            // how many ".." it begins with
  std::string path;      // what follows, "/pod1/ID"; "/" if nothing
  bool deleted = false;  // the cgroup was removed, " (deleted)"
};
Result<ProcCgroup> parseProcCgroup(std::string_view text);

// Whether a process whose /proc/<pid>/cgroup is `found` is in the cgroup at `path` or below it. With hidden
// names, what is shown must continue the path's own last components.
bool isMember(const ProcCgroup& found, std::string_view path);

// OK for a path as this header describes it.
base::Status checkPath(std::string_view path);

}  // namespace plimsoll::cgroup
