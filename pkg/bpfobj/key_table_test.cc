#include "pkg/bpfobj/key_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace plimsoll::bpfobj {
namespace {

using std::chrono::milliseconds;

const KeyTable::Clock::time_point kStart{};

struct World {
  explicit World(size_t count) : buckets(count), table(buckets) {}
  base::Result<uint32_t> add(uint64_t key, KeyTable::Clock::time_point now = kStart) {
    auto slot = table.reserve(key, now);
    if (slot) table.publish(*slot, key);
    return slot;
  }
  std::vector<TrafficBucket> buckets;
  KeyTable table;
};

TEST(KeyTable, FindsWhatWasPublishedAndNothingElse) {
  World world(8);
  auto slot = world.table.reserve(77, kStart);
  ASSERT_TRUE(slot);
  EXPECT_NE(*slot, 0u);
  EXPECT_EQ(world.table.find(77), std::nullopt) << "not before its values are there";
  world.table.publish(*slot, 77);
  EXPECT_EQ(world.table.find(77), *slot);
  EXPECT_EQ(world.table.find(78), std::nullopt);
  EXPECT_EQ(world.table.find(0), std::nullopt);
  EXPECT_FALSE(world.table.reserve(77, kStart));
  EXPECT_FALSE(world.table.reserve(0, kStart));
}

TEST(KeyTable, AFreedSlotIsNotGivenOutAtOnce) {
  World world(1);  // one bucket: slots 1 to 7
  for (uint64_t key = 1; key <= 7; ++key) ASSERT_TRUE(world.add(key)) << key;
  EXPECT_FALSE(world.add(8)) << "slot 0 means none";
  uint32_t slot = *world.table.find(3);
  EXPECT_TRUE(world.table.erase(3, kStart));
  EXPECT_FALSE(world.table.erase(3, kStart));
  EXPECT_FALSE(world.add(8, kStart + milliseconds(999)));
  EXPECT_EQ(world.add(8, kStart + milliseconds(1000)).value_or(0), slot);
}

TEST(KeyTable, BehavesAsAMapUnderRandomWork) {
  World world(64);
  std::map<uint64_t, uint32_t> model;
  std::mt19937_64 random(1);
  auto now = kStart;
  for (int i = 0; i < 20'000; ++i) {
    uint64_t key = 1 + random() % 400;
    now += milliseconds(20);
    if (random() % 2 == 0 && model.size() < 256) {
      auto slot = world.add(key, now);
      ASSERT_EQ(slot.has_value(), model.count(key) == 0) << i;
      if (slot) model[key] = *slot;
    } else {
      ASSERT_EQ(world.table.erase(key, now), model.erase(key) == 1) << i;
    }
    auto expected = model.find(key);
    EXPECT_EQ(world.table.find(key).value_or(0), expected == model.end() ? 0 : expected->second);
  }
  std::set<uint32_t> slots;
  for (const auto& entry : world.table.entries()) {
    EXPECT_EQ(model.at(entry.key), entry.slot);
    EXPECT_TRUE(slots.insert(entry.slot).second);
  }
  EXPECT_EQ(slots.size(), model.size());
}

// The loader gives a table twice the room that is asked for.
TEST(KeyTable, HasRoomForHalfOfItsCapacityAndMore) {
  for (size_t buckets : {128u, 512u, 16384u}) {
    World world(buckets);
    // Consecutive keys, as cgroup ids are.
    uint64_t key = 1;
    while (world.add(1'000'000 + key)) ++key;
    EXPECT_GT(key, world.table.capacity() * 0.8) << buckets;
  }
}

}  // namespace
}  // namespace plimsoll::bpfobj
