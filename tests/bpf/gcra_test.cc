// The rate algorithm and the pacing controller against models, in simulated time.
#include "bpf/lib/gcra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "bpf/lib/pace.h"
#include "pkg/bpfobj/traffic.h"

namespace plimsoll::testing {
namespace {

struct Limiter {
  __u64 tat = 0, cost = 0, tolerance = 0;
  bool admit(__u64 now, __u32 wire) {
    __u64 seen = gcraLoad(&tat);
    if (gcraBacklog(seen, now) > tolerance) return false;
    gcraAdvance(&tat, seen, now, gcraCost(cost, wire));
    return true;
  }
};

// What it should do, in exact arithmetic: a queue of bytes that drains at the rate.
struct Model {
  long double backlog = 0, rate = 0, room = 0;
  __u64 last = 0;
  long double at(__u64 now) const { return std::max(0.0L, backlog - rate * (now - last) / 1e9L); }
  bool wouldAdmit(__u64 now) const { return at(now) <= room; }
  void add(__u64 now, __u32 wire) {
    backlog = at(now) + wire;
    last = now;
  }
};

class Gcra : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Gcra, DecidesAsAQueueOfBytesDoes) {
  uint64_t rate = GetParam();
  std::mt19937_64 random(rate);
  __u64 now = 1'000'000'000'000, near = 0, decided = 0;
  Limiter limiter{0, bpfobj::costOf(rate), 20'000'000};
  Model model{0, static_cast<long double>(rate), rate * 0.02L, now};
  for (int i = 0; i < 200'000; ++i) {
    __u32 wire = 60 + random() % (i % 7 == 0 ? 65000 : 1454);
    // On average a tenth more than the rate, with pauses.
    now += static_cast<__u64>(wire * 1e9 / rate * 1.8 * (random() % 1000) / 1000.0) +
           (i % 5000 == 0 ? 50'000'000 : 0);
    bool border = std::abs(model.at(now) - model.room) < model.room * 1e-3L + 1;  // either answer is right
    bool expected = model.wouldAdmit(now), admitted = limiter.admit(now, wire);
    if (border) {
      ++near;
    } else {
      ++decided;
      ASSERT_EQ(admitted, expected) << "packet " << i << ", backlog " << static_cast<double>(model.at(now));
    }
    if (admitted) model.add(now, wire);
  }
  EXPECT_GT(decided, 190'000u) << near;
}

TEST_P(Gcra, MeetsTheRate) {
  uint64_t rate = GetParam();
  std::mt19937_64 random(rate + 1);
  bpfobj::Limit limit = bpfobj::limitFor(rate, 0);
  Limiter limiter{0, bpfobj::costOf(rate), static_cast<__u64>(limit.drop.count())};
  const __u64 start = 5'000'000'000;
  __u64 now = start, bytes = 0;
  for (int i = 0; i < 1'000'000 && now < start + 5'000'000'000; ++i) {
    __u32 wire = 64 + random() % 1450;
    now += static_cast<__u64>(wire * 1e9 / rate / 2) + 1;  // twice what is allowed
    if (limiter.admit(now, wire)) bytes += wire;
  }
  double seconds = (now - start) / 1e9, tolerance = std::chrono::duration<double>(limit.drop).count();
  EXPECT_NEAR(bytes / (rate * (seconds + tolerance)), 1.0, 0.005);
  EXPECT_LT(tolerance, 5 * 0.03) << "so that five seconds meet it within 3 %";
}

INSTANTIATE_TEST_SUITE_P(Rates, Gcra,
                         ::testing::Values(125'000, 1'250'000, 12'500'000, 125'000'000, 625'000'000,
                                           12'500'000'000),
                         [](const auto& p) { return "Mbit" + std::to_string(p.param / 125'000); });

TEST(GcraRange, NeitherVerySlowNorVeryFastOverflows) {
  for (uint64_t rate : {1'000ull, 50'000'000'000ull}) {
    __u64 ns = gcraCost(bpfobj::costOf(rate), 1 << 19);
    EXPECT_NEAR(ns / ((1 << 19) * 1e9 / rate), 1.0, 0.01) << rate;
  }
}

// Flows under one limit, each sending what it is told to, some less; what the controller makes of it.
struct Flows {
  explicit Flows(uint64_t bytes_per_second)
      : cap(bytes_per_second), limit(bpfobj::limitFor(bytes_per_second, 0)) {}

  // `wishes`: what each flow would send, as a part of the cap. Returns the used part of the cap over the last
  // second.
  double run(const std::vector<double>& wishes, double overhead) {
    double used = 0;
    PaceState state = {&fair, &epoch, &idle, &backlog, cap};
    for (int ms = 0; ms < 5000; ++ms) {
      now += 1'000'000;
      __u64 seen = tat, waiting = gcraBacklog(seen, now);
      paceStep(&state, now, waiting, limit.mark.count());
      double rate = 0;
      for (double wish : wishes) rate += std::min(wish * cap, (fair ? fair : cap) * overhead);
      if (waiting > static_cast<__u64>(limit.drop.count())) {
        ++drops;
        continue;
      }
      idle += gcraAdvance(&tat, seen, now, gcraCost(bpfobj::costOf(cap), static_cast<__u32>(rate / 1000)));
      if (ms >= 4000) used += rate / 1000;
    }
    return used / cap;
  }

  __u64 cap;
  bpfobj::Limit limit;
  __u64 now = 1'000'000'000, tat = 0, fair = 0, epoch = 0, idle = 0, backlog = 0;
  int drops = 0;
};

TEST(Pace, FillsTheLimitWhateverTheNumberOfFlows) {
  for (int flows : {1, 2, 5, 30, 200}) {
    for (double overhead : {0.9, 1.0, 1.05}) {
      Flows world(12'500'000);
      EXPECT_NEAR(world.run(std::vector<double>(flows, 100.0), overhead), 1.0, 0.02)
          << flows << " flows, " << overhead;
      int before = world.drops;
      world.run(std::vector<double>(flows, 100.0), overhead);
      EXPECT_EQ(world.drops, before) << "no drops once it has learnt; " << flows << " flows";
    }
  }
}

TEST(Pace, IdleAndModestFlowsCostTheOthersNothing) {
  Flows world(12'500'000);
  std::vector<double> wishes(20, 0.0);  // idle
  wishes[0] = wishes[1] = 100;
  wishes[2] = 0.1;
  EXPECT_NEAR(world.run(wishes, 1.0), 1.0, 0.02);
  EXPECT_NEAR(static_cast<double>(world.fair) / world.cap, 0.45, 0.03);
}

TEST(Pace, RecoversWhenFlowsEnd) {
  Flows world(12'500'000);
  world.run(std::vector<double>(50, 100.0), 1.0);
  EXPECT_NEAR(world.run({100.0}, 1.0), 1.0, 0.02);
  EXPECT_GT(world.fair, world.cap * 0.95);
}

}  // namespace
}  // namespace plimsoll::testing
