// TCP sockets that exist already: paced, or given back what they had, by an iterator that runs in their
// network namespace. Internal to pkg/netqos.
//
// Errors: gone; PermissionDenied (CAP_SYS_ADMIN is needed to enter a namespace); Unimplemented (no iterator
// here). Threads: any; each call waits for a thread of its own.
#pragma once

#include <sys/types.h>

#include <string>

#include "pkg/base/unique_fd.h"
#include "pkg/bpfobj/traffic.h"

namespace plimsoll::netqos {

// Runs PaceAll or ReleaseAll over the sockets of the process's namespace.
base::Status runOverSockets(const bpfobj::Traffic& traffic, bpfobj::Program iterator, const std::string& proc,
                            pid_t pid);

// How many TCP sockets that namespace has; 0, too, where it cannot be told.
uint64_t socketsInUse(const std::string& proc, pid_t pid);

}  // namespace plimsoll::netqos
