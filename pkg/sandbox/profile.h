// Which capabilities and system calls each kind of work needs, with the reason. The table is the one place:
// the agent's own sandbox, the container's seccomp profile (deploy/security) and the table in
// docs/security.md come from it or are checked against it by tests.
//
// Immutable, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/sandbox/capabilities.h"

namespace plimsoll::sandbox {

struct CapabilityReason {
  int capability;
  std::string_view why;
  std::string_view without;  // what cannot be done without it, as a setting's report says it
};

struct SyscallGroup {
  std::string_view why;
  std::vector<std::string_view> names;
};

// One kind of work. `core` is in every set of profiles.
struct Profile {
  std::string_view name;
  std::string_view does;
  std::vector<CapabilityReason> capabilities;
  std::vector<SyscallGroup> syscalls;
};

std::span<const Profile> profiles();
const Profile* findProfile(std::string_view name);
std::vector<std::string_view> profileNames();

// What a set of profiles comes to. InvalidArgument: a name that is none, with those there are.
struct Needs {
  CapabilitySet capabilities;
  std::vector<std::string_view> syscalls;  // sorted, each once
};
Result<Needs> needsOf(std::span<const std::string> names);

// Calls that a container runtime makes between installing a container's filter and our first instruction. In
// the container's profile, not in our own.
const SyscallGroup& launcherSyscalls();

}  // namespace plimsoll::sandbox
