// Requests and answers over TCP, 64 bytes each, and how long they take.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "pkg/base/unique_fd.h"
#include "tests/bpf/net.h"

namespace plimsoll::testing {

// Answers in the namespace, to one connection.
class Echo {
 public:
  explicit Echo(const Namespace& where);
  ~Echo();
  uint16_t port() const { return port_; }

 private:
  void serve();
  uint16_t port_ = 0;
  base::UniqueFd listener_;
  std::thread thread_;
};

// A socket of the current cgroup within the namespace.
base::UniqueFd connectTo(const Namespace& from, const Echo& echo);

// One request every millisecond, whether or not the one before was answered (open loop). Microseconds of
// each, sorted.
std::vector<double> exchange(int socket, std::chrono::milliseconds time);

}  // namespace plimsoll::testing
