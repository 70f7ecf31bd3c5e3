// A program started with an argument list, never by a shell, and never left behind.
//
// Threads: one at a time; any thread may start one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::cli {

class ChildProcess {
 public:
  // What it gets as its descriptors 0, 1 and 2; they stay the caller's, who closes them.
  struct Streams {
    int in;
    int out;
    int err;
  };
  // argv[0] is looked for on the PATH unless it has a slash. NotFound: there is no such program. Every other
  // descriptor must be close-on-exec.
  static base::Result<ChildProcess> start(const std::vector<std::string>& argv, Streams streams);

  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), code_(std::exchange(other.code_, std::nullopt)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();  // end()

  // Its exit code, 128 and the signal's number if a signal ended it; nullopt: it still runs after `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience);
  // SIGTERM, and a second later SIGKILL.
  void end();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_;  // 0: ended, or moved away
  std::optional<int> code_;
};

}  // namespace plimsoll::cli
