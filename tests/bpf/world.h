// What the BPF tests need of the host: a cgroup to stand in, the programs, one packet through one of them.
// Everything is taken away again by destructors. Needs root, cgroup v2 somewhere, and bpf(2).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pkg/bpfobj/traffic.h"
#include "tests/bpf/packets.h"

namespace plimsoll::testing {

// Where cgroup v2 is mounted; empty: nowhere.
std::string cgroup2Mount();
// Why these tests cannot run here; empty: they can.
std::string missingForBpf();

// A cgroup of its own below the mount, removed at the end. Not moved into by itself.
class TestCgroup {
 public:
  explicit TestCgroup(const std::string& name);
  TestCgroup(const TestCgroup&) = delete;
  ~TestCgroup();
  // This process, with all its threads, until the end of the object.
  void enter();
  const std::string& path() const { return path_; }
  uint64_t id() const { return id_; }
  uint8_t level() const;

 private:
  std::string path_;
  std::string came_from_;
  uint64_t id_ = 0;
};

struct RunContext {
  uint32_t ifindex = 1;  // lo
  uint32_t ingress_ifindex = 0;
  uint32_t gso_segs = 0;
  uint32_t gso_size = 0;
  uint32_t wire_len = 0;
  uint64_t tstamp = 0;
  int repeat = 1;
};

struct RunResult {
  int error = 0;  // errno of the run itself
  int verdict = 0;
  uint32_t priority = 0;
  uint64_t tstamp = 0;
  uint32_t nanoseconds = 0;  // for each repetition
  Bytes packet;
};

RunResult runProgram(int program, const Bytes& packet, const RunContext& context = {});

uint64_t monotonicNow();

}  // namespace plimsoll::testing
