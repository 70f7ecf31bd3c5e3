// A high-priority request and answer beside four best-effort streams through a bottleneck of 500 Mbit/s, in
// one run:
//   fifo      nothing of ours; the bottleneck's queue holds 25 ms
//   priority  the queue is here: classes, and a child queue that looks at skb->priority (pfifo_fast)
//   virtual   the queue is elsewhere: shared virtual queue at 475 Mbit/s, TCP paced
// Root; needs tc's tbf.
//   bpf_latency_bench [ROUNDS [cubic|bbr]]
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <thread>

#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/traffic.h"
#include "tests/bpf/net.h"
#include "tests/bpf/request.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::Direction;
using bpfobj::Link;
using bpfobj::Program;
using bpfobj::Traffic;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kLine = 62'500'000;  // bytes per second
constexpr milliseconds kTime{3000};

struct Outcome {
  double p50 = 0, p99 = 0, megabits = 0;
};

class Bench {
 public:
  Bench() : pod_("latency"), high_(pod_.path() + "/high"), low_(pod_.path() + "/low") {
    auto loaded = Traffic::load({});
    if (!loaded || !node_.ready)
      std::fprintf(stderr, "latency_bench: needs root, bpf(2) and ip(8)\n"), std::exit(77);
    traffic_.emplace(std::move(*loaded));
    uint32_t pod = *traffic_->putEntity(pod_.id(), {});
    (void)traffic_->putEntity(high_.id(), {.parent = pod, .class_id = kClassHigh});
    low_slot_ = *traffic_->putEntity(low_.id(), {.parent = pod, .class_id = kClassBestEffort});
    (void)traffic_->putLink(node_.pod_link, {pod, kClassNormal, high_.level(), kLinkPod});
    (void)traffic_->putLink(node_.uplink, {0, 0, 0, kLinkUplink});
  }

  Outcome run(const std::string& mode, const std::string& congestion, bool load) {
    bool ours = mode != "fifo";
    queue(mode);
    std::vector<Link> links;
    if (ours) attach(links, mode == "virtual");
    Sink sink(node_.peer, Transport::Tcp);
    Echo echo(node_.peer);
    std::vector<std::thread> bulk;
    low_.enter();
    std::vector<base::UniqueFd> sockets;
    for (int i = 0; load && i < 4; ++i)
      sockets.push_back(connectTo(node_.pod, sink, Transport::Tcp, false, congestion));
    for (auto& socket : sockets)
      bulk.emplace_back([&socket] { sendFor(socket.get(), kTime + milliseconds(1500)); });
    high_.enter();
    base::UniqueFd request = connectTo(node_.pod, echo);
    std::this_thread::sleep_for(milliseconds(1000));
    uint64_t before = sink.bytes();
    std::vector<double> times = exchange(request.get(), kTime);
    Outcome out;
    out.megabits =
        static_cast<double>(sink.bytes() - before) * 8e-6 / std::chrono::duration<double>(kTime).count();
    if (!times.empty()) out.p50 = times[times.size() / 2], out.p99 = times[times.size() * 99 / 100];
    for (auto& thread : bulk) thread.join();
    shutdown(request.get(), SHUT_RDWR);
    return out;
  }

 private:
  void queue(const std::string& mode) {
    std::string tc =
        "PATH=$PATH:/usr/sbin:/sbin; tc qdisc del dev up0 root 2>/dev/null; "
        "tc qdisc add dev up0 root handle 1: tbf rate 500mbit burst 128k latency 25ms";
    if (mode == "priority") tc += " && tc qdisc add dev up0 parent 1: handle 2: pfifo_fast";
    if (node_.host.shell(tc) != 0) std::fprintf(stderr, "latency_bench: tc refused\n"), std::exit(77);
  }
  void attach(std::vector<Link>& links, bool with_queue) {
    bpfobj::UplinkSpec spec;
    spec.flags = kUplinkPriority | kUplinkEcn;
    const uint32_t priorities[] = {7, 6, 0, 2};
    for (int i = 0; i < kTrafficClasses; ++i) spec.classes[i].priority = priorities[i];
    if (with_queue) {
      uint64_t capacity = kLine * 95 / 100;
      spec.bytes_per_second = capacity;
      for (int held : {kClassNormal, kClassBestEffort}) {
        spec.classes[held].mark = milliseconds(2);
        spec.classes[held].drop = milliseconds(10);
        spec.classes[held].pace_bytes_per_second = capacity;
      }
    }
    (void)traffic_->putUplink(0, spec);
    node_.host.run([&] {
      links.push_back(
          *Link::attachTcx(*traffic_->program(Program::PodOut), node_.pod_link, Direction::Ingress));
      links.push_back(
          *Link::attachTcx(*traffic_->program(Program::UplinkOut), node_.uplink, Direction::Egress));
    });
    if (!with_queue) return;
    base::UniqueFd fd(open(low_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    links.push_back(
        *Link::attachCgroup(*traffic_->program(Program::SockOps), fd.get(), bpfobj::CgroupHook::SockOps));
    (void)traffic_->putAttached(low_.id(), {low_slot_, 0});
  }

  Node node_;
  TestCgroup pod_, high_, low_;
  std::optional<Traffic> traffic_;
  uint32_t low_slot_ = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace
}  // namespace plimsoll::testing

int main(int argc, char** argv) {
  using namespace plimsoll::testing;
  int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  std::string congestion = argc > 2 ? argv[2] : "cubic";
  Bench bench;
  const std::vector<std::string> modes = {"idle", "fifo", "priority", "virtual"};
  std::map<std::string, std::vector<double>> p50, p99, rate, of_p99, of_rate;
  for (int round = 0; round < rounds; ++round) {
    Outcome fifo;
    for (const auto& mode : modes) {
      Outcome out = bench.run(mode == "idle" ? "fifo" : mode, congestion, mode != "idle");
      if (mode == "fifo") fifo = out;
      p50[mode].push_back(out.p50);
      p99[mode].push_back(out.p99);
      rate[mode].push_back(out.megabits);
      if (mode == "idle") continue;
      of_p99[mode].push_back(fifo.p99 / out.p99);
      of_rate[mode].push_back(out.megabits / fifo.megabits);
    }
  }
  std::printf("%-9s %12s %12s %12s %14s %14s\n", congestion.c_str(), "high p50 us", "high p99 us",
              "BE Mbit/s", "fifo p99 / p99", "BE of fifo's");
  for (const auto& mode : modes) {
    std::printf("%-9s %12.0f %12.0f %12.1f", mode.c_str(), median(p50[mode]), median(p99[mode]),
                median(rate[mode]));
    if (mode != "idle") {
      auto [low, high] = std::minmax_element(of_p99[mode].begin(), of_p99[mode].end());
      std::printf(" %9.0f [%.0f..%.0f] %9.3f", median(of_p99[mode]), *low, *high, median(of_rate[mode]));
    }
    std::printf("\n");
  }
  return 0;
}
