// Takes away everything that an engine attached, now or in an earlier life, of this or another version: for
// `plimsolld release`. Needs no running agent, and must not run beside one. Twice is as once.
//
// Never removes what it did not make: filters only with our place and our program, clsact only where we made
// it and nothing else is in it.
//
// Threads: any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pkg/mechanism/mechanism.h"
#include "pkg/netqos/types.h"

namespace plimsoll::netqos {

struct Released {
  std::string what;     // "plm_pod_out at ingress of veth12ab", "pacing of 3 sockets of pod ...", "maps"
  std::string problem;  // empty: done (dry run: would be)
};

enum class ReleaseMode { Release, DryRun };

// In the order in which it was done. Empty: there was nothing of ours.
std::vector<Released> release(const Options& options, ReleaseMode mode);

// What a journal sees of a cgroup's settings when everything was released: the defaults. Writing them is
// fine; writing anything else is FailedPrecondition.
std::unique_ptr<mechanism::Access> releasedAccess(const sys::HostRoots& roots, const mechanism::Place& place);

}  // namespace plimsoll::netqos
