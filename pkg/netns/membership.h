// Target::Namespace: whether a container has a namespace of its own. Only looks: a process that runs cannot
// be moved from outside, so the runtime makes the namespace when it creates the container.
//
// What is read is "private", "pod" (that of the pod's first process) or "node" (that of the node's first
// process). Errors: gone; Unimplemented where the agent lacks CAP_SYS_PTRACE or the runtime did not say which
// process holds the pod's namespaces. write() always is Unimplemented. One thread at a time.
#pragma once

#include <memory>

#include "pkg/netns/access.h"

namespace plimsoll::netns {

// `roots` outlives the access. sandbox_pid 0: not known.
Result<std::unique_ptr<mechanism::Access>> openMembership(const sys::HostRoots& roots, const Subject& subject,
                                                          pid_t sandbox_pid);

}  // namespace plimsoll::netns
