// Programs on cgroups and iterators over sockets: pacing is set, follows a change, is put back; host-network
// limits.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/bpf/real_traffic.h"

namespace plimsoll::testing {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kUnpaced = ~0u;
constexpr uint64_t kRate = 2'500'000;

uint32_t pacingOf(const base::UniqueFd& socket) {
  uint32_t rate = 0;
  socklen_t size = sizeof(rate);
  getsockopt(socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size);
  return rate;
}

class Sockets : public RealTraffic {
 protected:
  void SetUp() override {
    RealTraffic::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (auto can = traffic_->probePacing(); !can) GTEST_SKIP() << can.error().message;
    slot_ = put(*first_, paced(kRate));
    sink_.emplace(node_->peer, Transport::Tcp);
  }
  EntitySpec paced(uint64_t rate) {
    return {.parent = pod_slot_, .egress = bpfobj::limitFor(rate, 0), .pace_bytes_per_second = rate};
  }
  // In the pod's namespace, as nsenter would.
  void iterate(Program program) {
    auto fd = traffic_->program(program);
    ASSERT_TRUE(fd) << fd.error().message;
    auto link = Link::attachIterator(*fd);
    ASSERT_TRUE(link) << link.error().message;
    node_->pod.run([&] {
      auto said = link->run();
      EXPECT_TRUE(said) << said.error().message;
    });
  }
  base::UniqueFd connected() { return connectTo(node_->pod, *sink_, Transport::Tcp); }
  // What the programs keep with a socket, for a failure's message.
  std::string kept(const base::UniqueFd& socket) {
    TrafficSocket value = {};
    int key = socket.get();
    int map = traffic_->mapDescriptors().at("plm_sockets");
    if (bpf_map_lookup_elem(map, &key, &value) != 0) return "nothing kept";
    return "original " + std::to_string(value.original) + ", pace " + std::to_string(value.pace) +
           ", refused " + std::to_string(value.refused);
  }
  // A silent limit lets its sockets have a quarter more.
  void expectPaced(const base::UniqueFd& socket, uint64_t rate) {
    EXPECT_GT(pacingOf(socket), payload(rate) * 0.9) << kept(socket);
    EXPECT_LT(pacingOf(socket), payload(rate) * 1.26) << kept(socket);
  }
  // Payload bytes per second that leave room for the headers.
  static double payload(uint64_t rate) { return static_cast<double>(rate) * 1448 / 1514; }

  uint32_t slot_ = 0;
  std::optional<Sink> sink_;
};

TEST_F(Sockets, NewOnesArePacedAndOthersLeftAlone) {
  pace(*first_, slot_);
  second_->enter();
  base::UniqueFd other = connected();
  first_->enter();
  base::UniqueFd ours = connected();
  expectPaced(ours, kRate);
  EXPECT_EQ(pacingOf(other), kUnpaced);
}

TEST_F(Sockets, FollowAChangeWithinARoundTrip) {
  pace(*first_, slot_);
  first_->enter();
  base::UniqueFd socket = connected();
  put(*first_, paced(kRate / 2));
  sendFor(socket.get(), milliseconds(100));
  expectPaced(socket, kRate / 2);
  put(*first_, {.parent = pod_slot_});
  sendFor(socket.get(), milliseconds(100));
  EXPECT_EQ(pacingOf(socket), kUnpaced);
}

TEST_F(Sockets, ConnectionsWithinThePodAreNotPaced) {
  pace(*first_, slot_);
  Sink local(node_->pod, Transport::Tcp);
  first_->enter();
  node_->pod.run([&] {
    base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(local.port());
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    ASSERT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(pacingOf(socket), kUnpaced);
  });
}

TEST_F(Sockets, EstablishedOnesArePacedByTheIteratorAndReleased) {
  first_->enter();
  base::UniqueFd socket = connected();
  TestCgroup below(first_->path() + "/deeper");
  below.enter();
  base::UniqueFd deeper = connected();
  second_->enter();
  base::UniqueFd other = connected();
  EXPECT_EQ(pacingOf(socket), kUnpaced);
  iterate(Program::PaceAll);
  expectPaced(socket, kRate);
  expectPaced(deeper, kRate);
  EXPECT_EQ(pacingOf(other), kUnpaced);
  iterate(Program::ReleaseAll);
  EXPECT_EQ(pacingOf(socket), kUnpaced);
  EXPECT_EQ(pacingOf(deeper), kUnpaced);
  iterate(Program::ReleaseAll);
  EXPECT_EQ(pacingOf(socket), kUnpaced);
}

TEST_F(Sockets, TheApplicationsOwnLowerRateIsObeyedAndPutBack) {
  first_->enter();
  base::UniqueFd socket = connected();
  uint32_t own = 100'000;
  ASSERT_EQ(setsockopt(socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &own, sizeof(own)), 0);
  iterate(Program::PaceAll);
  EXPECT_EQ(pacingOf(socket), own);
  put(*first_, paced(50'000));
  iterate(Program::PaceAll);
  EXPECT_LT(pacingOf(socket), 50'000u);
  iterate(Program::ReleaseAll);
  EXPECT_EQ(pacingOf(socket), own);
}

class HostNetwork : public RealTraffic {
 protected:
  // A pod in the node's own namespace: no link of its own, so its cgroup does the work.
  void hostPod(const EntitySpec& spec) {
    slot_ = put(*first_, spec);
    attachCgroup(Program::CgroupOut, CgroupHook::SkbEgress, *first_, {slot_, kAttachHostNetwork});
    attachCgroup(Program::CgroupIn, CgroupHook::SkbIngress, *first_, {slot_, kAttachHostNetwork});
    attachCgroup(Program::SockOps, CgroupHook::SockOps, *first_, {slot_, kAttachHostNetwork});
  }
  uint32_t slot_ = 0;
};

TEST_F(HostNetwork, IsCountedOnTheWireAndClassifiedAtTheUplink) {
  hostPod({.class_id = kClassHigh});
  Sink sink(node_->peer, Transport::Udp);
  first_->enter();
  for (bool ipv6 : {false, true}) {
    base::UniqueFd socket = connectTo(node_->host, sink, Transport::Udp, ipv6);
    TrafficFlow before = sent(slot_);
    uint64_t at_uplink = uplinkPackets(kClassHigh);
    for (int i = 0; i < 10; ++i) send(socket.get(), "0123456789", 10, 0);
    usleep(20'000);
    EXPECT_EQ(sent(slot_).packets - before.packets, 10u);
    EXPECT_EQ(sent(slot_).bytes - before.bytes, 10u * (14 + (ipv6 ? 40 : 20) + 8 + 10));
    EXPECT_EQ(uplinkPackets(kClassHigh) - at_uplink, 10u);
  }
}

TEST_F(HostNetwork, CountsSegmentsOfATcpStreamInBothDirections) {
  hostPod({});
  Sink sink(node_->peer, Transport::Tcp);
  first_->enter();
  base::UniqueFd socket = connectTo(node_->host, sink, Transport::Tcp);
  uint64_t payload = sendFor(socket.get(), milliseconds(100));
  shutdown(socket.get(), SHUT_WR);
  usleep(200'000);
  double expected = static_cast<double>(payload) * 1514 / 1448;
  EXPECT_NEAR(static_cast<double>(sent(slot_).bytes), expected, expected * 0.02);
  EXPECT_GT(traffic_->details(slot_).ingress.packets, 10u);
}

TEST_F(HostNetwork, AnOverLimitDatagramIsRefusedToItsSender) {
  hostPod({.egress = {1'000, 0, milliseconds(1), milliseconds(1)}});
  Sink sink(node_->peer, Transport::Udp);
  first_->enter();
  base::UniqueFd socket = connectTo(node_->host, sink, Transport::Udp);
  std::string datagram(1000, 'x');
  EXPECT_EQ(send(socket.get(), datagram.data(), datagram.size(), 0), 1000);
  EXPECT_EQ(send(socket.get(), datagram.data(), datagram.size(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(traffic_->details(slot_).egress_events.drop_packets, 1u);
}

TEST_F(HostNetwork, TcpSocketsCarryTheDscp) {
  hostPod({.dscp = 46});
  Sink sink(node_->peer, Transport::Tcp);
  first_->enter();
  base::UniqueFd socket = connectTo(node_->host, sink, Transport::Tcp);
  int tos = 0;
  socklen_t size = sizeof(tos);
  getsockopt(socket.get(), IPPROTO_IP, IP_TOS, &tos, &size);
  EXPECT_EQ(tos >> 2, 46);
}

TEST_F(RealTraffic, PodIngressIsLimited) {
  put(*pod_, {.ingress = {125'000, 0, milliseconds(50), milliseconds(100)}});
  Sink sink(node_->pod, Transport::Udp);
  base::UniqueFd socket;
  node_->peer.run([&] {
    socket.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(sink.port());
    inet_pton(AF_INET, "10.1.1.2", &address.sin_addr);
    ASSERT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  });
  sendFor(socket.get(), milliseconds(1000), 1000);
  // One second at 125 kB/s and the tolerance's tenth of it.
  double wire = static_cast<double>(sink.bytes()) * 1042 / 1000;
  EXPECT_NEAR(wire, 137'500, 8'000);
  EXPECT_GT(traffic_->details(pod_slot_).ingress_events.drop_packets, 100u);
}

}  // namespace
}  // namespace plimsoll::testing
