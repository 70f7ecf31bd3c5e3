// The parts of the engine that need no kernel: names of pins, links among devices, a line's shares, who else
// is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "pkg/netqos/cgroup_tree.h"
#include "pkg/netqos/detect.h"
#include "pkg/netqos/discovery.h"
#include "pkg/netqos/place_files.h"
#include "pkg/netqos/sockets.h"
#include "pkg/netqos/uplinks.h"

namespace plimsoll::netqos {
namespace {

using bpfobj::Program;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Folder {
 public:
  Folder() : path_(mkdtemp(name_)) {}
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string make(const std::string& below) const {
    std::filesystem::create_directories(path_ + below);
    return path_ + below;
  }
  void file(const std::string& below, const std::string& text) const { std::ofstream(path_ + below) << text; }
  const std::string& path() const { return path_; }

 private:
  char name_[32] = "/tmp/plimsoll-netqos-XXXXXX";
  std::string path_;
};

TEST(Places, ComeBackFromTheirPins) {
  for (const Place& place :
       {Place{Program::PodOut, 12, {}}, Place{Program::PodIn, 12, {}},
        Place{Program::UplinkOut, 4'000'000'000, {}}, Place{Program::SockOps, 0, {"/a", 77}},
        Place{Program::CgroupOut, 0, {"/a", 1ull << 40}}, Place{Program::CgroupIn, 0, {"/a", 77}}}) {
    auto back = Place::fromPin(place.pin());
    ASSERT_TRUE(back) << place.pin();
    EXPECT_EQ(back->pin(), place.pin());
    EXPECT_EQ(back->program, place.program);
  }
  for (const char* name :
       {"", "plm_entities", "device-12", "device-12-sockops", "cgroup-7-pod_out", "device--pod_out",
        "device-0-pod_out", "device-x-pod_out", "clsact-3", "device-12-pod_out-more"})
    EXPECT_FALSE(Place::fromPin(name)) << name;
}

TEST(Places, OfAFolderAreItsPinsAndMarkers) {
  Folder folder;
  folder.file("/device-3-pod_out", "");
  folder.file("/plm_entities", "");
  folder.make("/clsact-3");
  folder.make("/clsact-x");
  EXPECT_THAT(pinnedPlaces(folder.path()), SizeIs(1));
  EXPECT_THAT(clsactMarkers(folder.path()), ElementsAre(3u));
  EXPECT_THAT(pinnedPlaces(folder.path() + "/missing"), IsEmpty());
  EXPECT_THAT(namesIn(""), IsEmpty());
}

TEST(Discovery, TakesThePairsThatLeadIntoThePod) {
  std::map<uint32_t, rtnl::Device> devices;
  devices[1] = {1, "lo", "", "", 0, -1};
  devices[2] = {2, "veth-a", "veth", "", 2, 7};
  devices[3] = {3, "veth-b", "veth", "", 2, 8};
  devices[4] = {4, "nk", "netkit", "", 5, 7};
  devices[5] = {5, "vx", "vxlan", "", 2, 7};
  const PodLinks links = linksInto(devices, 7);
  ASSERT_THAT(links.devices, SizeIs(2));
  EXPECT_EQ(links.devices[0].name, "veth-a");
  EXPECT_EQ(links.devices[1].name, "nk");
  EXPECT_EQ(links.reason, "");
  EXPECT_THAT(linksInto(devices, 9).devices, IsEmpty());
  EXPECT_NE(linksInto(devices, 9).reason, "");
}

TEST(Line, WithoutARateOnlySetsPriorities) {
  const bpfobj::UplinkSpec spec = specOf(LineOptions{});
  EXPECT_EQ(spec.bytes_per_second, 0u);
  EXPECT_TRUE(spec.flags & kUplinkPriority);
  EXPECT_EQ(spec.classes[kClassHigh].priority, 6u);
  EXPECT_EQ(spec.classes[kClassBestEffort].priority, 2u);
}

TEST(Line, HoldsTheLowerClassesBelowItsRate) {
  LineOptions line{.bits_per_second = 1'000'000'000, .headroom = 0.1, .ecn = false};
  const bpfobj::UplinkSpec spec = specOf(line);
  EXPECT_EQ(spec.bytes_per_second, 112'500'000u);
  EXPECT_FALSE(spec.flags & kUplinkEcn);
  EXPECT_EQ(spec.classes[kClassHigh].drop.count(), 0);
  EXPECT_EQ(spec.classes[kClassBestEffort].mark, milliseconds(2));
  EXPECT_EQ(spec.classes[kClassBestEffort].drop, milliseconds(10));
  EXPECT_EQ(spec.classes[kClassBestEffort].share_bytes_per_second, 5'625'000u);
  EXPECT_EQ(spec.classes[kClassNormal].pace_bytes_per_second, 112'500'000u);
  line.bits_per_second = 10'000'000;  // a whole GSO packet takes 58 ms
  EXPECT_GT(specOf(line).classes[kClassBestEffort].drop, milliseconds(150));
  line.headroom = 7;
  EXPECT_GT(specOf(line).bytes_per_second, 0u);
}

TEST(Detect, CiliumByWhatItPins) {
  Folder bpffs;
  EXPECT_FALSE(findCilium(bpffs.path()).present);
  bpffs.make("/tc/globals");
  bpffs.file("/tc/globals/cilium_ipcache", "");
  EXPECT_TRUE(findCilium(bpffs.path()).present);
  EXPECT_FALSE(findCilium(bpffs.path()).bandwidth_manager);
  bpffs.file("/tc/globals/cilium_throttle", "");
  EXPECT_TRUE(findCilium(bpffs.path()).bandwidth_manager);
  EXPECT_THAT(findingsOf(findCilium(bpffs.path()), bpffs.path()), SizeIs(2));
  EXPECT_FALSE(findCilium("").present);
}

TEST(Detect, ShapersOnPodsLinksOnly) {
  const std::vector<rtnl::Device> pods{{3, "veth3", "veth", "", 2, 1}};
  const std::vector<rtnl::Queue> queues{{3, 0x10000, 0xffffffff, "tbf"},
                                        {3, 0xffff0000, 0xfffffff1, "ingress"},
                                        {4, 0x10000, 0xffffffff, "tbf"},
                                        {3, 0, 0xffffffff, "noqueue"}};
  const std::vector<Finding> found = shapersOn(queues, pods);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].what, "tbf");
  EXPECT_EQ(found[0].where, "veth3");
}

TEST(CgroupTree, KnowsAPathFromALaterOneOfItsName) {
  Folder mount;
  mount.make("/pod/c");
  const CgroupTree tree(mount.path());
  auto found = tree.find("/pod/c");
  ASSERT_TRUE(found);
  EXPECT_TRUE(tree.exists(*found));
  EXPECT_EQ(tree.paths().at(found->id), "/pod/c");
  EXPECT_THAT(tree.paths("/pod"), SizeIs(2));
  EXPECT_THAT(tree.processes(*found), IsEmpty()) << "no such file";
  std::ofstream(mount.path() + "/pod/c/cgroup.procs") << "12\nx\n0\n34\n";
  EXPECT_THAT(tree.processes(*found), ElementsAre(12, 34));
  CgroupRef later = *found;
  ++later.id;
  EXPECT_FALSE(tree.exists(later));
  EXPECT_TRUE(tree.open(later).error().isGone());
  EXPECT_TRUE(tree.find("/none").error().isGone());
  for (const char* path : {"", "/", "pod", "/pod/../pod/c", "/pod/.."}) EXPECT_FALSE(tree.find(path)) << path;
  EXPECT_EQ(CgroupTree::depth("/pod/c"), 2);
}

TEST(Sockets, AreCountedFromBothFiles) {
  Folder proc;
  proc.make("/7/net");
  EXPECT_EQ(socketsInUse(proc.path(), 7), 0u);
  proc.file("/7/net/sockstat",
            "sockets: used 9\nTCP: inuse 3 orphan 0 tw 5 alloc 4 mem 1\nUDP: inuse 8 mem 2\n");
  proc.file("/7/net/sockstat6", "TCP6: inuse 2\nUDP6: inuse 1\n");
  EXPECT_EQ(socketsInUse(proc.path(), 7), 5u);
  proc.file("/7/net/sockstat", "TCP: inuse\nTCP: inuse many\nTCP\n");
  EXPECT_EQ(socketsInUse(proc.path(), 7), 2u);
}

}  // namespace
}  // namespace plimsoll::netqos
