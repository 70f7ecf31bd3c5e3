// `plimsolld release` and `plimsolld history`: work on the journal of a node whose agent does not run. They
// print, and give the exit code.
#pragma once

#include <iosfwd>
#include <string>

#include "cmd/plimsolld/options.h"

namespace plimsoll::agent {

// Puts back what the journal says was changed and is still ours. kExitOk: nothing of ours is left;
// kExitFailure: something could not be put back; kExitBusy: an agent runs.
int runRelease(const AgentOptions& agent, const ReleaseOptions& options, std::ostream& out,
               std::ostream& err);

}  // namespace plimsoll::agent
