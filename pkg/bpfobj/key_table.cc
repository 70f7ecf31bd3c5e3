#include "pkg/bpfobj/key_table.h"

#include <algorithm>
#include <atomic>
#include <string>

namespace plimsoll::bpfobj {

__u64& KeyTable::keyAt(uint32_t slot) const {
  return buckets_[slot / kTrafficBucketKeys].key[slot % kTrafficBucketKeys];
}

std::optional<uint32_t> KeyTable::find(uint64_t key) const {
  if (key == 0) return std::nullopt;
  uint64_t mixed = trafficMix(key);
  uint32_t mask = buckets_.size() - 1;
  for (uint32_t bucket : {trafficFirstBucket(mixed, mask), trafficSecondBucket(mixed, mask)}) {
    for (uint32_t i = 0; i < kTrafficBucketKeys; ++i)
      if (buckets_[bucket].key[i] == key) return bucket * kTrafficBucketKeys + i;
  }
  return std::nullopt;
}

bool KeyTable::quarantined(uint32_t slot) const {
  return std::any_of(freed_.begin(), freed_.end(), [slot](const auto& entry) { return entry.first == slot; });
}

std::optional<uint32_t> KeyTable::freeSlotOf(uint32_t bucket) const {
  for (uint32_t i = 0; i < kTrafficBucketKeys; ++i) {
    uint32_t slot = bucket * kTrafficBucketKeys + i;
    if (slot != 0 && buckets_[bucket].key[i] == 0 && !quarantined(slot)) return slot;
  }
  return std::nullopt;
}

uint32_t KeyTable::freeSlots(uint32_t bucket) const {
  const auto& keys = buckets_[bucket].key;
  return std::count(std::begin(keys), std::end(keys), 0u);
}

base::Result<uint32_t> KeyTable::reserve(uint64_t key, Clock::time_point now) {
  if (key == 0) return base::invalidArgument("key 0 cannot stand in a lookup table");
  if (find(key))
    return base::error(base::ErrorCode::AlreadyExists, "key " + std::to_string(key) + " has a slot");
  while (!freed_.empty() && now - freed_.front().second >= kQuarantine) freed_.pop_front();
  uint64_t mixed = trafficMix(key);
  uint32_t mask = buckets_.size() - 1;
  uint32_t first = trafficFirstBucket(mixed, mask);
  uint32_t second = trafficSecondBucket(mixed, mask);
  if (freeSlots(second) > freeSlots(first)) std::swap(first, second);
  if (auto slot = freeSlotOf(first)) return *slot;
  if (auto slot = freeSlotOf(second)) return *slot;
  return base::error(base::ErrorCode::ResourceExhausted, "no room for key " + std::to_string(key) +
                                                             " in a table of " + std::to_string(capacity()));
}

void KeyTable::publish(uint32_t slot, uint64_t key) {
  // Release: who sees the key sees the values that were filled in before.
  std::atomic_ref<__u64>(keyAt(slot)).store(key, std::memory_order_release);
}

bool KeyTable::erase(uint64_t key, Clock::time_point now) {
  auto slot = find(key);
  if (!slot) return false;
  std::atomic_ref<__u64>(keyAt(*slot)).store(0, std::memory_order_release);
  freed_.emplace_back(*slot, now);
  return true;
}

std::vector<KeyTable::Entry> KeyTable::entries() const {
  std::vector<Entry> out;
  for (uint32_t slot = 1; slot < capacity(); ++slot)
    if (uint64_t key = keyAt(slot)) out.push_back({key, slot});
  return out;
}

}  // namespace plimsoll::bpfobj
