#include "tests/bench/netqos/peers_world.h"

#include <algorithm>
#include <stdexcept>

#include "pkg/netqos/release.h"

namespace plimsoll::testing {
namespace {

constexpr const char* kLine = "tc qdisc add dev up0 root handle 1: tbf rate 500mbit burst 128k latency 25ms";
// Half of the line's queue each; the pod with requests is known by its address.
constexpr const char* kHtb =
    "tc qdisc add dev up0 root handle 1: htb default 20 && "
    "tc class add dev up0 parent 1: classid 1:1 htb rate 500mbit ceil 500mbit burst 128k cburst 128k && "
    "tc class add dev up0 parent 1:1 classid 1:10 htb rate 400mbit ceil 500mbit prio 0 && "
    "tc class add dev up0 parent 1:1 classid 1:20 htb rate 100mbit ceil 500mbit prio 1 && "
    "tc qdisc add dev up0 parent 1:10 bfifo limit 1562500 && "
    "tc qdisc add dev up0 parent 1:20 bfifo limit 1562500 && "
    "tc filter add dev up0 parent 1: protocol ip u32 match ip src 10.1.1.2 flowid 1:10";

// What leaves the pod by its link is sent through a device that a token bucket holds.
std::string tbfOf(uint64_t bits) {
  const std::string rate = std::to_string(bits) + "bit";
  const std::string burst = std::to_string(std::max<uint64_t>(bits / 8 / 40, 65536));  // 25 ms
  return "ip link add bwp0 type ifb && ip link set bwp0 up && "
         "tc qdisc add dev bwp0 root tbf rate " +
         rate + " burst " + burst +
         " latency 25ms && tc qdisc add dev pod1 ingress && "
         "tc filter add dev pod1 parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect "
         "dev "
         "bwp0";
}

void must(const std::string& command) {
  const std::string said = outputOf("{ " + command + "; } 2>&1 && echo fine");
  if (said.ends_with("fine\n")) return;
  throw std::runtime_error("refused: " + command + "\n" + said);
}

}  // namespace

const char* nameOf(Peer peer) {
  switch (peer) {
    case Peer::Fifo:
      return "fifo";
    case Peer::Tbf:
      return "tbf per pod";
    case Peer::Htb:
      return "htb";
    case Peer::Priority:
      return "ours, queue here";
    case Peer::Virtual:
      return "ours, virtual";
  }
  return "";
}

PeersWorld::PeersWorld() : high(high_pod, "c", &node.pod), bulk(low_pod, "c", &low) {
  if (!node.ready) return;
  const std::string host = "PATH=$PATH:/usr/sbin:/sbin; ip link add pod1 type veth peer name eth0 netns " +
                           low.path() + " && ip addr add 10.3.3.1/24 dev pod1 && ip link set pod1 up";
  const std::string inside =
      "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up; ip addr add 10.3.3.2/24 dev eth0 && ip link set eth0 "
      "up "
      "&& ip route add default via 10.3.3.1";
  ready_ = node.host.shell(host) == 0 && low.shell(inside) == 0;
}

void PeersWorld::clear() {
  engine_.reset();
  netqos::release(optionsFor(bpffs_), netqos::ReleaseMode::Release);
  outputOf("{ tc qdisc del dev up0 root; tc qdisc del dev pod1 ingress; ip link del bwp0; } 2>&1");
}

void PeersWorld::start(uint64_t line_bits) {
  netqos::Options options = optionsFor(bpffs_);
  options.line.bits_per_second = line_bits;
  auto engine = netqos::Engine::start(options);
  if (!engine) throw std::runtime_error("no engine: " + engine.error().message);
  engine_ = *std::move(engine);
}

void PeersWorld::set(const TestContainer& container, const char* key, const std::string& text) {
  const std::string state = apply(*engine_, container.subject(), key, text);
  if (state != "Applied") throw std::runtime_error(std::string(key) + "=" + text + ": " + state);
}

void PeersWorld::line(Peer peer) {
  clear();
  must(peer == Peer::Htb ? kHtb : kLine);
  if (peer == Peer::Tbf) must(tbfOf(kLineBits / 100 * 95));
  if (peer == Peer::Priority) must("tc qdisc add dev up0 parent 1: handle 2: pfifo_fast");
  if (peer != Peer::Priority && peer != Peer::Virtual) return;
  start(peer == Peer::Virtual ? kLineBits : 0);
  set(high, "net.priority", "high");
  set(bulk, "net.priority", "besteffort");
}

void PeersWorld::limitByTbf(uint64_t bits) {
  clear();
  must(tbfOf(bits));
}

void PeersWorld::limitByUs(uint64_t bits) {
  clear();
  start(0);
  set(bulk, "net.pod.egress.rate", std::to_string(bits));
}

void PeersWorld::root(const std::string& tc) {
  clear();
  if (!tc.empty()) must(tc);
}

void PeersWorld::fullPath() {
  clear();
  start(100'000'000'000);
  set(bulk, "net.priority", "besteffort");
  set(bulk, "net.egress.rate", "50G");
  set(bulk, "net.pod.egress.rate", "60G");
}

}  // namespace plimsoll::testing
