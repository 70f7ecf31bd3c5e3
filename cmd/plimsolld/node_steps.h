// Small steps of an installation that run in the agent's image, which has no shell: staying there once a
// node's clean-up is done, and reading one's own cgroup files (the chart's uninstall hook and test).
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace plimsoll::agent {

// Returns kExitOk at SIGTERM or SIGINT; kExitFailure where signals cannot be waited for.
int runHold(std::ostream& err);

// Each of `wanted` is FILE=VALUE ("memory.high=67108864"); the file is read in `cgroup`, which from within a
// container is its own. Prints all three columns. kExitOk: all are as wanted; kExitFailure: one is not, or
// cannot be read; kExitUsage: not of that form, or a name that is no plain file name.
int runExpect(const std::vector<std::string>& wanted, const std::string& cgroup, std::ostream& out,
              std::ostream& err);

}  // namespace plimsoll::agent
