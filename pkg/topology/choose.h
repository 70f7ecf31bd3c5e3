// Which NUMA nodes a container is to run on. Pure: the machine, what is placed already and the wish give the
// answer, the same every time; whoever places containers calls it again when one goes. Any thread.
//
//   auto choice = topology::choose(machine, loads, {.mode = Mode::Single, .cpus = 2, .memory = 1 << 30});
//   // choice->cpus, choice->mems for cpuset.cpus and cpuset.mems
//
// Not here: CPUs that the kubelet gave to one container alone; the caller takes them out of `allowed`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/model/topology.h"

namespace plimsoll::topology {

enum class Mode {
  Single,  // one node, whichever has most room; an error where none can hold it
  Prefer,  // one node for the CPUs; memory may come from others, nearest first
  Spread,  // all nodes that have CPUs
  Node,    // that one
};

struct Wish {
  Mode mode = Mode::Single;
  int node = 0;         // Mode::Node
  double cpus = 0;      // what it asks for; 0: nothing said
  uint64_t memory = 0;  // bytes; 0: nothing said
};

// "single", "prefer", "spread" or a node's number; InvalidArgument: anything else.
base::Result<Wish> parseWish(std::string_view text);

// What is placed on a node already.
struct Load {
  double cpus = 0;
  uint64_t memory = 0;
  int containers = 0;
};
using Loads = std::map<int, Load>;  // by node's number

struct Choice {
  std::optional<int> node;  // nullopt: several
  model::CpuSet cpus;
  model::CpuSet mems;
  std::string reason;  // for people
};

// `allowed`: CPUs that may be given at all. FailedPrecondition, with the reason: no node fits.
base::Result<Choice> choose(const model::Topology& machine, const Loads& loads, const Wish& wish,
                            const model::CpuSet& allowed);

}  // namespace plimsoll::topology
