// Every way in which a pod may be connected: its class reaches the uplink, its packets are counted, its rate
// holds.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Mode;
using std::chrono::milliseconds;

struct Topology {
  const char* name;
  // Shell, in each namespace; $POD and $PEER are theirs. The peer is 10.2.2.2 in the end.
  const char* node;
  const char* pod;
  const char* peer;
  Mode mode;
  bool host_network = false;
};

void PrintTo(const Topology& topology, std::ostream* out) { *out << topology.name; }

constexpr const char* kUnderlay = "ip link add up0 type veth peer name eth0 netns $PEER; ip link set up0 up;";
constexpr const char* kPodBehindBridge =
    "ip link add pod0 type veth peer name eth0 netns $POD; ip link add br0 type bridge;"
    "ip link set pod0 master br0 up; ip addr add 10.1.1.1/24 dev br0; ip link set br0 up;";
constexpr const char* kRoutedPod =
    "ip addr add 10.1.1.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.1.1.1";
constexpr const char* kRoutedPeer =
    "ip addr add 10.2.2.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.2.2.1";

const Topology kTopologies[] = {
    {"Bridged",
     "ip link add pod0 type veth peer name eth0 netns $POD; ip link add br0 type bridge;"
     "ip link set pod0 master br0 up; ip link set up0 master br0; ip link set br0 up",
     "ip addr add 10.2.2.3/24 dev eth0; ip link set eth0 up",
     "ip addr add 10.2.2.2/24 dev eth0; ip link set eth0 up", Mode::LinkTcx},
    {"BridgedAndRouted", "$BRIDGE ip addr add 10.2.2.1/24 dev up0", kRoutedPod, kRoutedPeer, Mode::LinkTcx},
    {"Vxlan",
     "$BRIDGE ip addr add 192.168.9.1/24 dev up0;"
     "ip link add vx0 type vxlan id 5 dstport 4789 local 192.168.9.1 remote 192.168.9.2 dev up0;"
     "ip addr add 10.2.2.1/24 dev vx0; ip link set vx0 up",
     kRoutedPod,
     "ip addr add 192.168.9.2/24 dev eth0; ip link set eth0 up;"
     "ip link add vx0 type vxlan id 5 dstport 4789 local 192.168.9.2 remote 192.168.9.1 dev eth0;"
     "ip addr add 10.2.2.2/24 dev vx0; ip link set vx0 up; ip route add default via 10.2.2.1",
     Mode::LinkTcx},
    {"HostNetwork", "ip addr add 10.2.2.1/24 dev up0", "true", kRoutedPeer, Mode::Cgroup, true},
    {"Macvlan", "ip link add mv0 link up0 type macvlan mode bridge; ip link set mv0 netns $POD name eth0",
     "ip addr add 10.2.2.3/24 dev eth0; ip link set eth0 up",
     "ip addr add 10.2.2.2/24 dev eth0; ip link set eth0 up", Mode::Cgroup},
    {"Vlan",
     "$BRIDGE ip link add up0.7 link up0 type vlan id 7; ip addr add 10.2.2.1/24 dev up0.7; ip link set "
     "up0.7 up",
     kRoutedPod,
     "ip link set eth0 up; ip link add eth0.7 link eth0 type vlan id 7; ip addr add 10.2.2.2/24 dev eth0.7;"
     "ip link set eth0.7 up; ip route add default via 10.2.2.1",
     Mode::LinkTcx},
    {"Netkit",
     "ip link add pod0 type netkit mode l2 peer name pod1; ip link set pod1 netns $POD name eth0;"
     "ip addr add 10.1.1.1/24 dev pod0; ip link set pod0 up; ip addr add 10.2.2.1/24 dev up0",
     kRoutedPod, kRoutedPeer, Mode::LinkTcx},
};

class Topologies : public ::testing::TestWithParam<Topology> {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    const std::string names = "PATH=$PATH:/usr/sbin:/sbin; POD=" + pod_net_.path() +
                              "; PEER=" + peer_net_.path() +
                              "; set -e; ip link set lo up; echo 1 > /proc/sys/net/ipv4/ip_forward;";
    std::string node = GetParam().node;
    if (size_t at = node.find("$BRIDGE"); at != std::string::npos) node.replace(at, 7, kPodBehindBridge);
    const bool ready = node_net_.shell(names + kUnderlay + node) == 0 &&
                       pod_net_.shell(names + GetParam().pod) == 0 &&
                       peer_net_.shell(names + GetParam().peer) == 0;
    if (!ready) GTEST_SKIP() << "this kernel cannot make these links";
    pod_.emplace("topology");
    first_.emplace(*pod_, "first", &where());
    second_.emplace(*pod_, "second", &where());
  }
  const Namespace& where() const { return GetParam().host_network ? node_net_ : pod_net_; }
  base::UniqueFd socketOf(TestContainer& container, const Sink& sink, Transport transport) {
    container.cgroup.enter();
    return connectTo(where(), sink, transport);
  }
  netqos::Subject subject(const TestContainer& container) const {
    return container.subject(GetParam().host_network);
  }
  void withEngine(const std::function<void(Engine&)>& work) {
    onNode(node_net_, [&](const std::string& bpffs) {
      auto engine = Engine::start(optionsFor(bpffs));
      ASSERT_TRUE(engine) << engine.error().message;
      work(**engine);
    });
  }
  Mode expected(const Engine& engine) const {
    return GetParam().mode == Mode::LinkTcx ? engine.report().mode : GetParam().mode;
  }

  Namespace node_net_, pod_net_, peer_net_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> first_, second_;
};

TEST_P(Topologies, CarriesClassesToTheUplink) {
  withEngine([&](Engine& engine) {
    ASSERT_EQ(apply(engine, subject(*first_), "net.priority", "high"), "Applied");
    ASSERT_EQ(apply(engine, subject(*second_), "net.priority", "besteffort"), "Applied");
    const auto mode = engine.modeOf(first_->cgroup.id());
    EXPECT_EQ(mode.mode, expected(engine)) << mode.reason;
    EXPECT_EQ(mode.reason.empty(), GetParam().mode == Mode::LinkTcx) << mode.reason;
    Sink sink(peer_net_, Transport::Udp);
    base::UniqueFd high = socketOf(*first_, sink, Transport::Udp);
    base::UniqueFd low = socketOf(*second_, sink, Transport::Udp);
    send(high.get(), "x", 1, 0);  // neighbours are known from here on
    usleep(200'000);
    const auto before = engine.report().uplinks.at(0);
    const uint64_t sent = engine.countsOf(first_->cgroup.id())->egress.packets;
    for (int i = 0; i < 10; ++i) send(high.get(), "0123456789", 10, 0);
    for (int i = 0; i < 20; ++i) send(low.get(), "0123456789", 10, 0);
    usleep(50'000);
    const auto after = engine.report().uplinks.at(0);
    EXPECT_EQ(after.classes[1].packets - before.classes[1].packets, 10u);
    EXPECT_GE(after.classes[3].packets - before.classes[3].packets, 20u);
    EXPECT_LE(after.classes[3].packets - before.classes[3].packets, 24u) << "but for the kernel's own few";
    EXPECT_EQ(engine.countsOf(first_->cgroup.id())->egress.packets - sent, 10u);
  });
}

TEST_P(Topologies, HoldsRates) {
  withEngine([&](Engine& engine) {
    if (!engine.report().pacing) GTEST_SKIP() << engine.report().no_pacing;
    ASSERT_EQ(apply(engine, subject(*first_), "net.egress.rate", "80M"), "Applied");
    for (Transport transport : {Transport::Tcp, Transport::Udp}) {
      Sink sink(peer_net_, transport);
      base::UniqueFd socket = socketOf(*first_, sink, transport);
      sendFor(socket.get(), milliseconds(300));
      uint64_t before = sink.bytes();
      auto start = std::chrono::steady_clock::now();
      sendFor(socket.get(), milliseconds(1000));
      double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      // Payload; a datagram sender that is not run in time has lost it.
      double megabits = static_cast<double>(sink.bytes() - before) * 8 / seconds / 1e6;
      EXPECT_LT(megabits, 81);
      EXPECT_GT(megabits, 65);
    }
    const auto counts = *engine.countsOf(first_->cgroup.id());
    EXPECT_GT(counts.egress.drop_packets, 0u) << "of the datagrams";
    EXPECT_GT(counts.ingress.packets, 0u) << "acknowledgements";
  });
}

INSTANTIATE_TEST_SUITE_P(Of, Topologies, ::testing::ValuesIn(kTopologies),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace plimsoll::testing
