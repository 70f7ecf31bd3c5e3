// What recording costs on the loop's thread, alone and while another thread scrapes, and what a scrape costs
// with a thousand containers.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "pkg/metrics/scrape.h"

namespace plimsoll::metrics {
namespace {

using namespace std::chrono_literals;

const model::SettingSpec& cpuWeight() { return *model::findSetting("cpu.weight")->spec; }

std::vector<ReportPtr> thousandContainers() {
  std::vector<ReportPtr> reports;
  for (int i = 0; i < 1000; ++i) {
    auto report = std::make_shared<model::ContainerReport>();
    report->pod.ns = "shop";
    report->pod.name = "pod-" + std::to_string(i);
    report->container.name = "app";
    report->container.state = model::ContainerState::Running;
    report->cgroup_path = "/kubepods/" + std::to_string(i);
    report->plan.class_name = "batch";
    for (const char* key : {"cpu.weight", "memory.high", "pids.max", "io.weight", "oom.score-adj"}) {
      model::PlannedSetting setting;
      setting.request.setting = *model::findSetting(key);
      setting.state = model::State::Applied;
      report->plan.settings.push_back(std::move(setting));
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

Sources sourcesOf(const std::vector<ReportPtr>& reports) {
  Sources sources;
  sources.reports = [&reports] { return reports; };
  sources.node = [] { return NodeNumbers{}; };
  sources.stats = [](const model::ContainerReport&) {
    model::ContainerStats stats;
    stats.cpu_periods = stats.cpu_throttled_periods = stats.cpu_throttled_us = 123456;
    stats.cpu_pressure = stats.memory_pressure = stats.io_pressure = {.some_us = 1234567, .full_us = 123456};
    stats.memory_events = {1, 2, 3, 4, 5, 6};
    stats.memory_peak = 123456789;
    stats.pids_peak = 12;
    return stats;
  };
  return sources;
}

void recordApplied(benchmark::State& state) {
  Metrics metrics;
  const model::SettingSpec& spec = cpuWeight();
  for (auto _ : state) metrics.applied(spec, model::State::Applied, 20us);
}
BENCHMARK(recordApplied);

void recordFailed(benchmark::State& state) {
  Metrics metrics;
  const model::SettingSpec& spec = cpuWeight();
  for (auto _ : state) metrics.applied(spec, model::State::Failed, 20us, EROFS);
}
BENCHMARK(recordFailed);

void recordRequestWithItsTime(benchmark::State& state) {
  Metrics metrics;
  for (auto _ : state) {
    const Stopwatch watch;
    metrics.nriRequest(NriRequest::CreateContainer, watch.elapsed());
  }
}
BENCHMARK(recordRequestWithItsTime);

void recordAppliedWhileScraped(benchmark::State& state) {
  Metrics metrics;
  const std::vector<ReportPtr> none;
  std::atomic<bool> stop{false};
  std::thread scraper([&] {
    Scrape scrape(metrics, sourcesOf(none));
    while (!stop) benchmark::DoNotOptimize(scrape.write());
  });
  const model::SettingSpec& spec = cpuWeight();
  for (auto _ : state) metrics.applied(spec, model::State::Applied, 20us);
  stop = true;
  scraper.join();
}
BENCHMARK(recordAppliedWhileScraped);

void scrapeThousandContainers(benchmark::State& state) {
  Metrics metrics;
  const auto reports = thousandContainers();
  Scrape scrape(metrics, sourcesOf(reports));
  for (auto _ : state) benchmark::DoNotOptimize(scrape.write());
}
BENCHMARK(scrapeThousandContainers)->Unit(benchmark::kMicrosecond);

void scrapeThousandContainersOneByOne(benchmark::State& state) {
  Metrics metrics;
  const auto reports = thousandContainers();
  Scrape scrape(metrics, sourcesOf(reports));
  scrape.setPerContainer(1000);
  size_t bytes = 0;
  for (auto _ : state) bytes = scrape.write().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(scrapeThousandContainersOneByOne)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace plimsoll::metrics

BENCHMARK_MAIN();
