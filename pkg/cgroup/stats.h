// What the kernel counts of a container: cpu.stat, the pressure files, memory.events, pids. Parsers are pure,
// any thread.
#pragma once

#include <string_view>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/model/container_stats.h"

namespace plimsoll::cgroup {

// Reads them all; what is not there or not understood is absent. An error only where the cgroup is gone
// (isGone()) or nothing at all can be read.
Result<model::ContainerStats> readStats(const ContainerCgroup& cgroup);

// "usage_usec 1234\nnr_periods 0\n..."
void parseCpuStat(std::string_view text, model::ContainerStats& stats);
// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull ..."
model::Pressure parsePressure(std::string_view text);
// "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"
model::MemoryEvents parseMemoryEvents(std::string_view text);

}  // namespace plimsoll::cgroup
