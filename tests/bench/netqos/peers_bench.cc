// Ours beside what others do on the same line, in one run, rounds interleaved; ratios are within one round.
//
//   netqos_peers_bench latency [rounds=5] [cubic|bbr]   64-byte requests of an urgent pod, one each
//   millisecond,
//                                                       beside four streams of another pod
//   netqos_peers_bench share   [rounds=5]               the same, and the urgent pod also sends 200 Mbit/s
//   netqos_peers_bench own     [rounds=5]               requests of a pod beside its own stream at its limit
//   netqos_peers_bench udp     [rounds=5]               64-byte packets per second, limits that nothing meets
//   netqos_peers_bench all     [rounds=5]               all of these, latency with both senders
//
// A round takes 27, 23, 12 and 10 s. An EDT shaper as Cilium's needs fq and is not measured here.
// Exit 77: root, cgroup v2, ip(8), or one of tc's tbf, htb, u32, mirred is missing.
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tests/bench/netqos/peers_world.h"
#include "tests/bpf/request.h"

namespace plimsoll::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kWarm{1000}, kTime{3000};
constexpr uint64_t kUrgentBits = 200'000'000, kOwnBits = 100'000'000;
constexpr size_t kSmall = 64 - 14 - 20 - 8;  // payload of a 64-byte frame

struct Outcome {
  double p50 = 0, p99 = 0, megabits = 0, urgent_megabits = 0;
};

// What a sink got from here on.
class Goodput {
 public:
  explicit Goodput(const Sink& sink) : sink_(sink), before_(sink.bytes()), start_(steady_clock::now()) {}
  double megabits() const {
    const double seconds = std::chrono::duration<double>(steady_clock::now() - start_).count();
    return static_cast<double>(sink_.bytes() - before_) * 8e-6 / seconds;
  }

 private:
  const Sink& sink_;
  uint64_t before_;
  steady_clock::time_point start_;
};

void addTimes(Outcome& out, const std::vector<double>& times) {
  if (times.empty()) return;
  out.p50 = times[times.size() / 2];
  out.p99 = times[times.size() * 99 / 100];
}

// Streams that send until the end of the object.
class Streams {
 public:
  Streams(const Namespace& from, TestContainer& container, const Sink& sink, int count,
          const std::string& congestion, uint64_t pace_bits = 0) {
    container.cgroup.enter();
    for (int i = 0; i < count; ++i) {
      sockets_.push_back(connectTo(from, sink, Transport::Tcp, false, congestion));
      const auto pace = static_cast<unsigned>(pace_bits / 8);
      if (pace != 0) setsockopt(sockets_.back().get(), SOL_SOCKET, SO_MAX_PACING_RATE, &pace, sizeof pace);
    }
    for (auto& socket : sockets_)
      threads_.emplace_back([&socket] { sendFor(socket.get(), kWarm + kTime + milliseconds(500)); });
  }
  ~Streams() {
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::vector<base::UniqueFd> sockets_;
  std::vector<std::thread> threads_;
};

struct Load {
  int streams = 4;
  std::string congestion = "cubic";
  uint64_t urgent_bits = 0;
};

Outcome requestsBeside(PeersWorld& world, const Load& load) {
  Sink sink(world.node.peer, Transport::Tcp), urgent_sink(world.node.peer, Transport::Tcp);
  Echo echo(world.node.peer);
  Streams bulk(world.low, world.bulk, sink, load.streams, load.congestion);
  Streams urgent(world.node.pod, world.high, urgent_sink, load.urgent_bits != 0 ? 1 : 0, "cubic",
                 load.urgent_bits);
  world.high.cgroup.enter();
  base::UniqueFd request = connectTo(world.node.pod, echo);
  std::this_thread::sleep_for(kWarm);
  const Goodput others(sink), own(urgent_sink);
  Outcome out;
  addTimes(out, exchange(request.get(), kTime));
  out.megabits = others.megabits();
  out.urgent_megabits = own.megabits();
  shutdown(request.get(), SHUT_RDWR);
  return out;
}

Outcome ownRequests(PeersWorld& world) {
  Sink sink(world.node.peer, Transport::Tcp);
  Echo echo(world.node.peer);
  Streams bulk(world.low, world.bulk, sink, 1, "cubic");
  base::UniqueFd request = connectTo(world.low, echo);
  std::this_thread::sleep_for(kWarm);
  const Goodput others(sink);
  Outcome out;
  addTimes(out, exchange(request.get(), kTime));
  out.megabits = others.megabits();
  shutdown(request.get(), SHUT_RDWR);
  return out;
}

// Packets that the uplink sent.
uint64_t packetsOut() {
  std::ifstream in("/proc/thread-self/net/dev");
  for (std::string line; std::getline(in, line);) {
    const size_t at = line.find("up0:");
    if (at == std::string::npos) continue;
    uint64_t value = 0;
    std::string fields = line.substr(at + 4);
    char* next = fields.data();
    for (int i = 0; i <= 9; ++i) value = std::strtoull(next, &next, 10);
    return value;
  }
  return 0;
}

Outcome smallPackets(PeersWorld& world) {
  Sink sink(world.node.peer, Transport::Udp);
  world.bulk.cgroup.enter();
  base::UniqueFd socket = connectTo(world.low, sink, Transport::Udp);
  sendFor(socket.get(), milliseconds(300), kSmall);
  const uint64_t before = packetsOut();
  const auto start = steady_clock::now();
  sendFor(socket.get(), milliseconds(2000), kSmall);
  const double seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
  return {.megabits = static_cast<double>(packetsOut() - before) / seconds / 1e6};
}

// ---- tables --------------------------------------------------------------------------------------------

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string spread(std::vector<double> values, int digits) {
  std::sort(values.begin(), values.end());
  char text[96];
  std::snprintf(text, sizeof text, "%.*f [%.*f..%.*f]", digits, values[values.size() / 2], digits,
                values.front(), digits, values.back());
  return text;
}

struct Row {
  std::string name;
  std::function<Outcome()> run;
};

// One round of all rows after the other, so that what the machine does meets all of them.
std::vector<std::vector<Outcome>> interleave(const std::vector<Row>& rows, int rounds) {
  std::vector<std::vector<Outcome>> out(rows.size());
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < rows.size(); ++i) out[i].push_back(rows[i].run());
  return out;
}

std::vector<double> each(const std::vector<Outcome>& rounds, const std::function<double(size_t)>& value) {
  std::vector<double> out;
  for (size_t i = 0; i < rounds.size(); ++i) out.push_back(value(i));
  return out;
}

double safe(double above, double below) { return below > 0 ? above / below : 0; }

// The row `base` is what the others are compared with.
void printRequests(const std::string& title, const std::vector<Row>& rows,
                   const std::vector<std::vector<Outcome>>& all, size_t base) {
  std::printf("\n%s, %zu rounds\n%-18s %10s %10s %10s %10s  %-22s %-22s\n", title.c_str(), all[0].size(), "",
              "p50 us", "p99 us", "others M", "urgent M", "base's p99 over it", "others over base's");
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto& of = all[row];
    auto field = [&](double Outcome::*which) {
      return median(each(of, [&](size_t i) { return of[i].*which; }));
    };
    std::printf("%-18s %10.0f %10.0f %10.1f %10.1f", rows[row].name.c_str(), field(&Outcome::p50),
                field(&Outcome::p99), field(&Outcome::megabits), field(&Outcome::urgent_megabits));
    if (row > base) {
      std::printf(
          "  %-22s %-22s",
          spread(each(of, [&](size_t i) { return safe(all[base][i].p99, of[i].p99); }), 1).c_str(),
          spread(each(of, [&](size_t i) { return safe(of[i].megabits, all[base][i].megabits); }), 3).c_str());
    }
    std::printf("\n");
  }
  std::fflush(stdout);
}

Row onLine(PeersWorld& world, Peer peer, const Load& load) {
  return {nameOf(peer), [&world, peer, load] {
            world.line(peer);
            return requestsBeside(world, load);
          }};
}

void latency(PeersWorld& world, int rounds, const std::string& congestion) {
  std::vector<Row> rows = {onLine(world, Peer::Fifo, {0, congestion, 0})};
  rows.front().name = "idle";
  for (Peer peer : {Peer::Fifo, Peer::Tbf, Peer::Htb, Peer::Priority, Peer::Virtual})
    rows.push_back(onLine(world, peer, {4, congestion, 0}));
  printRequests("urgent requests beside four streams, " + congestion, rows, interleave(rows, rounds), 1);
}

void share(PeersWorld& world, int rounds) {
  std::vector<Row> rows;
  for (Peer peer : {Peer::Fifo, Peer::Tbf, Peer::Htb, Peer::Priority, Peer::Virtual})
    rows.push_back(onLine(world, peer, {4, "cubic", kUrgentBits}));
  printRequests("the same, and 200 Mbit/s of the urgent pod's", rows, interleave(rows, rounds), 0);
}

void own(PeersWorld& world, int rounds) {
  auto after = [&world](auto set_up) {
    return [&world, set_up] {
      set_up();
      return ownRequests(world);
    };
  };
  const std::vector<Row> rows = {{"tbf per pod", after([&world] { world.limitByTbf(kOwnBits); })},
                                 {"ours", after([&world] { world.limitByUs(kOwnBits); })}};
  printRequests("a pod's requests beside its own stream at its limit of 100 Mbit/s", rows,
                interleave(rows, rounds), 0);
}

void udp(PeersWorld& world, int rounds) {
  auto after = [&world](auto set_up) {
    return [&world, set_up] {
      set_up();
      return smallPackets(world);
    };
  };
  const std::vector<Row> rows = {
      {"nothing", after([&world] { world.root(""); })},
      {"ours", after([&world] { world.fullPath(); })},
      {"htb 100 Gbit/s", after([&world] {
         world.root(
             "tc qdisc add dev up0 root handle 1: htb default 10 && tc class add dev up0 parent 1: classid "
             "1:10 htb rate 100gbit burst 1m cburst 1m");
       })},
      {"tbf 100 Gbit/s",
       after([&world] { world.root("tc qdisc add dev up0 root tbf rate 100gbit burst 20m latency 25ms"); })}};
  const auto all = interleave(rows, rounds);
  std::printf("\nUDP, 64-byte packets, one sender, %d rounds\n%-18s %12s  %s\n", rounds, "", "million/s",
              "of nothing's");
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto& of = all[row];
    std::printf(
        "%-18s %12.3f  %s\n", rows[row].name.c_str(),
        median(each(of, [&](size_t i) { return of[i].megabits; })),
        spread(each(of, [&](size_t i) { return safe(of[i].megabits, all[0][i].megabits); }), 3).c_str());
  }
  std::fflush(stdout);
}

int run(PeersWorld& world, const std::string& what, int rounds, const std::string& congestion) {
  const bool all = what == "all";
  if (what == "latency") latency(world, rounds, congestion);
  if (all) latency(world, rounds, "cubic");
  if (all) latency(world, rounds, "bbr");
  if (all || what == "share") share(world, rounds);
  if (all || what == "own") own(world, rounds);
  if (all || what == "udp") udp(world, rounds);
  world.clear();
  return 0;
}

}  // namespace
}  // namespace plimsoll::testing

int main(int argc, char** argv) {
  using namespace plimsoll::testing;
  const std::string what = argc > 1 ? argv[1] : "all";
  if (what != "all" && what != "latency" && what != "share" && what != "own" && what != "udp") {
    std::fprintf(stderr, "usage: netqos_peers_bench [latency|share|own|udp|all] [ROUNDS] [cubic|bbr]\n");
    return 2;
  }
  if (auto reason = missingForBpf(); !reason.empty()) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    return 77;
  }
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 5;
  const std::string congestion = argc > 3 ? argv[3] : "cubic";
  PeersWorld world;
  int code = 77;
  if (!world.ready()) return std::fprintf(stderr, "needs ip(8), veth and network namespaces\n"), code;
  onNode(world.node.host, [&](const std::string& bpffs) {
    world.use(bpffs);
    try {
      code = run(world, what, rounds, congestion);
    } catch (const std::runtime_error& refused) {
      std::fprintf(stderr, "%s\n", refused.what());
      world.clear();
    }
  });
  return code;
}
