// A plugin under measurement: started with a socket to connect to, watched through /proc, killed at the end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "pkg/base/result.h"

namespace plimsoll::bench {

// Of the whole process, all threads.
struct Usage {
  std::chrono::nanoseconds cpu{0};
  uint64_t wakeups = 0;  // voluntary context switches
  uint64_t rss_kib = 0;
};

class Process {
 public:
  // `command` goes to the shell, "{socket}" replaced. Its output goes to /dev/null.
  static base::Result<Process> start(std::string command, const std::string& socket);
  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&&) = delete;
  ~Process();

  base::Result<Usage> usage() const;

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace plimsoll::bench
