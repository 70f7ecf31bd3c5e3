// The agent's side of the lookup tables that programs read (TrafficBucket in bpf/abi/traffic.h): where a key
// stands, where a new one goes. The table's memory is the map itself, so nothing has to be rebuilt after a
// restart.
//
// A slot that became free is not given out again for kQuarantine: a program that looked it up just before
// still holds it, and must not charge the next owner.
//
// Threads: one writer in all (one agent a node); programs read beside it. Not for: values; they live in other
// maps under the same slot.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "bpf/abi/traffic.h"
#include "pkg/base/result.h"

namespace plimsoll::bpfobj {

class KeyTable {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kQuarantine{1000};

  // `buckets`: a power of two.
  explicit KeyTable(std::span<TrafficBucket> buckets) : buckets_(buckets) {}

  uint32_t capacity() const { return buckets_.size() * kTrafficBucketKeys; }
  std::optional<uint32_t> find(uint64_t key) const;

  // A free slot for a key that has none. The key is not yet visible: fill the slot's values, then publish().
  // ResourceExhausted: both of its buckets are full (seen from about nine tenths of the capacity on).
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
  __u64& keyAt(uint32_t slot) const;

  std::span<TrafficBucket> buckets_;
  std::deque<std::pair<uint32_t, Clock::time_point>> freed_;
};

}  // namespace plimsoll::bpfobj
