// Makes the process less than root: no_new_privs, only the capabilities and system calls that its profiles
// need (profile.h). What it gives up it cannot get back.
//
//   // In main(), before any thread exists.
//   auto inside = sandbox::enter({.profiles = {"core"}, .seccomp = sandbox::SeccompMode::Enforce});
//
// Not for: what the container around us decides (deploy/security), file systems (Landlock was looked at:
// docs/security.md says why not).
#pragma once

#include <string>
#include <vector>

#include "pkg/sandbox/profile.h"
#include "pkg/sandbox/seccomp.h"

namespace plimsoll::sandbox {

struct Options {
  // Names of profiles; empty: all of them, so that what the container was given decides.
  std::vector<std::string> profiles;
  SeccompMode seccomp = SeccompMode::Enforce;
};

struct Inside {
  CapabilitySet kept;                // there, and asked for
  CapabilitySet missing;             // asked for by name, and not there: their settings will fail
  std::vector<std::string> lacking;  // a sentence for each of `missing`
  SeccompMode seccomp = SeccompMode::Off;
  std::string seccomp_problem;  // why not, where it could not be had; the agent works without
};

// FailedPrecondition: the process has more than one thread already (capabilities are each thread's own).
// InvalidArgument: an unknown profile.
Result<Inside> enter(const Options& options);

Result<SeccompMode> seccompModeOf(std::string_view name);  // "off", "log", "enforce"
std::string_view toString(SeccompMode mode);

}  // namespace plimsoll::sandbox
