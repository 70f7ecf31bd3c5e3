// `plimsolld doctor`: which traffic control this node will have and what it lacks. Changes nothing.
#pragma once

#include <iosfwd>
#include <vector>

#include "cmd/kubectl-plimsoll/doctor.h"
#include "cmd/plimsolld/options.h"
#include "pkg/model/network_status.h"

namespace plimsoll::agent {

// Gives the exit code.
int runDoctor(const AgentOptions& agent, const DoctorOptions& options, std::ostream& out, std::ostream& err);

// What an engine would find, in the words of `kubectl plimsoll doctor`.
std::vector<cli::Check> checkNetwork(const model::NetworkStatus& found);

}  // namespace plimsoll::agent
