#include "pkg/topology/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

namespace plimsoll::topology {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A /sys of plain files.
class FakeSys : public ::testing::Test {
 protected:
  FakeSys() {
    char name[] = "/tmp/plimsoll-sys-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~FakeSys() override { std::filesystem::remove_all(root_); }
  void file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ + "/devices/system/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void remove(const std::string& name) { std::filesystem::remove_all(root_ + "/devices/system/" + name); }
  // Two nodes of two cores with two threads each; CPU 7 is offline.
  void usual() {
    file("cpu/online", "0-6\n");
    file("node/online", "0-1\n");
    file("node/node0/cpulist", "0-1,4-5\n");
    file("node/node1/cpulist", "2-3,6-7\n");
    file("node/node0/distance", "10 21\n");
    file("node/node1/distance", "21 10\n");
    for (const std::string node : {"0", "1"}) {
      file("node/node" + node + "/meminfo",
           "Node " + node + " MemTotal:       16302204 kB\nNode " + node + " MemFree:         1024 kB\n");
    }
    file("node/node0/hugepages/hugepages-2048kB/nr_hugepages", "16\n");
    file("node/node0/hugepages/hugepages-2048kB/free_hugepages", "4\n");
    for (int cpu = 0; cpu < 7; ++cpu) {
      const std::string folder = "cpu/cpu" + std::to_string(cpu);
      const int first = cpu % 4;
      file(folder + "/topology/thread_siblings_list",
           std::to_string(first) + "," + std::to_string(first + 4) + "\n");
      file(folder + "/cache/index0/level", "3\n");
      file(folder + "/cache/index0/type", "Unified\n");
      file(folder + "/cache/index0/size", "32768K\n");
      file(folder + "/cache/index0/shared_cpu_list", cpu % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n");
    }
  }

  std::string root_;
};

std::vector<std::string> texts(const std::vector<model::CpuSet>& sets) {
  std::vector<std::string> out;
  for (const auto& set : sets) out.push_back(set.toString());
  return out;
}

TEST_F(FakeSys, ReadsNodesCoresAndCaches) {
  usual();
  const auto machine = readTopology(root_);
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_THAT(machine->problems, IsEmpty());
  ASSERT_EQ(machine->nodes.size(), 2u);
  const model::NumaNode& first = machine->nodes[0];
  EXPECT_EQ(first.cpus.toString(), "0-1,4-5");
  EXPECT_EQ(first.memory_bytes, 16302204ull << 10);
  EXPECT_EQ(first.free_bytes, 1ull << 20);
  EXPECT_THAT(first.distances, ElementsAre(10, 21));
  EXPECT_THAT(first.huge_pages, ElementsAre(model::HugePagePool{2 << 20, 16, 4}));
  EXPECT_EQ(machine->nodes[1].cpus.toString(), "2-3,6") << "7 is offline";
  EXPECT_THAT(texts(machine->cores), ElementsAre("0,4", "1,5", "2,6", "3"));
  ASSERT_EQ(machine->caches.size(), 2u);
  EXPECT_EQ(machine->caches[0].bytes, 32u << 20);
  EXPECT_EQ(machine->caches[1].cpus.toString(), "2-3,6");
}

TEST_F(FakeSys, IsOneNodeWithoutNuma) {
  file("cpu/online", "0-1\n");
  const auto machine = readTopology(root_);
  ASSERT_TRUE(machine);
  ASSERT_EQ(machine->nodes.size(), 1u);
  EXPECT_EQ(machine->nodes[0].cpus.toString(), "0-1");
  EXPECT_FALSE(machine->nodes[0].memory_bytes) << "unknown is not zero";
  EXPECT_THAT(machine->problems, IsEmpty());
}

TEST_F(FakeSys, LeavesOutWhatItCannotReadAndSaysSo) {
  usual();
  file("node/node1/cpulist", "2-x\n");
  file("node/node1/distance", "21\n");
  file("node/node0/meminfo", "Node 0 MemTotal: many kB\n");
  remove("node/node1/meminfo");
  std::filesystem::create_directories(root_ + "/devices/system/node/node1/meminfo");
  const auto machine = readTopology(root_);
  ASSERT_TRUE(machine);
  EXPECT_TRUE(machine->nodes[1].cpus.empty());
  EXPECT_THAT(machine->nodes[1].distances, IsEmpty());
  EXPECT_FALSE(machine->nodes[0].memory_bytes);
  EXPECT_FALSE(machine->nodes[1].memory_bytes);
  EXPECT_EQ(machine->problems.size(), 3u);
  remove("cpu/online");
  EXPECT_FALSE(readTopology(root_));
  file("cpu/online", "many\n");
  EXPECT_FALSE(readTopology(root_));
}

// What this machine's own kernel shows.
TEST(RealSys, ReadsThisMachine) {
  const auto machine = readTopology("/sys");
  ASSERT_TRUE(machine) << machine.error().message;
  const std::string text = sys::readFile("/sys/devices/system/cpu/online").value();
  const auto online = model::CpuSet::parse(base::trim(text));
  ASSERT_TRUE(online);
  int of_nodes = 0, of_cores = 0;
  for (const auto& node : machine->nodes) of_nodes += node.cpus.count();
  for (const auto& core : machine->cores) of_cores += core.count();
  EXPECT_EQ(of_nodes, online->count()) << "each CPU is on one node";
  EXPECT_EQ(of_cores, online->count()) << "and in one core";
  EXPECT_THAT(machine->problems, IsEmpty());
}

}  // namespace
}  // namespace plimsoll::topology
