// What each family shows after what it counts has happened.
#include "pkg/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <thread>

#include "pkg/base/log.h"
#include "pkg/metrics/process.h"
#include "pkg/metrics/scrape.h"
#include "pkg/metrics/text_lint.h"

namespace plimsoll::metrics {
namespace {

using namespace std::chrono_literals;
using model::State;
using testing::IsEmpty;
using LabelMap = std::map<std::string, std::string>;

const model::SettingSpec& spec(std::string_view key) { return *model::findSetting(key)->spec; }

model::PlannedSetting planned(const std::string& key, State state) {
  model::PlannedSetting setting;
  setting.request.setting = model::findSetting(key).value();
  setting.state = state;
  return setting;
}

std::shared_ptr<model::ContainerReport> report(const std::string& pod, const std::string& id = "id") {
  auto report = std::make_shared<model::ContainerReport>();
  report->pod.ns = "shop";
  report->pod.name = pod;
  report->container.name = "app";
  report->container.id = id;
  report->container.state = model::ContainerState::Running;
  report->cgroup_path = "/kubepods/" + id;
  return report;
}

class MetricsTest : public testing::Test {
 protected:
  ParsedText scrape() {
    Sources sources;
    sources.reports = [this] { return reports_; };
    sources.node = [this] { return node_; };
    sources.stats = [this](const model::ContainerReport& of) -> std::optional<model::ContainerStats> {
      auto it = stats_.find(of.container.id);
      if (it == stats_.end()) return std::nullopt;
      return it->second;
    };
    Scrape scrape(metrics_, std::move(sources));
    scrape.setPerContainer(per_container_);
    text_ = scrape.write();
    ParsedText parsed = lintText(text_);
    EXPECT_THAT(parsed.problems, IsEmpty());
    return parsed;
  }

  Metrics metrics_;
  NodeNumbers node_;
  std::vector<ReportPtr> reports_;
  std::map<std::string, model::ContainerStats> stats_;
  int per_container_ = 0;
  std::string text_;
};

TEST_F(MetricsTest, AnIdleAgentShowsOnlyWhatItKnows) {
  node_.version = "1.2.3";
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_build_info", {{"version", "1.2.3"}}), 1);
  EXPECT_EQ(text.value("plimsoll_nri_registered"), 0);
  EXPECT_EQ(text.value("plimsoll_healthy", {{"probe", "ready"}}), 0);
  EXPECT_FALSE(text.families.contains("plimsoll_settings"));
  EXPECT_FALSE(text.families.contains("plimsoll_apply_total"));
  EXPECT_EQ(text_.find("nan"), std::string::npos);
}

TEST_F(MetricsTest, ApplyingCountsResultsErrorsAndTime) {
  metrics_.applied(spec("cpu.max"), State::Applied, 30us);
  metrics_.applied(spec("cpu.max"), State::Failed, 3ms, EBUSY);
  metrics_.applied(spec("cpu.max"), State::Failed, 3ms, EDOM);
  metrics_.applied(spec("memory.high"), State::Adjusted, 10s);
  const ParsedText text = scrape();
  const auto total = [&](const char* key, const char* result) {
    return text.value("plimsoll_apply_total", {{"setting", key}, {"result", result}});
  };
  EXPECT_EQ(total("cpu.max", "applied"), 1);
  EXPECT_EQ(total("cpu.max", "failed"), 2);
  EXPECT_EQ(total("memory.high", "adjusted"), 1);
  // Known to be possible: its first increase is seen.
  EXPECT_EQ(total("memory.high", "failed"), 0);
  EXPECT_FALSE(text.has("plimsoll_apply_total", {{"setting", "pids.max"}, {"result", "applied"}}));
  const auto errors = [&](const char* reason) {
    return text.value("plimsoll_apply_errors_total", {{"setting", "cpu.max"}, {"reason", reason}});
  };
  EXPECT_EQ(errors("EBUSY"), 1);
  EXPECT_EQ(errors("other"), 1);
  EXPECT_EQ(text.value("plimsoll_apply_duration_seconds_count"), 4);
  EXPECT_EQ(text.value("plimsoll_apply_duration_seconds_bucket", {{"le", "5e-05"}}), 1);
  EXPECT_EQ(text.value("plimsoll_apply_duration_seconds_bucket", {{"le", "0.005"}}), 3);
  EXPECT_EQ(text.value("plimsoll_apply_duration_seconds_bucket", {{"le", "+Inf"}}), 4);
  EXPECT_NEAR(text.value("plimsoll_apply_duration_seconds_sum"), 10.00603, 1e-9);
}

TEST_F(MetricsTest, InstancesOfASettingAreOneRow) {
  metrics_.refused(spec("hugetlb.2MB.max"));
  metrics_.refused(spec("hugetlb.1GB.max"));
  EXPECT_EQ(scrape().value("plimsoll_refusals_total", {{"setting", "hugetlb.<size>.max"}}), 2);
}

TEST_F(MetricsTest, ARowOfAnotherTableHurtsNobody) {
  const model::SettingSpec foreign{};
  metrics_.applied(foreign, State::Failed, 1us, EIO);
  EXPECT_FALSE(scrape().families.contains("plimsoll_apply_total"));
}

TEST_F(MetricsTest, APlanCountsItsRefusalsAndMistakes) {
  model::Plan plan;
  plan.settings = {planned("cpu.weight", State::Refused), planned("cpu.max", State::Invalid),
                   planned("pids.max", State::Pending)};
  plan.problems.resize(2);
  metrics_.planMade(plan);
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_refusals_total", {{"setting", "cpu.weight"}}), 1);
  EXPECT_EQ(text.value("plimsoll_annotation_invalid_total"), 3);
}

TEST_F(MetricsTest, DriftIsCountedByOwner) {
  metrics_.driftDetected(spec("cpu.weight"), DriftOwner::Systemd);
  metrics_.driftDetected(spec("cpu.weight"), DriftOwner::Systemd);
  metrics_.driftReverted(spec("cpu.weight"));
  metrics_.driftFight(spec("cpu.max"));
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_drift_detected_total", {{"setting", "cpu.weight"}, {"owner", "systemd"}}),
            2);
  EXPECT_EQ(text.value("plimsoll_drift_reverted_total", {{"setting", "cpu.weight"}}), 1);
  EXPECT_EQ(text.value("plimsoll_drift_fights_total", {{"setting", "cpu.max"}}), 1);
}

TEST_F(MetricsTest, TheRuntimesRequestsAreTimedUpToItsTimeOut) {
  metrics_.nriRequest(NriRequest::CreateContainer, 200us);
  metrics_.nriRequest(NriRequest::CreateContainer, 1999ms);
  metrics_.nriRequest(NriRequest::CreateContainer, 2001ms);
  metrics_.nri_connects.add();
  metrics_.nri_registered.set(1);
  metrics_.nriDisconnected(Disconnect::LateSynchronize);
  metrics_.nri_timeouts.set(4);
  metrics_.nri_missed.set(5);
  const ParsedText text = scrape();
  const auto bucket = [&](const char* le) {
    return text.value("plimsoll_nri_request_duration_seconds_bucket",
                      {{"event", "CreateContainer"}, {"le", le}});
  };
  EXPECT_EQ(bucket("0.00025"), 1);
  EXPECT_EQ(bucket("2"), 2);
  EXPECT_EQ(bucket("+Inf"), 3);
  EXPECT_FALSE(text.has("plimsoll_nri_request_duration_seconds_count", {{"event", "StopContainer"}}));
  EXPECT_EQ(text.value("plimsoll_nri_connects_total"), 1);
  EXPECT_EQ(text.value("plimsoll_nri_registered"), 1);
  EXPECT_EQ(text.value("plimsoll_nri_disconnects_total", {{"reason", "late_synchronize"}}), 1);
  EXPECT_EQ(text.value("plimsoll_nri_disconnects_total", {{"reason", "runtime"}}), 0);
  EXPECT_EQ(text.value("plimsoll_nri_request_timeouts_total"), 4);
  EXPECT_EQ(text.value("plimsoll_nri_requests_missed_total"), 5);
}

TEST_F(MetricsTest, JournalAndConfiguration) {
  metrics_.setJournal({.records = 10,
                       .bytes = 2000,
                       .syncs = 3,
                       .compactions = 1,
                       .recovered_torn = 2,
                       .dropped = 4,
                       .open_changes = 7,
                       .healthy = false});
  metrics_.configReloaded(true);
  metrics_.configReloaded(false);
  metrics_.configReloaded(false);
  metrics_.config_generation.set(2);
  metrics_.reconciled(40us);
  metrics_.readBack(6us);
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_journal_records_total"), 10);
  EXPECT_EQ(text.value("plimsoll_journal_size_bytes"), 2000);
  EXPECT_EQ(text.value("plimsoll_journal_syncs_total"), 3);
  EXPECT_EQ(text.value("plimsoll_journal_compactions_total"), 1);
  EXPECT_EQ(text.value("plimsoll_journal_recovered_torn_total"), 2);
  EXPECT_EQ(text.value("plimsoll_journal_dropped_total"), 4);
  EXPECT_EQ(text.value("plimsoll_journal_open_changes"), 7);
  EXPECT_EQ(text.value("plimsoll_journal_healthy"), 0);
  EXPECT_EQ(text.value("plimsoll_config_reload_total", {{"result", "accepted"}}), 1);
  EXPECT_EQ(text.value("plimsoll_config_reload_total", {{"result", "rejected"}}), 2);
  EXPECT_EQ(text.value("plimsoll_config_generation"), 2);
  EXPECT_EQ(text.value("plimsoll_reconcile_duration_seconds_count"), 1);
  EXPECT_EQ(text.value("plimsoll_readback_duration_seconds_bucket", {{"le", "1e-05"}}), 1);
}

TEST_F(MetricsTest, TheNodesNumbers) {
  node_.kernel_features = {{"cpu.idle", true}, {"memory.zswap.max", false}};
  node_.kernel = "6.12";
  node_.events_dropped = 9;
  node_.live = node_.ready = true;
  node_.http = {.answered = 5, .refused = 6, .bad = 7};
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_kernel_feature", {{"setting", "cpu.idle"}}), 1);
  EXPECT_EQ(text.value("plimsoll_kernel_feature", {{"setting", "memory.zswap.max"}}), 0);
  EXPECT_EQ(text.value("plimsoll_events_dropped_total"), 9);
  EXPECT_EQ(text.value("plimsoll_healthy", {{"probe", "ready"}}), 1);
  EXPECT_EQ(text.value("plimsoll_http_requests_total", {{"result", "bad"}}), 7);
  EXPECT_TRUE(text.has("plimsoll_node_info",
                       {{"kernel", "6.12"}, {"runtime", ""}, {"runtime_version", ""}, {"nri_version", ""}}));
}

TEST_F(MetricsTest, ContainersAndSettingsAreThoseOfNow) {
  auto first = report("web-0"), second = report("web-1", "other");
  first->plan.class_name = "batch";
  first->plan.settings = {planned("cpu.weight", State::Applied), planned("memory.high", State::Drifted)};
  second->plan.settings = {planned("cpu.weight", State::Applied)};
  second->container.state = model::ContainerState::Created;
  reports_ = {first, second};
  ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_containers", {{"class", "batch"}, {"state", "running"}}), 1);
  EXPECT_EQ(text.value("plimsoll_containers", {{"class", "none"}, {"state", "created"}}), 1);
  EXPECT_EQ(text.value("plimsoll_settings", {{"setting", "cpu.weight"}, {"state", "applied"}}), 2);
  EXPECT_EQ(text.value("plimsoll_settings", {{"setting", "memory.high"}, {"state", "drifted"}}), 1);
  reports_ = {second};
  text = scrape();
  EXPECT_FALSE(text.has("plimsoll_settings", {{"setting", "memory.high"}, {"state", "drifted"}}));
}

TEST_F(MetricsTest, ClassesBeyondTheFiftiethAreOther) {
  for (int i = 0; i < 60; ++i) {
    auto container = report("web-" + std::to_string(i), std::to_string(i));
    container->plan.class_name = "class-" + std::to_string(i);
    reports_.push_back(container);
  }
  const ParsedText text = scrape();
  EXPECT_EQ(text.families.at("plimsoll_containers").samples.size(), 51U);
  EXPECT_EQ(text.value("plimsoll_containers", {{"class", "other"}, {"state", "running"}}), 10);
}

TEST_F(MetricsTest, TheProcessIsThisOne) {
  const ParsedText text = scrape();
  EXPECT_GE(text.value("process_threads"), 1);
  EXPECT_GT(text.value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GE(text.value("process_open_fds"), 3);
  EXPECT_GE(text.value("process_max_fds"), text.value("process_open_fds"));
  EXPECT_GE(text.value("process_cpu_seconds_total"), 0);
  EXPECT_GT(text.value("process_virtual_memory_bytes"), text.value("process_resident_memory_bytes"));
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(text.value("process_start_time_seconds"), now, 300);
}

TEST(Process, WhatCannotBeReadIsUnknown) {
  const ProcessNumbers numbers = readProcess("/nowhere");
  EXPECT_FALSE(numbers.cpu_seconds || numbers.start_time_seconds || numbers.resident_bytes ||
               numbers.virtual_bytes || numbers.open_fds || numbers.threads);
}

TEST_F(MetricsTest, LogLinesAreCountedByLevel) {
  const double before = scrape().value("plimsoll_log_messages_total", {{"level", "warn"}});
  base::log::warn("A line of a test");
  base::log::debug("One that is not logged");
  const ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_log_messages_total", {{"level", "warn"}}), before + 1);
  EXPECT_EQ(text.value("plimsoll_log_messages_total", {{"level", "debug"}}), 0);
  EXPECT_GE(text.value("plimsoll_log_dropped_total"), 0);
}

model::ContainerStats someStats() {
  model::ContainerStats stats;
  stats.cpu_periods = 100;
  stats.cpu_throttled_periods = 25;
  stats.cpu_throttled_us = 1'500'000;
  stats.memory_pressure = {.some_us = 2'000'000, .full_us = 1'000'000};
  stats.memory_events.oom_kill = 1;
  stats.memory_peak = 4096;
  stats.pids_peak = 12;
  return stats;
}

const LabelMap kWeb = {{"namespace", "shop"}, {"pod", "web-0"}, {"container", "app"}};

LabelMap with(LabelMap labels, const LabelMap& more) {
  labels.insert(more.begin(), more.end());
  return labels;
}

TEST_F(MetricsTest, SeriesOfContainersAreOffByDefault) {
  auto container = report("web-0");
  container->plan.settings = {planned("cpu.weight", State::Applied)};
  reports_ = {container};
  stats_["id"] = someStats();
  for (const auto& [name, family] : scrape().families)
    EXPECT_FALSE(name.starts_with("plimsoll_container_")) << name;
}

TEST_F(MetricsTest, SeriesOfContainersShowWhatIsKnownAndNothingElse) {
  auto container = report("web-0"), unmanaged = report("web-1", "plain");
  container->plan.settings = {planned("cpu.weight", State::Applied)};
  reports_ = {container, unmanaged};
  stats_["id"] = stats_["plain"] = someStats();
  per_container_ = 10;
  ParsedText text = scrape();
  EXPECT_EQ(text.value("plimsoll_container_cpu_periods_total", kWeb), 100);
  EXPECT_EQ(text.value("plimsoll_container_cpu_throttled_periods_total", kWeb), 25);
  EXPECT_EQ(text.value("plimsoll_container_cpu_throttled_seconds_total", kWeb), 1.5);
  EXPECT_EQ(text.value("plimsoll_container_pressure_seconds_total",
                       with(kWeb, {{"resource", "memory"}, {"kind", "full"}})),
            1);
  EXPECT_FALSE(text.has("plimsoll_container_pressure_seconds_total",
                        with(kWeb, {{"resource", "io"}, {"kind", "some"}})));
  EXPECT_EQ(text.value("plimsoll_container_memory_events_total", with(kWeb, {{"event", "oom_kill"}})), 1);
  EXPECT_FALSE(text.has("plimsoll_container_memory_events_total", with(kWeb, {{"event", "oom"}})));
  EXPECT_EQ(text.value("plimsoll_container_memory_peak_bytes", kWeb), 4096);
  EXPECT_EQ(text.value("plimsoll_container_pids_peak", kWeb), 12);
  // Nothing was asked of it, so it is none of ours.
  EXPECT_EQ(text_.find("web-1"), std::string::npos);
  // They go with the container.
  reports_.clear();
  text = scrape();
  EXPECT_FALSE(text.families.contains("plimsoll_container_pids_peak"));
}

TEST_F(MetricsTest, TrafficIsByClassAndContainer) {
  ParsedText text = scrape();
  EXPECT_FALSE(text.families.contains("plimsoll_network_up")) << "not wanted";
  node_.network.wanted = true;
  node_.network.problem = "CAP_BPF is missing";
  EXPECT_EQ(scrape().value("plimsoll_network_up", {{"mode", "none"}}), 0);
  node_.network.problem.clear();
  node_.network.mode = "link tcx";
  node_.network.pods = 2;
  for (uint64_t bytes : {100, 11}) {
    node_.network.uplinks.emplace_back().sent[1] = {
        .bytes = bytes, .packets = 3, .marks = 1, .drop_packets = 2};
  }
  auto container = report("web-0"), plain = report("web-1", "plain");
  container->plan.settings = plain->plan.settings = {planned("cpu.weight", State::Applied)};
  reports_ = {container, plain};
  stats_["id"] = stats_["plain"] = someStats();
  stats_["id"].traffic.emplace().ingress = {.bytes = 7, .drop_packets = 5};
  per_container_ = 10;
  text = scrape();
  EXPECT_EQ(text.value("plimsoll_network_up", {{"mode", "link_tcx"}}), 1);
  EXPECT_EQ(text.value("plimsoll_network_entities", {{"kind", "pod"}}), 2);
  EXPECT_EQ(text.value("plimsoll_network_sent_bytes_total", {{"class", "high"}}), 111);
  EXPECT_EQ(text.value("plimsoll_network_dropped_packets_total", {{"class", "high"}}), 4);
  EXPECT_EQ(text.value("plimsoll_network_sent_bytes_total", {{"class", "besteffort"}}), 0);
  EXPECT_EQ(text.value("plimsoll_container_network_bytes_total", with(kWeb, {{"direction", "ingress"}})), 7);
  EXPECT_EQ(
      text.value("plimsoll_container_network_dropped_packets_total", with(kWeb, {{"direction", "ingress"}})),
      5);
  EXPECT_EQ(text.families.at("plimsoll_container_network_bytes_total").samples.size(), 2U)
      << "nothing of the one without";
}

TEST_F(MetricsTest, SeriesOfContainersAreCappedAndToldSo) {
  for (int i = 0; i < 5; ++i) {
    auto container = report("web-" + std::to_string(i), std::to_string(i));
    container->plan.settings = {planned("cpu.weight", State::Applied)};
    reports_.push_back(container);
    stats_[std::to_string(i)] = someStats();
  }
  per_container_ = 3;
  const ParsedText text = scrape();
  EXPECT_EQ(text.families.at("plimsoll_container_pids_peak").samples.size(), 3U);
  EXPECT_EQ(text.value("plimsoll_containers_without_series"), 2);
}

TEST_F(MetricsTest, ARestartedContainerHasOneSeries) {
  auto old = report("web-0", "a-old"), young = report("web-0", "b-new");
  old->plan.settings = young->plan.settings = {planned("cpu.weight", State::Applied)};
  young->first_seen = old->first_seen + 1h;
  reports_ = {old, young};
  stats_["a-old"] = someStats();
  stats_["b-new"] = someStats();
  stats_["b-new"].pids_peak = 99;
  per_container_ = 10;
  EXPECT_EQ(scrape().value("plimsoll_container_pids_peak", kWeb), 99);  // and no series stands twice
  old->container.state = model::ContainerState::Stopped;
  EXPECT_EQ(scrape().value("plimsoll_container_pids_peak", kWeb), 99);
}

TEST_F(MetricsTest, NamesCannotBreakTheText) {
  auto container = report("web\"} 1\nevil 2\\");
  container->plan.settings = {planned("cpu.weight", State::Applied)};
  container->plan.class_name = "\xff\xc3\xa9";
  reports_ = {container};
  stats_["id"] = someStats();
  per_container_ = 1;
  const ParsedText text = scrape();
  EXPECT_FALSE(text.families.contains("evil"));
  EXPECT_EQ(text.value("plimsoll_container_pids_peak",
                       {{"namespace", "shop"}, {"pod", "web\"} 1\nevil 2\\"}, {"container", "app"}}),
            12);
  EXPECT_EQ(text.value("plimsoll_containers", {{"class", "\xc3\xa9"}, {"state", "running"}}), 1);
}

// Every row of the table can show, and nothing else does: the text of an agent to which everything happened.
TEST_F(MetricsTest, EveryFamilyOfTheTableIsWritten) {
  for (const model::SettingSpec& row : model::settingsTable()) {
    metrics_.applied(row, State::Failed, 1us, EBUSY);
    metrics_.driftDetected(row, DriftOwner::Kubelet);
  }
  metrics_.nriRequest(NriRequest::CreateContainer, 1ms);
  node_.kernel_features = {{"cpu.idle", true}};
  node_.network.wanted = true;
  auto container = report("web-0");
  container->plan.settings = {planned("cpu.weight", State::Applied)};
  reports_ = {container};
  stats_["id"] = someStats();
  stats_["id"].traffic.emplace();
  per_container_ = 1;
  const ParsedText text = scrape();
  std::set<std::string> wanted, written;
  for (const Family& family : families()) wanted.insert(std::string(family.name));
  for (const auto& [name, family] : text.families) {
    written.insert(name);
    EXPECT_EQ(family.type, typeName(findFamily(name)->type)) << name;
    // The labels are those that the table names.
    const std::string_view labels = findFamily(name)->labels;
    for (const Sample& sample : family.samples) {
      for (const auto& [key, value] : sample.labels) {
        EXPECT_TRUE(key == "le" || labels.find(key) != std::string_view::npos) << name << " " << key;
      }
    }
  }
  EXPECT_EQ(written, wanted);
  // For a look by promtool, where it is installed.
  if (const char* file = getenv("PLIMSOLL_METRICS_TEXT")) std::ofstream(file) << text_;
}

TEST(Counter, ThreadsLoseNothing) {
  Counter counter;
  constexpr std::chrono::nanoseconds kBounds[] = {1us};
  Histogram histogram{kBounds};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20000; ++n) {
        counter.add();
        histogram.observe(std::chrono::nanoseconds(n));
      }
    });
  }
  // A reader meanwhile sees a histogram that is consistent in itself.
  for (int i = 0; i < 1000; ++i) {
    const auto shot = histogram.snapshot();
    EXPECT_EQ(shot.cumulative[1], shot.count);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 80000U);
  EXPECT_EQ(histogram.snapshot().count, 80000U);
}

TEST(TextLint, FindsWhatIsWrong) {
  const auto problems = [](const std::string& text) { return lintText(text).problems.size(); };
  const std::string good = "# HELP a_total x\n# TYPE a_total counter\na_total{k=\"v\"} 1\n";
  EXPECT_EQ(problems(good), 0U);
  EXPECT_GT(problems(good + "a_total{k=\"v\"} 2\n"), 0U);                 // twice
  EXPECT_GT(problems(good + "b 1\n"), 0U);                                // without a family
  EXPECT_GT(problems("# HELP a x\n# TYPE a counter\na 1\n"), 0U);         // no _total
  EXPECT_GT(problems("# TYPE a gauge\na 1\n"), 0U);                       // no HELP
  EXPECT_GT(problems("# HELP a x\n# TYPE a gauge\na{k=\"v} 1\n"), 0U);    // quotes
  EXPECT_GT(problems("# HELP a x\n# TYPE a gauge\na one\n"), 0U);         // value
  EXPECT_GT(problems("# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n"), 0U);  // unit
  EXPECT_GT(problems("# HELP a x\n# TYPE a gauge\na 1"), 0U);             // end
  const std::string h = "# HELP h x\n# TYPE h histogram\n";
  EXPECT_EQ(problems(h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"), 0U);
  EXPECT_GT(problems(h + "h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"), 0U);
  EXPECT_GT(problems(h + "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 2\n"), 0U);
}

}  // namespace
}  // namespace plimsoll::metrics
