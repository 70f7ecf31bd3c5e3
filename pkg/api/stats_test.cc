#include "pkg/api/stats.h"

#include <gtest/gtest.h>

#include <map>

#include "pkg/api/fake_source.h"
#include "pkg/model/value.h"

namespace plimsoll::api {
namespace {

using namespace std::chrono_literals;

// A source whose counters are set by hand.
class StatsSource final : public Source {
 public:
  NodeInfo node() const override { return {}; }
  std::vector<ReportPtr> containers() const override { return reports_; }
  EventRing& events() override { return ring_; }
  base::Result<model::StatsSample> stats(const model::ContainerReport& report) override {
    return samples_.at(report.container.id);
  }

  void add(const std::string& pod, const std::string& id, base::Result<model::StatsSample> sample,
           model::ContainerState state = model::ContainerState::Running) {
    auto report = containerReport("shop", pod, "app", id);
    report.plan.class_name = "batch";
    report.plan.settings = {plannedSetting("memory.high", "512Mi", model::State::Applied)};
    report.container.state = state;
    reports_.push_back(std::make_shared<const model::ContainerReport>(std::move(report)));
    samples_.emplace(id, std::move(sample));
  }
  std::vector<ReportPtr> reports_;
  std::map<std::string, base::Result<model::StatsSample>> samples_;
  EventRing ring_;
};

model::StatsSample sampleOf(uint64_t throttled) {
  model::StatsSample sample;
  sample.now.cpu_throttled_periods = throttled;
  sample.now.memory_high = model::kMax;
  sample.now.memory_max = 4096;
  sample.now.io_pressure.some_avg10 = 2.5;
  sample.now.pids_max = model::kMax;
  return sample;
}

TEST(GetStats, UnknownStaysAbsentAndNoLimitIsMinusOne) {
  StatsSource source;
  source.add("web-0", "id-0", sampleOf(3));
  const auto response = getStats(source, {}, {});
  ASSERT_TRUE(response) << response.error().message;
  ASSERT_EQ(response->containers_size(), 1);
  const pb::ContainerStats& stats = response->containers(0);
  EXPECT_EQ(stats.pod(), "web-0");
  EXPECT_EQ(stats.class_name(), "batch");
  EXPECT_EQ(stats.cpu().throttled_periods(), 3U);
  EXPECT_FALSE(stats.cpu().has_periods());
  EXPECT_FALSE(stats.has_cpu_before());
  EXPECT_FALSE(stats.has_window());
  EXPECT_EQ(stats.memory().high_bytes(), -1);
  EXPECT_EQ(stats.memory().max_bytes(), 4096);
  EXPECT_FALSE(stats.memory().has_oom_kills());
  EXPECT_EQ(stats.io_pressure().some_avg10(), 2.5);
  EXPECT_FALSE(stats.io_pressure().has_full_avg10());
  EXPECT_EQ(stats.pids().max(), -1);
}

TEST(GetStats, TrafficComesWithTheLimitsInForce) {
  StatsSource source;
  auto sample = sampleOf(0);
  model::TrafficStats& traffic = sample.now.traffic.emplace();
  traffic.traffic_class = "high";
  traffic.mode = "link tcx";
  traffic.egress = {.bytes = 7, .packets = 2, .marks = 1, .drop_bytes = 3, .drop_packets = 4};
  traffic.attached.push_back({"ingress of veth\xff", "plm_pod_out", "tcx", ""});
  source.add("web-0", "id-0", sample);
  source.add("web-1", "id-1", sampleOf(0));
  auto report = *source.reports_.front();
  report.plan.settings = {plannedSetting("net.egress.rate", "10M", model::State::Applied),
                          plannedSetting("net.ingress.rate", "20M", model::State::Failed),
                          plannedSetting("net.pod.egress.rate", "max", model::State::Applied)};
  source.reports_.front() = std::make_shared<const model::ContainerReport>(std::move(report));
  const auto response = getStats(source, {}, {});
  ASSERT_TRUE(response) << response.error().message;
  const pb::TrafficStats& seen = response->containers(0).traffic();
  EXPECT_EQ(seen.traffic_class(), "high");
  EXPECT_EQ(seen.egress().bytes(), 7U);
  EXPECT_EQ(seen.egress().drop_packets(), 4U);
  EXPECT_EQ(seen.egress_rate(), "10M");
  EXPECT_EQ(seen.ingress_rate(), "") << "not in force";
  EXPECT_EQ(seen.pod_egress_rate(), "") << "no limit";
  EXPECT_EQ(seen.attached_size(), 1);
  EXPECT_FALSE(response->containers(1).has_traffic());
}

TEST(GetStats, TheLookBeforeComesWithItsAge) {
  StatsSource source;
  auto sample = sampleOf(9);
  sample.before = sampleOf(4).now;
  sample.taken = sample.taken_before + 5500ms;
  source.add("web-0", "id-0", sample);
  const auto response = getStats(source, {}, {});
  EXPECT_EQ(response->containers(0).cpu_before().throttled_periods(), 4U);
  EXPECT_EQ(response->containers(0).window().seconds(), 5);
  EXPECT_EQ(response->containers(0).window().nanos(), 500'000'000);
}

TEST(GetStats, OnlyContainersThatRunAndHaveSettings) {
  StatsSource source;
  source.add("a", "id-a", base::error(base::ErrorCode::NotFound, "cgroup was removed"));
  source.add("b", "id-b", base::error(base::ErrorCode::PermissionDenied, "not allowed"));
  source.add("c", "id-c", sampleOf(1), model::ContainerState::Stopped);
  source.reports_.push_back(
      std::make_shared<const model::ContainerReport>(containerReport("shop", "d", "app", "id-d")));
  const auto response = getStats(source, {}, {});
  ASSERT_EQ(response->containers_size(), 1);
  EXPECT_EQ(response->containers(0).pod(), "b");
  EXPECT_EQ(response->containers(0).problem(), "not allowed");
}

TEST(GetStats, ComesInPages) {
  StatsSource source;
  for (int i = 0; i < 5; ++i) source.add("web-" + std::to_string(i), "id-" + std::to_string(i), sampleOf(1));
  pb::GetStatsRequest request;
  request.set_page_size(2);
  int seen = 0, pages = 0;
  do {
    const auto response = getStats(source, request, {});
    ASSERT_TRUE(response);
    seen += response->containers_size();
    request.set_page_token(response->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, 5);
  EXPECT_EQ(pages, 3);
  request.set_page_token("nonsense");
  EXPECT_FALSE(getStats(source, request, {}));
}

TEST(GetStats, ASourceWithoutCountersSaysSo) {
  FakeSource source;
  auto report = containerReport("shop", "web-0", "app", "id-0");
  report.plan.settings = {plannedSetting("memory.high", "512Mi", model::State::Applied)};
  source.add(std::move(report));
  EXPECT_NE(getStats(source, {}, {})->containers(0).problem(), "");
}

}  // namespace
}  // namespace plimsoll::api
