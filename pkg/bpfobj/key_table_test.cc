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
  explicit World(size_t slots) : links(slots), table(std::span(links)) {}
  base::Result<uint32_t> add(uint64_t key, KeyTable::Clock::time_point now = kStart) {
    auto slot = table.reserve(key, now);
    if (slot) table.publish(*slot, key);
    return slot;
  }
  std::vector<TrafficLink> links;
  KeyTable table;
};

TEST(KeyTable, FindsWhatWasPublishedAndNothingElse) {
  World world(64);
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
  World world(4);  // one bucket: slots 1 to 3
  for (uint64_t key = 1; key <= 3; ++key) ASSERT_TRUE(world.add(key)) << key;
  EXPECT_FALSE(world.add(8)) << "slot 0 means none";
  uint32_t slot = *world.table.find(3);
  EXPECT_TRUE(world.table.erase(3, kStart));
  EXPECT_FALSE(world.table.erase(3, kStart));
  EXPECT_FALSE(world.add(8, kStart + milliseconds(999)));
  EXPECT_EQ(world.add(8, kStart + milliseconds(1000)).value_or(0), slot);
}

TEST(KeyTable, TheSameKeyGetsItsSlotBackAtOnce) {
  World world(4);
  uint32_t slot = world.add(5).value_or(0);
  for (int i = 0; i < 10; ++i) {
    world.table.erase(5, kStart);
    EXPECT_EQ(world.add(5).value_or(0), slot);
  }
}

TEST(KeyTable, BehavesAsAMapUnderRandomWork) {
  World world(512);
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

// The loader gives a table four times the room that is asked for.
TEST(KeyTable, HasRoomForAThirdOfItsCapacityWhateverTheKeys) {
  std::mt19937_64 random(2);
  for (size_t slots : {1024u, 8192u, 262144u}) {
    for (int seed = 0; seed < 6; ++seed) {
      World world(slots);
      uint64_t first = random() >> 24;
      for (uint64_t i = 0; i < slots / 3; ++i) {
        uint64_t key = seed % 2 == 0 ? first + i : random();  // cgroup ids are consecutive, mostly
        ASSERT_TRUE(world.add(key)) << i << " of " << slots;
      }
    }
  }
}

}  // namespace
}  // namespace plimsoll::bpfobj
