// The agent's side of the lookup tables that programs read (bpf/abi/traffic.h): where a key
// stands, where a new one goes. The table's memory is the map itself, so nothing has to be rebuilt after a
// restart.
//
// A slot that became free is not given out again for kQuarantine: a program that looked it up just before
// still holds it, and must not charge the next owner. The same key gets it back at once.
//
// Threads: one writer in all (one agent a node); programs read beside it. Not for: the values around the
// keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "bpf/abi/traffic.h"
#include "pkg/base/result.h"

namespace plimsoll::bpfobj {

class KeyTable {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kQuarantine{1000};

  // Values that lie one behind the other, each with its key in it. Their number is a power of two.
  template <typename Value>
  explicit KeyTable(std::span<Value> values)
      : first_(reinterpret_cast<std::byte*>(values.data()) + offsetof(Value, key)),
        stride_(sizeof(Value)),
        capacity_(values.size()) {}

  uint32_t capacity() const { return capacity_; }
  std::optional<uint32_t> find(uint64_t key) const;

  // A free slot for a key that has none. The key is not yet visible: fill the slot's values, then publish().
  // ResourceExhausted: both of its buckets are full (seen from four tenths of the capacity on).
  base::Result<uint32_t> reserve(uint64_t key, Clock::time_point now);
  void publish(uint32_t slot, uint64_t key);
  // False: it was not there.
  bool erase(uint64_t key, Clock::time_point now);

  struct Entry {
    uint64_t key;
    uint32_t slot;
  };
  std::vector<Entry> entries() const;

 private:
  uint32_t freeSlots(uint32_t bucket) const;
  std::optional<uint32_t> freeSlotOf(uint32_t bucket) const;
  bool quarantined(uint32_t slot) const;
  std::optional<uint32_t> takeBack(uint64_t key);
  uint32_t mask() const { return capacity_ / kTrafficBucketSlots - 1; }
  __u64& keyAt(uint32_t slot) const { return *reinterpret_cast<__u64*>(first_ + slot * stride_); }

  std::byte* first_;
  size_t stride_;
  uint32_t capacity_;
  struct Freed {
    uint32_t slot;
    uint64_t key;
    Clock::time_point when;
  };
  std::deque<Freed> freed_;
};

}  // namespace plimsoll::bpfobj
