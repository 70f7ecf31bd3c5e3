// The machine below the containers: NUMA nodes, cores, caches. Plain values, as pkg/topology reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pkg/model/cpu_set.h"

namespace plimsoll::model {

struct HugePagePool {
  uint64_t page_bytes = 0;
  uint64_t total = 0;  // pages
  uint64_t free = 0;
  friend bool operator==(const HugePagePool&, const HugePagePool&) = default;
};

struct NumaNode {
  int id = 0;
  CpuSet cpus;  // online ones; empty: a node of memory only
  // nullopt: not known.
  std::optional<uint64_t> memory_bytes;
  std::optional<uint64_t> free_bytes;
  // To every node in the order of Topology::nodes, as the firmware says it: 10 is the node itself. Empty: not
  // known.
  std::vector<int> distances;
  std::vector<HugePagePool> huge_pages;
};

struct CpuCache {
  int level = 0;
  std::string type;  // "Data", "Instruction", "Unified"
  uint64_t bytes = 0;
  CpuSet cpus;  // that share it
};

struct Topology {
  std::vector<NumaNode> nodes;  // by id; a kernel without NUMA has node 0
  std::vector<CpuSet> cores;    // threads of each, by their first one
  std::vector<CpuCache> caches;
  std::vector<std::string> problems;  // what could not be read
};

}  // namespace plimsoll::model
