// Makes the agent less than root before it does anything (pkg/sandbox), and says what that left it.
#pragma once

#include <CLI/CLI.hpp>

#include "pkg/base/result.h"
#include "pkg/sandbox/sandbox.h"

namespace plimsoll::agent {

// --security-profile and --seccomp.
void addSandboxOptions(CLI::App& app, sandbox::Options& options);

// Before any thread exists. What could not be given up, or is missing, is logged; an error means that the
// agent would have more power than it was told to have.
base::Status confine(const sandbox::Options& options);

}  // namespace plimsoll::agent
