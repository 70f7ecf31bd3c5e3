// A container's process: its oom_score_adj, its resource limits and its threads. Holds /proc/<pid>, so that a
// process that took over the number is never meant. One thread at a time.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/model/value.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::cgroup {

using base::Result;
using base::Status;

// RLIMIT_NOFILE's number for "RLIMIT_NOFILE".
std::optional<int> rlimitNumber(std::string_view oci_name);

class Process {
 public:
  // A process of the cgroup at `cgroup_path` or below it. FailedPrecondition: it is in another cgroup, so the
  // number was taken over or never was the container's. Gone: there is no such process.
  static Result<Process> open(const sys::HostRoots& roots, pid_t pid, std::string_view cgroup_path);

  Result<int> oomScoreAdj() const;
  // A value below the lowest that was set with CAP_SYS_RESOURCE needs that capability too (EACCES).
  Status setOomScoreAdj(int value) const;

  // prlimit(2). Unimplemented: `roots.proc` shows another PID namespace than ours, so that numbers cannot be
  // used (the agent's pod lacks hostPID).
  Result<model::Rlimit> rlimit(int resource) const;
  Status setRlimit(int resource, const model::Rlimit& limit) const;

  // Calls `visit` with the number of each thread. One that ended meanwhile is passed over; the first error is
  // given back when all were visited. Unimplemented: as above.
  Status forEachThread(const std::function<Status(pid_t tid)>& visit) const;
  pid_t pid() const { return pid_; }

 private:
  Process(base::UniqueFd dir, base::UniqueFd pidfd, pid_t pid)
      : dir_(std::move(dir)), pidfd_(std::move(pidfd)), pid_(pid) {}
  Status stillTheSame() const;

  base::UniqueFd dir_;    // /proc/<pid>
  base::UniqueFd pidfd_;  // not valid: another PID namespace
  pid_t pid_;
};

}  // namespace plimsoll::cgroup
