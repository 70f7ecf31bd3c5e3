// Whether a container's rate within its pod's is met, over real links: pod, node and peer as network
// namespaces joined by veth pairs, one TCP or UDP sender, wire bytes at the receiver over the limit.
//
//   netqos_rate_bench [seconds=5] [rounds=5]     needs root, cgroup v2, ip(8)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using std::chrono::milliseconds;

struct Case {
  Transport transport;
  uint64_t megabits;
};

constexpr Case kCases[] = {{Transport::Tcp, 1},    {Transport::Tcp, 10},   {Transport::Tcp, 100},
                           {Transport::Tcp, 1000}, {Transport::Tcp, 5000}, {Transport::Udp, 1},
                           {Transport::Udp, 10},   {Transport::Udp, 100},  {Transport::Udp, 500}};

// Payload and headers of a full packet: Ethernet, IPv4, and TCP with time stamps or UDP.
double wireOverPayload(Transport transport) {
  return transport == Transport::Tcp ? 1514.0 / 1448 : (1400.0 + 42) / 1400;
}

// Wire bits per second over the limit.
double measure(netqos::Engine& engine, const Node& node, TestContainer& container, const Case& c,
               int seconds) {
  apply(engine, container.subject(), "net.egress.rate", std::to_string(c.megabits) + "M");
  apply(engine, container.subject(), "net.pod.egress.rate", std::to_string(c.megabits * 6 / 5 + 1) + "M");
  Sink sink(node.peer, c.transport);
  container.cgroup.enter();
  base::UniqueFd socket = connectTo(node.pod, sink, c.transport);
  sendFor(socket.get(), milliseconds(1000));
  const uint64_t before = sink.bytes();
  const auto start = std::chrono::steady_clock::now();
  sendFor(socket.get(), std::chrono::seconds(seconds));
  const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double bits = static_cast<double>(sink.bytes() - before) * 8 * wireOverPayload(c.transport);
  return bits / taken / (static_cast<double>(c.megabits) * 1e6);
}

void run(netqos::Engine& engine, const Node& node, int seconds, int rounds) {
  TestCgroup pod("netqos-rate");
  TestContainer container(pod, "c", &node.pod);
  std::printf("%-6s %8s   %-8s %-8s %-8s   of the limit, %d rounds of %d s\n", "", "Mbit/s", "median",
              "least", "most", rounds, seconds);
  for (const Case& c : kCases) {
    std::vector<double> ratios;
    for (int i = 0; i < rounds; ++i) ratios.push_back(measure(engine, node, container, c, seconds));
    std::sort(ratios.begin(), ratios.end());
    std::printf("%-6s %8lu   %-8.3f %-8.3f %-8.3f\n", c.transport == Transport::Tcp ? "TCP" : "UDP",
                static_cast<unsigned long>(c.megabits), ratios[ratios.size() / 2], ratios.front(),
                ratios.back());
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace plimsoll::testing

int main(int argc, char** argv) {
  using namespace plimsoll::testing;
  if (auto reason = missingForBpf(); !reason.empty()) {
    std::printf("%s\n", reason.c_str());
    return 1;
  }
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 5;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  Node node;
  onNode(node.host, [&](const std::string& bpffs) {
    auto engine = plimsoll::netqos::Engine::start(optionsFor(bpffs));
    if (engine) run(**engine, node, seconds, rounds);
    if (!engine) std::printf("no engine: %s\n", engine.error().message.c_str());
  });
  return 0;
}
