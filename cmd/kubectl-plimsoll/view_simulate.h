// What `simulate` prints: each wish of a manifest and its verdict. Pure, any thread.
#pragma once

#include <span>
#include <string>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

std::string simulationText(std::span<const pb::Container> containers, const View& view);
// Every wish is granted, and no container would be kept from starting.
bool allGranted(std::span<const pb::Container> containers);
JsonValue document(const pb::SimulateResponse& simulation);  // kind SimulationReport

}  // namespace plimsoll::cli
