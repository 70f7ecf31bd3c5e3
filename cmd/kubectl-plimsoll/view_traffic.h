// What the traffic programs do: of a container for `describe` and `top --traffic`, of the node for `get node`
// and `doctor`. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/doctor.h"
#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

// Containers without settings of traffic are left out.
std::string trafficTable(std::span<const pb::ContainerStats> stats, const View& view);
// Of the agent: which mode, and what is in the way. Nothing where it is not wanted.
std::vector<Check> checkNetwork(const pb::Network& network);

JsonValue document(const pb::TrafficStats& traffic);
JsonValue document(const pb::Network& network);
// A ContainerList with `status.traffic` of those that have settings of traffic.
JsonValue withTraffic(JsonValue containers, const TrafficById& traffic);

}  // namespace plimsoll::cli
