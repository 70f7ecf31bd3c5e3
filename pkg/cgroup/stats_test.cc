#include "pkg/cgroup/stats.h"

#include <gtest/gtest.h>

#include "pkg/cgroup/stats_cache.h"
#include "pkg/model/value.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using namespace std::chrono_literals;
using testing_support::FakeCgroup;
using testing_support::FakeHost;

constexpr char kPath[] = "/kubepods/pod1/abc";

TEST(CpuStat, TakesItsFourAndIgnoresTheRest) {
  model::ContainerStats stats;
  parseCpuStat(
      "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\nnice_usec 0\nnr_periods 80\n"
      "nr_throttled 20\nthrottled_usec 555\nnr_bursts 0\nburst_usec 0\n",
      stats);
  EXPECT_EQ(stats.cpu_usage_us, 1234567U);
  EXPECT_EQ(stats.cpu_periods, 80U);
  EXPECT_EQ(stats.cpu_throttled_periods, 20U);
  EXPECT_EQ(stats.cpu_throttled_us, 555U);
}

// Without the cpu controller the kernel shows the first three lines only.
TEST(CpuStat, WhatIsNotThereIsNotZero) {
  model::ContainerStats stats;
  parseCpuStat("usage_usec 7\nuser_usec 5\nsystem_usec 2\n", stats);
  EXPECT_EQ(stats.cpu_usage_us, 7U);
  EXPECT_EQ(stats.cpu_periods, std::nullopt);
  EXPECT_EQ(stats.cpu_throttled_us, std::nullopt);
}

TEST(CpuStat, GarbageIsUnknown) {
  for (const char* text : {"", "\n\n", "usage_usec", "usage_usec -1", "usage_usec 1 2", "usage_usec 0x1",
                           "usage_usec 99999999999999999999", "usage_usec1"}) {
    model::ContainerStats stats;
    parseCpuStat(text, stats);
    EXPECT_EQ(stats, model::ContainerStats{}) << text;
  }
}

TEST(Pressure, ReadsSomeAndFull) {
  const model::Pressure pressure = parsePressure(
      "some avg10=1.53 avg60=0.87 avg300=0.24 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
  EXPECT_EQ(pressure.some_us, 1234U);
  EXPECT_EQ(pressure.full_us, 99U);
  EXPECT_DOUBLE_EQ(pressure.some_avg10.value(), 1.53);
  EXPECT_DOUBLE_EQ(pressure.full_avg10.value(), 0.0);
}

TEST(Pressure, OlderKernelsHaveNoFullForCpu) {
  const model::Pressure pressure = parsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
  EXPECT_EQ(pressure.some_us, 5U);
  EXPECT_EQ(pressure.full_us, std::nullopt);
}

TEST(Pressure, GarbageIsUnknown) {
  for (const char* text : {"", "some", "some avg10= total=", "some avg10=nan total=-1",
                           "some avg10=101 total=x", "none avg10=1.00 total=5", "avg10=1.00 total=5"}) {
    EXPECT_EQ(parsePressure(text), model::Pressure{}) << text;
  }
}

TEST(MemoryEvents, ReadsThoseOfTheKernel) {
  const auto events =
      parseMemoryEvents("low 0\nhigh 3\nmax 2\noom 1\noom_kill 1\noom_group_kill 0\nsock_throttled 0\n");
  EXPECT_EQ(events.high, 3U);
  EXPECT_EQ(events.oom_kill, 1U);
  EXPECT_EQ(events.oom_group_kill, 0U);
  EXPECT_EQ(parseMemoryEvents("low 0\nhigh").high, std::nullopt);
}

class StatsTest : public testing::Test {
 protected:
  StatsTest() : cgroup_(host_.container(kPath)) {
    cgroup_.file("cpu.stat", "usage_usec 10\nnr_periods 4\nnr_throttled 1\nthrottled_usec 8\n")
        .file("memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=11\n")
        .file("memory.current", "4096\n")
        .file("memory.high", "max\n")
        .file("memory.max", "8192\n")
        .file("pids.current", "3\n");
  }
  ContainerCgroup open() {
    return ContainerCgroup::open(Hierarchy::open(host_.roots()).value(), kPath).value();
  }
  FakeHost host_;
  FakeCgroup cgroup_;
};

TEST_F(StatsTest, ReadsWhatIsThere) {
  const auto stats = readStats(open());
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->cpu_throttled_us, 8U);
  EXPECT_EQ(stats->memory_pressure.some_us, 11U);
  EXPECT_EQ(stats->memory_current, 4096U);
  EXPECT_EQ(stats->memory_high, model::kMax);
  EXPECT_EQ(stats->memory_max, 8192);
  EXPECT_EQ(stats->pids_current, 3U);
}

TEST_F(StatsTest, AFileThatIsMissingOrGarbageIsAbsent) {
  cgroup_.removeFile("memory.peak").file("memory.current", "lots\n").file("memory.max", "-1\n");
  const auto stats = readStats(open());
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->memory_peak, std::nullopt);
  EXPECT_EQ(stats->memory_current, std::nullopt);
  EXPECT_EQ(stats->memory_max, std::nullopt);
  EXPECT_EQ(stats->pids_current, 3U);
}

TEST_F(StatsTest, ACgroupThatWentAwayIsGone) {
  const ContainerCgroup held = open();
  cgroup_.remove();
  const auto stats = readStats(held);
  ASSERT_FALSE(stats);
  EXPECT_TRUE(stats.error().isGone());
}

class StatsCacheTest : public StatsTest {
 protected:
  StatsCacheTest() : cache_(Hierarchy::open(host_.roots()).value(), 5s, [this] { return now_; }) {}
  StatsCache::Clock::time_point now_ = StatsCache::Clock::now();
  StatsCache cache_;
};

TEST_F(StatsCacheTest, ReadsAgainOnlyAfterAWhileAndKeepsTheLookBefore) {
  const auto first = cache_.get("abc", kPath);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->before, std::nullopt);
  cgroup_.file("memory.current", "5000\n");
  now_ += 4s;
  EXPECT_EQ(cache_.get("abc", kPath)->now.memory_current, 4096U);
  now_ += 1s;
  const auto second = cache_.get("abc", kPath);
  EXPECT_EQ(second->now.memory_current, 5000U);
  ASSERT_TRUE(second->before);
  EXPECT_EQ(second->before->memory_current, 4096U);
  EXPECT_EQ(second->taken - second->taken_before, 5s);
}

TEST_F(StatsCacheTest, ANamesakeMadeLaterStartsAnew) {
  ASSERT_TRUE(cache_.get("abc", kPath));
  // The directory before is kept as another, so that its inode is not used again.
  host_.cgroup("/kept");
  ASSERT_EQ(rename(cgroup_.directory().c_str(), (host_.roots().cgroup + "/kept/old").c_str()), 0);
  host_.container(kPath).file("memory.current", "1\n");
  now_ += 10s;
  const auto sample = cache_.get("abc", kPath);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->now.memory_current, 1U);
  EXPECT_EQ(sample->before, std::nullopt);
}

TEST_F(StatsCacheTest, ForgetsWhatIsGoneOrNotAskedFor) {
  ASSERT_TRUE(cache_.get("abc", kPath));
  now_ += 10s;
  cgroup_.remove();
  EXPECT_TRUE(cache_.get("abc", kPath).error().isGone());
  EXPECT_EQ(cache_.size(), 0U);
  host_.container(kPath);
  host_.container("/kubepods/pod1/other");
  ASSERT_TRUE(cache_.get("abc", kPath));
  now_ += 6min;
  ASSERT_TRUE(cache_.get("other", "/kubepods/pod1/other"));
  EXPECT_EQ(cache_.size(), 1U);
}

TEST_F(StatsCacheTest, APathThatLeavesTheTreeIsRefused) {
  EXPECT_FALSE(cache_.get("x", "/kubepods/../../etc"));
  EXPECT_FALSE(cache_.get("x", "/"));
  EXPECT_EQ(cache_.size(), 0U);
}

}  // namespace
}  // namespace plimsoll::cgroup
