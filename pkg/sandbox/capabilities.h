// What a thread may do beyond its user: Linux capabilities, as sets of numbers. The agent runs as uid 0,
// which owns the cgroup files, and keeps nothing else that its profile does not name (profile.h).
//
// Not for: file capabilities, other users. The calls act on the calling thread only, as the kernel's do.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/base/result.h"

namespace plimsoll::sandbox {

using base::Result;
using base::Status;

class CapabilitySet {
 public:
  CapabilitySet() = default;
  // Numbers of linux/capability.h, CAP_SYS_ADMIN and so on.
  CapabilitySet(std::initializer_list<int> numbers) {
    for (int number : numbers) add(number);
  }
  static CapabilitySet fromBits(uint64_t bits) {
    CapabilitySet set;
    set.bits_ = bits;
    return set;
  }

  void add(int number) { bits_ |= uint64_t{1} << number; }
  bool has(int number) const { return (bits_ >> number & 1) != 0; }
  bool empty() const { return bits_ == 0; }
  uint64_t bits() const { return bits_; }
  CapabilitySet operator|(CapabilitySet other) const { return fromBits(bits_ | other.bits_); }
  CapabilitySet operator&(CapabilitySet other) const { return fromBits(bits_ & other.bits_); }
  CapabilitySet without(CapabilitySet other) const { return fromBits(bits_ & ~other.bits_); }
  bool operator==(const CapabilitySet&) const = default;

 private:
  uint64_t bits_ = 0;
};

// "SYS_ADMIN", as Kubernetes writes it; "41" for one that this build does not know.
std::string capabilityName(int number);
std::optional<int> capabilityNumber(std::string_view name);
// "BPF NET_ADMIN", "none".
std::string toString(CapabilitySet set);

// Of the calling thread.
struct ThreadCapabilities {
  CapabilitySet effective;
  CapabilitySet permitted;
  CapabilitySet bounding;
};
Result<ThreadCapabilities> threadCapabilities();

// Gives up everything but `keep`, for good: effective, permitted, inheritable, ambient, and, where it may
// change that, the bounding set. What of `keep` was not there is not there afterwards either.
Status reduceTo(CapabilitySet keep);

}  // namespace plimsoll::sandbox
