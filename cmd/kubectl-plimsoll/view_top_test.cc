#include "cmd/kubectl-plimsoll/view_top.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

pb::ContainerStats statsOf(const std::string& pod) {
  pb::ContainerStats stats;
  stats.set_namespace_("shop");
  stats.set_pod(pod);
  stats.set_name("app");
  stats.set_id("4f1c0ffee");
  return stats;
}

pb::ContainerStats busy() {
  pb::ContainerStats stats = statsOf("web-0");
  stats.set_class_name("batch");
  stats.mutable_cpu()->set_periods(400);
  stats.mutable_cpu()->set_throttled_periods(100);
  stats.mutable_cpu_pressure()->set_some_avg10(12.34);
  stats.mutable_memory_pressure()->set_some_avg10(0);
  stats.mutable_memory_pressure()->set_full_avg10(0);
  stats.mutable_memory()->set_current_bytes(7 << 20);
  stats.mutable_memory()->set_peak_bytes(1536 << 20);
  stats.mutable_memory()->set_high_bytes(-1);
  stats.mutable_memory()->set_max_bytes(512 << 20);
  stats.mutable_memory()->set_high_events(3);
  stats.mutable_memory()->set_oom_events(2);
  stats.mutable_memory()->set_oom_kills(1);
  stats.mutable_pids()->set_current(12);
  return stats;
}

View view(bool all_namespaces = false, bool wide = false) {
  return {Palette(false), {}, wide, true, all_namespaces};
}

TEST(Throttled, IsOfTheTimeSinceTheLookBefore) {
  pb::ContainerStats stats = busy();
  EXPECT_EQ(throttledPercent(stats), 25.0);
  stats.mutable_cpu_before()->set_periods(300);
  stats.mutable_cpu_before()->set_throttled_periods(90);
  EXPECT_EQ(throttledPercent(stats), 10.0);
  stats.mutable_cpu_before()->set_periods(400);
  EXPECT_EQ(throttledPercent(stats), 0.0);
}

TEST(Throttled, IsNotKnownWithoutPeriods) {
  pb::ContainerStats stats = statsOf("web-0");
  EXPECT_EQ(throttledPercent(stats), std::nullopt);
  stats.mutable_cpu()->set_periods(0);
  stats.mutable_cpu()->set_throttled_periods(0);
  EXPECT_EQ(throttledPercent(stats), std::nullopt);
  // Counters that went back are those of another container.
  stats = busy();
  stats.mutable_cpu_before()->set_periods(9000);
  stats.mutable_cpu_before()->set_throttled_periods(10);
  EXPECT_EQ(throttledPercent(stats), 25.0);
}

TEST(Top, ShowsWhatIsKnownAndADashForTheRest) {
  const std::vector<pb::ContainerStats> stats = {busy(), statsOf("web-1")};
  EXPECT_EQ(topTable(stats, view()),
            "POD     CONTAINER   CLASS    THROTTLED   CPU-PSI   MEM-PSI   IO-PSI   MEMORY   PEAK    HIGH   "
            "MAX     HIGHS   OOMS   KILLS   PIDS\n"
            "web-0   app         batch    25.0%       12.3/-    0.0/0.0   -/-      7.0Mi    1.5Gi   max    "
            "512Mi   3       2      1       12\n"
            "web-1   app         <none>   -           -/-       -/-       -/-      -        -       -      "
            "-       -       -      -       -\n");
}

TEST(Top, SaysWhyNothingIsKnown) {
  std::vector<pb::ContainerStats> stats = {statsOf("web-1")};
  stats[0].set_problem("not\033allowed");
  EXPECT_THAT(topTable(stats, view(true, true)), HasSubstr("\n    not\\x1ballowed\n"));
}

TEST(Top, BytesHaveAtMostThreeDigits) {
  pb::ContainerStats stats = statsOf("w");
  const auto shown = [&](uint64_t bytes) {
    stats.mutable_memory()->set_current_bytes(bytes);
    const std::string table = topTable(std::span(&stats, 1), {Palette(false), {}, false, false, false});
    // POD CONTAINER CLASS THROTTLED three pressures MEMORY
    size_t at = 0;
    for (int i = 0; i < 7; ++i) at = table.find("   ", at) + 3;
    return table.substr(at, table.find(' ', at) - at);
  };
  EXPECT_EQ(shown(0), "0");
  EXPECT_EQ(shown(1023), "1023");
  EXPECT_EQ(shown(4096), "4.0Ki");
  EXPECT_EQ(shown((10 << 20) - 1), "10Mi");
  EXPECT_EQ(shown((1ULL << 30) - 1), "1.0Gi");
  EXPECT_EQ(shown(UINT64_MAX), "16Ei");
}

TEST(Top, SortsDescendingWithTheUnknownLast) {
  std::vector<pb::ContainerStats> stats = {statsOf("none"), statsOf("low"), statsOf("high")};
  stats[1].mutable_memory()->set_current_bytes(0);
  stats[2].mutable_memory()->set_current_bytes(5);
  const auto pods = [&] {
    std::vector<std::string> names;
    for (const auto& each : stats) names.push_back(each.pod());
    return names;
  };
  sortStats(stats, TopOrder::Name);
  EXPECT_THAT(pods(), ElementsAre("none", "low", "high"));
  sortStats(stats, TopOrder::Memory);
  EXPECT_THAT(pods(), ElementsAre("high", "low", "none"));
}

TEST(Top, DocumentsHaveNullForWhatIsNotKnown) {
  const std::vector<pb::ContainerStats> stats = {busy()};
  const JsonValue json = document(std::span(stats));
  EXPECT_EQ(json["kind"], "ContainerStatsList");
  const JsonValue& item = json["items"][0];
  EXPECT_EQ(item["metadata"]["pod"], "web-0");
  EXPECT_EQ(item["throttledPercent"], 25.0);
  EXPECT_TRUE(item["windowSeconds"].is_null());
  EXPECT_TRUE(item["cpu"]["usageUsec"].is_null());
  EXPECT_EQ(item["memory"]["highBytes"], "max");
  EXPECT_EQ(item["memory"]["maxBytes"], 512 << 20);
  EXPECT_TRUE(item["pids"]["max"].is_null());
}

}  // namespace
}  // namespace plimsoll::cli
