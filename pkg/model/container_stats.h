// What the kernel counts of one container: throttling, pressure, memory events. Plain values; nullopt: the
// kernel has no such file or value, or it could not be read. Unknown is never zero.
//
// Meaning: Documentation/admin-guide/cgroup-v2.rst and Documentation/accounting/psi.rst of the kernel.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "pkg/model/network_status.h"

namespace plimsoll::model {

// Time in which some, or all, of the tasks that wanted to run waited for the resource.
struct Pressure {
  std::optional<uint64_t> some_us, full_us;      // since the cgroup was made
  std::optional<double> some_avg10, full_avg10;  // per cent of the last ten seconds
  bool operator==(const Pressure&) const = default;
};

// How often each has happened since the cgroup was made, to it or below it.
struct MemoryEvents {
  std::optional<uint64_t> low, high, max, oom, oom_kill, oom_group_kill;
  bool operator==(const MemoryEvents&) const = default;
};

struct ContainerStats {
  std::optional<uint64_t> cpu_usage_us, cpu_periods, cpu_throttled_periods, cpu_throttled_us;
  Pressure cpu_pressure, memory_pressure, io_pressure;
  std::optional<uint64_t> memory_current, memory_peak;  // bytes
  std::optional<int64_t> memory_high, memory_max;       // bytes; kMax (value.h): no limit
  MemoryEvents memory_events;
  std::optional<uint64_t> pids_current, pids_peak;
  std::optional<int64_t> pids_max;      // kMax: no limit
  std::optional<TrafficStats> traffic;  // counted by the traffic programs, not by the kernel itself
  bool operator==(const ContainerStats&) const = default;
};

// Two looks at the same container: what happened between them.
struct StatsSample {
  ContainerStats now;
  std::chrono::steady_clock::time_point taken{};
  std::optional<ContainerStats> before;  // nullopt: this is the first look
  std::chrono::steady_clock::time_point taken_before{};
};

}  // namespace plimsoll::model
