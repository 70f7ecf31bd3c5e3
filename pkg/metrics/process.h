// What the agent costs, as the kernel counts it: /proc/self. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace plimsoll::metrics {

// nullopt: could not be read.
struct ProcessNumbers {
  std::optional<double> cpu_seconds, start_time_seconds;
  std::optional<uint64_t> resident_bytes, virtual_bytes, open_fds, max_fds, threads;
};

// `proc` is a mounted /proc of our own PID namespace.
ProcessNumbers readProcess(const std::string& proc = "/proc");

}  // namespace plimsoll::metrics
