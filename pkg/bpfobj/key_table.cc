#include "pkg/bpfobj/key_table.h"

#include <algorithm>
#include <atomic>
#include <string>

namespace plimsoll::bpfobj {

std::optional<uint32_t> KeyTable::find(uint64_t key) const {
  if (key == 0) return std::nullopt;
  uint64_t mixed = trafficMix(key);
  for (uint32_t bucket : {trafficFirstBucket(mixed, mask()), trafficSecondBucket(mixed, mask())}) {
    for (uint32_t i = 0; i < kTrafficBucketSlots; ++i)
      if (keyAt(bucket * kTrafficBucketSlots + i) == key) return bucket * kTrafficBucketSlots + i;
  }
  return std::nullopt;
}

bool KeyTable::quarantined(uint32_t slot) const {
  return std::any_of(freed_.begin(), freed_.end(), [slot](const Freed& freed) { return freed.slot == slot; });
}

std::optional<uint32_t> KeyTable::freeSlotOf(uint32_t bucket) const {
  for (uint32_t i = 0; i < kTrafficBucketSlots; ++i) {
    uint32_t slot = bucket * kTrafficBucketSlots + i;
    if (slot != 0 && keyAt(slot) == 0 && !quarantined(slot)) return slot;
  }
  return std::nullopt;
}

uint32_t KeyTable::freeSlots(uint32_t bucket) const {
  uint32_t free = 0;
  for (uint32_t i = 0; i < kTrafficBucketSlots; ++i) free += keyAt(bucket * kTrafficBucketSlots + i) == 0;
  return free;
}

std::optional<uint32_t> KeyTable::takeBack(uint64_t key) {
  auto found =
      std::find_if(freed_.begin(), freed_.end(), [key](const Freed& freed) { return freed.key == key; });
  if (found == freed_.end()) return std::nullopt;
  uint32_t slot = found->slot;
  freed_.erase(found);
  return slot;
}

base::Result<uint32_t> KeyTable::reserve(uint64_t key, Clock::time_point now) {
  if (key == 0) return base::invalidArgument("key 0 cannot stand in a lookup table");
  if (find(key))
    return base::error(base::ErrorCode::AlreadyExists, "key " + std::to_string(key) + " has a slot");
  while (!freed_.empty() && now - freed_.front().when >= kQuarantine) freed_.pop_front();
  if (auto slot = takeBack(key)) return *slot;
  uint64_t mixed = trafficMix(key);
  uint32_t first = trafficFirstBucket(mixed, mask());
  uint32_t second = trafficSecondBucket(mixed, mask());
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
  freed_.push_back({*slot, key, now});
  return true;
}

std::vector<KeyTable::Entry> KeyTable::entries() const {
  std::vector<Entry> out;
  for (uint32_t slot = 1; slot < capacity(); ++slot)
    if (uint64_t key = keyAt(slot)) out.push_back({key, slot});
  return out;
}

}  // namespace plimsoll::bpfobj
