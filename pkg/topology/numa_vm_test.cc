// On a machine with two NUMA nodes, CPUs 0-1 and 2-3, 25 apart: what is read is what the kernel has, and what
// is chosen the kernel takes. In a virtual machine (tests/vm/numa.sh); skipped elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"
#include "pkg/topology/choose.h"
#include "pkg/topology/read.h"

namespace plimsoll::topology {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TwoNodes : public ::testing::Test {
 protected:
  void SetUp() override {
    auto machine = readTopology("/sys");
    ASSERT_TRUE(machine) << machine.error().message;
    machine_ = std::move(*machine);
    if (machine_.nodes.size() != 2) GTEST_SKIP() << "needs a machine of two NUMA nodes";
  }
  model::Topology machine_;
};

void put(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  ASSERT_TRUE(out) << file;
}

std::string textOf(const std::string& file) {
  const auto text = sys::readFile(file);
  return text ? std::string(base::trim(*text)) : text.error().message;
}

TEST_F(TwoNodes, AreRead) {
  EXPECT_THAT(machine_.problems, IsEmpty());
  EXPECT_EQ(machine_.nodes[0].cpus.toString(), "0-1");
  EXPECT_EQ(machine_.nodes[1].cpus.toString(), "2-3");
  EXPECT_THAT(machine_.nodes[0].distances, ElementsAre(10, 25));
  EXPECT_THAT(machine_.nodes[1].distances, ElementsAre(25, 10));
  for (const model::NumaNode& node : machine_.nodes) {
    ASSERT_TRUE(node.memory_bytes && node.free_bytes);
    EXPECT_GT(*node.memory_bytes, 256u << 20);
    EXPECT_LT(*node.memory_bytes, 600u << 20);
    EXPECT_LT(*node.free_bytes, *node.memory_bytes);
  }
}

uint64_t hugePagesOf(const model::NumaNode& node) {
  for (const auto& each : node.huge_pages) {
    if (each.page_bytes == 2u << 20) return each.total;
  }
  ADD_FAILURE() << "no pages of 2 MiB on node " << node.id;
  return 0;
}

TEST_F(TwoNodes, HugePagesAreOfTheirNode) {
  const std::string file = "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages";
  const uint64_t first = hugePagesOf(machine_.nodes[0]), second = hugePagesOf(machine_.nodes[1]);
  put(file, std::to_string(second + 3));
  const auto machine = readTopology("/sys");
  put(file, std::to_string(second));
  ASSERT_TRUE(machine);
  EXPECT_EQ(hugePagesOf(machine->nodes[0]), first);
  EXPECT_EQ(hugePagesOf(machine->nodes[1]), second + 3);
}

TEST_F(TwoNodes, TakeWhatIsChosenInTurn) {
  const std::string cgroup = "/sys/fs/cgroup/numa-test";
  put("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
  ASSERT_EQ(::mkdir(cgroup.c_str(), 0755), 0);
  const auto online = model::CpuSet::parse("0-3").value();
  Loads loads;
  for (const char* expected : {"0-1 0", "2-3 1", "0-1 0", "2-3 1"}) {
    const auto choice = choose(machine_, loads, {.mode = Mode::Single, .cpus = 1}, online);
    ASSERT_TRUE(choice) << choice.error().message;
    put(cgroup + "/cpuset.cpus", choice->cpus.toString());
    put(cgroup + "/cpuset.mems", choice->mems.toString());
    EXPECT_EQ(textOf(cgroup + "/cpuset.cpus.effective") + " " + textOf(cgroup + "/cpuset.mems.effective"),
              expected);
    loads[*choice->node].cpus += 1;
    ++loads[*choice->node].containers;
  }
  EXPECT_FALSE(choose(machine_, loads, {.mode = Mode::Single, .cpus = 1}, online)) << "both are full";
  EXPECT_EQ(::rmdir(cgroup.c_str()), 0);
}

}  // namespace
}  // namespace plimsoll::topology
