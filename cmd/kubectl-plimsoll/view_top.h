// The table and the order of `top`. Pure, any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {

// Descending, containers of which it is not known last; Name: as the agent lists them.
enum class TopOrder { Name, Throttled, CpuPressure, MemoryPressure, IoPressure, Memory, Pids, OomKills };

// Per cent of the periods in which the container was held back by cpu.max: of those since the look before,
// where there is one, else of all. nullopt: not known, or no limit and so no periods.
std::optional<double> throttledPercent(const pb::ContainerStats& stats);

void sortStats(std::vector<pb::ContainerStats>& stats, TopOrder order);
std::string topTable(std::span<const pb::ContainerStats> stats, const View& view);

JsonValue document(std::span<const pb::ContainerStats> stats);  // kind ContainerStatsList

}  // namespace plimsoll::cli
