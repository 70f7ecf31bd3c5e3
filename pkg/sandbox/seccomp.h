// The list of system calls that the agent may make from now on; any other fails with EPERM and leaves a line
// in the kernel's audit log. Never kills: a call that a library's next release begins to make must not end
// the agent.
//
// Written as a plain BPF program: the list is one table, and a library would be a second way of saying it
// that also has to be shipped. Numbers come from the kernel's headers at build time; what this architecture
// does not have is left out.
//
// Beyond the list two calls are looked into: clone() must not make namespaces, socket() only makes unix,
// netlink and internet sockets. clone3(), whose flags a filter cannot see, "does not exist", and glibc goes
// back to clone().
#pragma once

#include <linux/filter.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::sandbox {

enum class SeccompMode {
  Off,
  Log,      // everything works; what is not on the list is in the audit log
  Enforce,  // what is not on the list fails with EPERM and is in the audit log
};

// nullopt: no such call on this architecture (or none that this build knows).
std::optional<int> syscallNumber(std::string_view name);
bool isKnownSyscall(std::string_view name);  // on any architecture

// For tests; Unimplemented on an architecture whose numbers are not known here.
base::Result<std::vector<sock_filter>> buildFilter(std::span<const std::string_view> allowed,
                                                   SeccompMode mode);

// For the calling thread, the threads it starts, and, if there are others already, those too. Needs
// no_new_privs or SYS_ADMIN. Unimplemented: a kernel without seccomp filters.
base::Status installFilter(std::span<const std::string_view> allowed, SeccompMode mode);

}  // namespace plimsoll::sandbox
