// Series of single containers.

#include <algorithm>
#include <tuple>

#include "pkg/metrics/scrape.h"

namespace plimsoll::metrics {
namespace {

using model::ContainerReport;
using model::ContainerStats;
using model::FlowStats;
using model::MemoryEvents;
using model::Pressure;
using model::TrafficStats;

bool isShown(const ContainerReport& report) {
  return !report.plan.settings.empty() && !report.cgroup_path.empty() &&
         report.container.state != model::ContainerState::Stopped;
}

bool sameName(const ContainerReport& a, const ContainerReport& b) {
  return std::tie(a.pod.ns, a.pod.name, a.container.name) == std::tie(b.pod.ns, b.pod.name, b.container.name);
}

// A container that was restarted has two reports for a moment, and a series must not stand twice.
std::vector<ReportPtr> oneOfEachName(const std::vector<ReportPtr>& reports) {
  std::vector<ReportPtr> chosen;
  for (const ReportPtr& report : reports) {
    if (!isShown(*report)) continue;
    if (chosen.empty() || !sameName(*chosen.back(), *report)) {
      chosen.push_back(report);
    } else if (report->first_seen >= chosen.back()->first_seen) {
      chosen.back() = report;
    }
  }
  return chosen;
}

template <typename Value>
using Field = Value (*)(const ContainerStats&);

double seconds(uint64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

void writeEach(Writer& writer, const PerContainer& containers, std::string_view family,
               Field<std::optional<uint64_t>> field, bool as_seconds = false) {
  writer.family(family);
  for (const auto& [report, stats] : containers.series) {
    const auto value = field(stats);
    if (!value) continue;
    const Labels labels = {
        {"namespace", report->pod.ns}, {"pod", report->pod.name}, {"container", report->container.name}};
    if (as_seconds) {
      writer.sample(labels, seconds(*value));
    } else {
      writer.sample(labels, *value);
    }
  }
}

void writePressure(Writer& writer, const PerContainer& containers) {
  constexpr std::pair<std::string_view, Pressure ContainerStats::*> kResources[] = {
      {"cpu", &ContainerStats::cpu_pressure},
      {"memory", &ContainerStats::memory_pressure},
      {"io", &ContainerStats::io_pressure}};
  constexpr std::pair<std::string_view, std::optional<uint64_t> Pressure::*> kKinds[] = {
      {"some", &Pressure::some_us}, {"full", &Pressure::full_us}};
  writer.family("plimsoll_container_pressure_seconds_total");
  for (const auto& [report, stats] : containers.series) {
    for (const auto& [resource, pressure] : kResources) {
      for (const auto& [kind, total] : kKinds) {
        const auto& value = stats.*pressure.*total;
        if (!value) continue;
        writer.sample({{"namespace", report->pod.ns},
                       {"pod", report->pod.name},
                       {"container", report->container.name},
                       {"resource", resource},
                       {"kind", kind}},
                      seconds(*value));
      }
    }
  }
}

void writeMemoryEvents(Writer& writer, const PerContainer& containers) {
  constexpr std::pair<std::string_view, std::optional<uint64_t> MemoryEvents::*> kEvents[] = {
      {"low", &MemoryEvents::low},           {"high", &MemoryEvents::high},
      {"max", &MemoryEvents::max},           {"oom", &MemoryEvents::oom},
      {"oom_kill", &MemoryEvents::oom_kill}, {"oom_group_kill", &MemoryEvents::oom_group_kill}};
  writer.family("plimsoll_container_memory_events_total");
  for (const auto& [report, stats] : containers.series) {
    for (const auto& [event, count] : kEvents) {
      const auto& value = stats.memory_events.*count;
      if (!value) continue;
      writer.sample({{"namespace", report->pod.ns},
                     {"pod", report->pod.name},
                     {"container", report->container.name},
                     {"event", event}},
                    *value);
    }
  }
}

void writeTraffic(Writer& writer, const PerContainer& containers) {
  constexpr std::pair<std::string_view, uint64_t FlowStats::*> kFamilies[] = {
      {"plimsoll_container_network_bytes_total", &FlowStats::bytes},
      {"plimsoll_container_network_packets_total", &FlowStats::packets},
      {"plimsoll_container_network_dropped_packets_total", &FlowStats::drop_packets},
      {"plimsoll_container_network_marked_packets_total", &FlowStats::marks}};
  constexpr std::pair<std::string_view, FlowStats TrafficStats::*> kDirections[] = {
      {"egress", &TrafficStats::egress}, {"ingress", &TrafficStats::ingress}};
  for (const auto& [family, count] : kFamilies) {
    writer.family(family);
    for (const auto& [report, stats] : containers.series) {
      if (!stats.traffic) continue;
      for (const auto& [direction, flow] : kDirections) {
        writer.sample({{"namespace", report->pod.ns},
                       {"pod", report->pod.name},
                       {"container", report->container.name},
                       {"direction", direction}},
                      (*stats.traffic).*flow.*count);
      }
    }
  }
}

}  // namespace

PerContainer collectContainers(const std::vector<ReportPtr>& reports, size_t most,
                               const decltype(Sources::stats)& stats) {
  PerContainer containers;
  for (const ReportPtr& report : oneOfEachName(reports)) {
    if (containers.series.size() >= most) {
      ++containers.left_out;
    } else if (auto read = stats(*report)) {
      containers.series.push_back({report, *std::move(read)});
    }
  }
  return containers;
}

void writeContainers(Writer& writer, const PerContainer& containers) {
  writer.family("plimsoll_containers_without_series");
  writer.sample({}, static_cast<uint64_t>(containers.left_out));
  writeEach(writer, containers, "plimsoll_container_cpu_periods_total",
            [](const ContainerStats& s) { return s.cpu_periods; });
  writeEach(writer, containers, "plimsoll_container_cpu_throttled_periods_total",
            [](const ContainerStats& s) { return s.cpu_throttled_periods; });
  writeEach(
      writer, containers, "plimsoll_container_cpu_throttled_seconds_total",
      [](const ContainerStats& s) { return s.cpu_throttled_us; }, true);
  writePressure(writer, containers);
  writeMemoryEvents(writer, containers);
  writeEach(writer, containers, "plimsoll_container_memory_peak_bytes",
            [](const ContainerStats& s) { return s.memory_peak; });
  writeEach(writer, containers, "plimsoll_container_pids_peak",
            [](const ContainerStats& s) { return s.pids_peak; });
  writeTraffic(writer, containers);
}

}  // namespace plimsoll::metrics
