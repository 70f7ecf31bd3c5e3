#include "pkg/nri/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace plimsoll::nri {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheLimitWithJitterAndStartsAnew) {
  Backoff backoff(100ms, 1000ms, 1);
  for (auto whole : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    auto pause = backoff.next();
    EXPECT_GE(pause, whole / 2);
    EXPECT_LE(pause, whole);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 100ms);
}

TEST(Backoff, PluginsDoNotComeBackAtTheSameMoment) {
  std::set<Backoff::Duration> pauses;
  for (uint32_t seed = 1; seed <= 50; ++seed) pauses.insert(Backoff(10s, 10s, seed * 7919).next());
  EXPECT_GT(pauses.size(), 30u);
}

}  // namespace
}  // namespace plimsoll::nri
