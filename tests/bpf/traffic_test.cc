// The programs on real links, with real sockets: whose packet is it at the pod's link, does its class reach
// the uplink, is a rate met.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "tests/bpf/real_traffic.h"
#include "tests/bpf/request.h"

namespace plimsoll::testing {
namespace {

using std::chrono::milliseconds;

TEST_F(RealTraffic, TellsContainersApartAndCarriesTheirClassesToTheUplink) {
  uint32_t first = put(*first_, {.parent = pod_slot_, .class_id = kClassHigh});
  uint32_t second = put(*second_, {.parent = pod_slot_, .class_id = kClassBestEffort});
  Sink sink(node_->peer, Transport::Udp);
  first_->enter();
  base::UniqueFd high = connectTo(node_->pod, sink, Transport::Udp);
  base::UniqueFd high6 = connectTo(node_->pod, sink, Transport::Udp, true);
  second_->enter();
  base::UniqueFd low = connectTo(node_->pod, sink, Transport::Udp);
  for (int i = 0; i < 30; ++i) send(low.get(), "x", 1, 0);
  for (int i = 0; i < 20; ++i) send(high.get(), "x", 1, 0);
  for (int i = 0; i < 10; ++i) send(high6.get(), "x", 1, 0);
  usleep(50'000);
  EXPECT_EQ(sent(first).packets, 30u);
  EXPECT_EQ(sent(second).packets, 30u);
  EXPECT_EQ(uplinkPackets(kClassHigh), 30u);
  EXPECT_EQ(uplinkPackets(kClassBestEffort), 30u);
}

// As on a node that is a container itself: what the agent takes for the level is not the kernel's.
TEST_F(RealTraffic, FindsAContainersOwnCgroupWithAWrongLevel) {
  uint32_t first = put(*first_, {.parent = pod_slot_, .class_id = kClassHigh});
  ASSERT_TRUE(traffic_->putLink(node_->pod_link, {pod_slot_, kClassNormal, 1, kLinkPod}));
  Sink sink(node_->peer, Transport::Udp);
  first_->enter();
  base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
  for (int i = 0; i < 10; ++i) send(socket.get(), "x", 1, 0);
  second_->enter();
  base::UniqueFd unknown = connectTo(node_->pod, sink, Transport::Udp);
  const uint64_t before = sent(pod_slot_).packets;
  for (int i = 0; i < 5; ++i) send(unknown.get(), "x", 1, 0);
  usleep(20'000);
  EXPECT_EQ(sent(first).packets, 10u);
  EXPECT_EQ(sent(pod_slot_).packets - before, 5u);
}

struct RateCase {
  Transport transport;
  uint64_t megabits;
  bool ipv6;
};

class Rate : public RealTraffic, public ::testing::WithParamInterface<RateCase> {};

// Wire bytes that the peer must have got, from the payload that it counted.
double wireBytes(const RateCase& rate, double payload) {
  double headers = 14 + (rate.ipv6 ? 40 : 20) + (rate.transport == Transport::Tcp ? 32 : 8);
  double each = rate.transport == Transport::Tcp ? 1500 - headers + 14 : 1400;
  return payload * (each + headers) / each;
}

// Wire bytes per second that reached the peer.
double measure(const RateCase& rate, int socket, const Sink& sink) {
  uint64_t before = sink.bytes();
  auto start = std::chrono::steady_clock::now();
  // At 1 Mbit/s a packet is 12 ms, and TCP sends two at a time.
  sendFor(socket, milliseconds(rate.megabits < 10 ? 4000 : 2000));
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return wireBytes(rate, static_cast<double>(sink.bytes() - before)) / seconds;
}

TEST_P(Rate, IsMetWithinThreePercent) {
  const RateCase& rate = GetParam();
  uint64_t bytes = rate.megabits * 125'000;
  if (auto can = traffic_->probePacing(); !can && rate.transport == Transport::Tcp)
    GTEST_SKIP() << can.error().message;
  EntitySpec spec{.parent = pod_slot_, .egress = bpfobj::limitFor(bytes, 0), .pace_bytes_per_second = bytes};
  // A datagram sender that gets no processor for longer than the tolerance has lost that time for good.
  if (rate.transport == Transport::Udp)
    spec.egress.drop = std::max<std::chrono::nanoseconds>(spec.egress.drop, milliseconds(150));
  uint32_t slot = put(*first_, spec);
  pace(*first_, slot);
  Sink sink(node_->peer, rate.transport);
  first_->enter();
  base::UniqueFd socket = connectTo(node_->pod, sink, rate.transport, rate.ipv6);
  ASSERT_TRUE(socket.valid());
  sendFor(socket.get(), milliseconds(500));
  double ratio = 0;
  for (int i = 0; i < 3 && std::abs(ratio - 1.0) > 0.03; ++i)
    ratio = measure(rate, socket.get(), sink) / static_cast<double>(bytes);
  auto events = traffic_->details(slot).egress_events;
  RecordProperty("ratio", std::to_string(ratio));
  EXPECT_NEAR(ratio, 1.0, 0.03) << "drops " << events.drop_packets << ", marks " << events.marks
                                << ", each socket " << traffic_->details(slot).pace_fair;
}

// The container's own requests, beside its own bulk, while the limit binds.
TEST_F(RealTraffic, OwnRequestsStayQuickAtTheLimit) {
  if (auto can = traffic_->probePacing(); !can) GTEST_SKIP() << can.error().message;
  constexpr uint64_t kBytes = 6'250'000;  // 50 Mbit/s
  uint32_t slot = put(
      *first_, {.parent = pod_slot_, .egress = bpfobj::limitFor(kBytes, 0), .pace_bytes_per_second = kBytes});
  pace(*first_, slot);
  Sink sink(node_->peer, Transport::Tcp);
  Echo echo(node_->peer);
  first_->enter();
  base::UniqueFd bulk = connectTo(node_->pod, sink, Transport::Tcp);
  base::UniqueFd request = connectTo(node_->pod, echo);
  std::thread sender([&] { sendFor(bulk.get(), milliseconds(3000)); });
  std::this_thread::sleep_for(milliseconds(800));
  std::vector<double> times = exchange(request.get(), milliseconds(2000));
  sender.join();
  shutdown(request.get(), SHUT_RDWR);
  ASSERT_GT(times.size(), 1500u);
  double p50 = times[times.size() / 2];
  RecordProperty("p50", std::to_string(p50));
  EXPECT_LT(p50, 5'000) << "microseconds";
}

INSTANTIATE_TEST_SUITE_P(
    Some, Rate,
    ::testing::Values(RateCase{Transport::Udp, 1, false}, RateCase{Transport::Udp, 20, true},
                      RateCase{Transport::Udp, 300, false}, RateCase{Transport::Tcp, 1, false},
                      RateCase{Transport::Tcp, 20, false}, RateCase{Transport::Tcp, 20, true},
                      RateCase{Transport::Tcp, 300, false}, RateCase{Transport::Tcp, 2000, false}),
    [](const auto& p) {
      return (p.param.transport == Transport::Tcp ? std::string("Tcp") : std::string("Udp")) +
             std::to_string(p.param.megabits) + (p.param.ipv6 ? "v6" : "");
    });

}  // namespace
}  // namespace plimsoll::testing
