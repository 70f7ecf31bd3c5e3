// A set of CPU or memory-node numbers in the kernel's list format ("0-3,8"). Values only, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::model {

class CpuSet {
 public:
  static constexpr int kLimit = 8192;  // the largest CONFIG_NR_CPUS of x86_64

  // The kernel's cpulist format: numbers and ranges, comma separated; "" is the empty set.
  static base::Result<CpuSet> parse(std::string_view list);

  void add(int cpu);  // REQUIRES: 0 <= cpu < kLimit
  bool contains(int cpu) const;
  bool containsAll(const CpuSet& other) const;
  bool empty() const { return words_.empty(); }
  int count() const;
  CpuSet without(const CpuSet& other) const;
  CpuSet intersection(const CpuSet& other) const;
  std::string toString() const;  // shortest list format
  bool operator==(const CpuSet&) const = default;

 private:
  std::vector<uint64_t> words_;  // no trailing zero word, so that equal sets compare equal; small: values are
                                 // kept per container
};

}  // namespace plimsoll::model
