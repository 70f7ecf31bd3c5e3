#include "pkg/topology/choose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::topology {
namespace {

using model::CpuSet;
using model::NumaNode;
using model::Topology;
using ::testing::HasSubstr;

constexpr uint64_t kGiB = 1ull << 30;

CpuSet cpus(std::string_view list) { return CpuSet::parse(list).value(); }

// Two nodes of four CPUs and 8 GiB each.
Topology twoNodes() {
  Topology machine;
  machine.nodes = {NumaNode{0, cpus("0-3"), 8 * kGiB, 4 * kGiB, {10, 21}, {}},
                   NumaNode{1, cpus("4-7"), 8 * kGiB, 4 * kGiB, {21, 10}, {}}};
  return machine;
}

struct Case {
  const char* name;
  const char* wish;
  double wants_cpus;
  uint64_t wants_memory;
  Loads loads;
  const char* allowed;
  // "": refused
  const char* cpus;
  const char* mems;
};

TEST(Choose, Table) {
  const Case cases[] = {
      {"empty machine: the lower number", "single", 1, 0, {}, "0-7", "0-3", "0"},
      {"less taken", "single", 1, 0, {{0, {1, 0, 1}}}, "0-7", "4-7", "1"},
      {"nothing asked: fewer containers",
       "single",
       0,
       0,
       {{0, {0, 0, 2}}, {1, {0, 0, 1}}},
       "0-7",
       "4-7",
       "1"},
      {"share, not number: some CPUs are another's", "single", 1, 0, {{1, {1, 0, 1}}}, "0,4-7", "4-7", "1"},
      {"memory decides", "single", 1, 4 * kGiB, {{0, {0, 6 * kGiB, 1}}}, "0-7", "4-7", "1"},
      {"too large for one", "single", 5, 0, {}, "0-7", "", ""},
      {"too much memory for one", "single", 1, 9 * kGiB, {}, "0-7", "", ""},
      {"prefers one, memory from all", "prefer", 2, 0, {{0, {1, 0, 1}}}, "0-7", "4-7", "0-1"},
      {"prefers one, gets all", "prefer", 5, 0, {}, "0-7", "0-7", "0-1"},
      {"all", "spread", 1, 0, {}, "1-7", "1-7", "0-1"},
      {"the one that is named", "1", 9, 0, {{1, {4, 0, 9}}}, "0-7", "4-7", "1"},
      {"named, and all its CPUs are another's", "1", 1, 0, {}, "0-3", "", ""},
      {"named, and not there", "2", 1, 0, {}, "0-7", "", ""},
      {"no CPU may be used", "spread", 1, 0, {}, "9", "", ""},
  };
  for (const Case& each : cases) {
    auto wish = parseWish(each.wish);
    ASSERT_TRUE(wish) << each.name;
    wish->cpus = each.wants_cpus;
    wish->memory = each.wants_memory;
    const auto choice = choose(twoNodes(), each.loads, *wish, cpus(each.allowed));
    EXPECT_EQ(choice.has_value(), *each.cpus != '\0') << each.name;
    if (!choice) continue;
    EXPECT_EQ(choice->cpus.toString(), each.cpus) << each.name;
    EXPECT_EQ(choice->mems.toString(), each.mems) << each.name;
    EXPECT_NE(choice->reason, "") << each.name;
  }
}

TEST(Choose, TakesMemoryOfTheNearestWhereANodeHasNone) {
  Topology machine = twoNodes();
  machine.nodes.push_back(NumaNode{2, cpus("8-11"), 0, 0, {31, 17, 10}, {}});
  for (NumaNode& node : machine.nodes) node.distances.resize(3, 31);
  machine.nodes[2].distances = {31, 17, 10};
  const auto choice = choose(machine, {}, {.mode = Mode::Node, .node = 2}, cpus("0-11"));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mems.toString(), "1");
}

TEST(Choose, UnknownMemoryKeepsNobodyOut) {
  Topology machine = twoNodes();
  for (NumaNode& node : machine.nodes) node.memory_bytes.reset();
  const auto choice =
      choose(machine, {}, {.mode = Mode::Single, .cpus = 1, .memory = 99 * kGiB}, cpus("0-7"));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->mems.toString(), "0");
}

// Placing one after another keeps the nodes level, and one that goes makes room for the next.
TEST(Choose, StaysBalanced) {
  const Topology machine = twoNodes();
  Loads loads;
  for (int i = 0; i < 8; ++i) {
    const auto choice = choose(machine, loads, {.mode = Mode::Single, .cpus = 1}, cpus("0-7"));
    ASSERT_TRUE(choice) << i;
    ++loads[*choice->node].containers;
    loads[*choice->node].cpus += 1;
    EXPECT_LE(std::abs(loads[0].cpus - loads[1].cpus), 1) << i;
  }
  EXPECT_FALSE(choose(machine, loads, {.mode = Mode::Single, .cpus = 1}, cpus("0-7")));
  loads[1].cpus -= 1;
  EXPECT_EQ(choose(machine, loads, {.mode = Mode::Single, .cpus = 1}, cpus("0-7"))->node, 1);
}

TEST(ParseWish, TakesWordsAndNumbersOnly) {
  for (const char* wrong : {"", "Single", "-1", "01", "1.5", "any", "1 "})
    EXPECT_FALSE(parseWish(wrong)) << wrong;
  EXPECT_EQ(parseWish("12")->node, 12);
  EXPECT_THAT(parseWish("any").error().message, HasSubstr("single"));
}

}  // namespace
}  // namespace plimsoll::topology
