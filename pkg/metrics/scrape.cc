#include "pkg/metrics/scrape.h"

#include <algorithm>
#include <array>
#include <map>

#include "pkg/base/log.h"
#include "pkg/metrics/process.h"

namespace plimsoll::metrics {
namespace {

using model::ContainerState;
using model::SettingSpec;
using model::State;

// A node's configuration may name any number of classes; a label may not.
constexpr size_t kMostClasses = 50;
constexpr size_t kContainerStates = 5;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string stateLabel(size_t state) { return lower(model::stateName(static_cast<State>(state))); }

std::string_view containerStateLabel(size_t state) {
  switch (static_cast<ContainerState>(state)) {
    case ContainerState::Created:
      return "created";
    case ContainerState::Running:
      return "running";
    case ContainerState::Paused:
      return "paused";
    case ContainerState::Stopped:
      return "stopped";
    case ContainerState::Unknown:
      break;
  }
  return "unknown";
}

// What applying a setting can come to. All of them show once a setting was used, so that the first failure is
// an increase from 0 and not a series out of nothing.
constexpr State kResults[] = {State::Applied, State::Adjusted, State::Moot, State::Failed,
                              State::Unsupported};

bool wasUsed(const SettingCounters& counters) {
  return std::any_of(std::begin(kResults), std::end(kResults),
                     [&](State state) { return counters.applied[static_cast<size_t>(state)].value() > 0; });
}

using One = uint64_t (*)(const SettingCounters&);

void writePerSetting(Writer& writer, const Metrics& metrics, std::string_view family, One number) {
  writer.family(family);
  for (const SettingSpec& spec : model::settingsTable()) {
    const uint64_t value = number(metrics.of(spec));
    if (value > 0 || wasUsed(metrics.of(spec))) writer.sample({{"setting", spec.key}}, value);
  }
}

void writeApply(Writer& writer, const Metrics& metrics) {
  writer.family("plimsoll_apply_total");
  for (const SettingSpec& spec : model::settingsTable()) {
    const SettingCounters& counters = metrics.of(spec);
    if (!wasUsed(counters)) continue;
    for (State state : kResults) {
      writer.sample({{"setting", spec.key}, {"result", stateLabel(static_cast<size_t>(state))}},
                    counters.applied[static_cast<size_t>(state)].value());
    }
  }
  writer.family("plimsoll_apply_errors_total");
  for (const SettingSpec& spec : model::settingsTable()) {
    for (size_t i = 0; i < kErrnoReasons; ++i) {
      const uint64_t value = metrics.of(spec).errors[i].value();
      if (value > 0) writer.sample({{"setting", spec.key}, {"reason", Metrics::errnoReason(i)}}, value);
    }
  }
}

void writeDrift(Writer& writer, const Metrics& metrics) {
  writer.family("plimsoll_drift_detected_total");
  for (const SettingSpec& spec : model::settingsTable()) {
    for (size_t i = 0; i < kDriftOwners; ++i) {
      const uint64_t value = metrics.of(spec).drifted[i].value();
      if (value > 0) {
        writer.sample({{"setting", spec.key}, {"owner", driftOwnerName(static_cast<DriftOwner>(i))}}, value);
      }
    }
  }
  writePerSetting(writer, metrics, "plimsoll_drift_reverted_total",
                  [](const SettingCounters& c) { return c.reverted.value(); });
  writePerSetting(writer, metrics, "plimsoll_drift_fights_total",
                  [](const SettingCounters& c) { return c.fights.value(); });
  writePerSetting(writer, metrics, "plimsoll_refusals_total",
                  [](const SettingCounters& c) { return c.refused.value(); });
}

void writeNri(Writer& writer, const Metrics& metrics) {
  writer.family("plimsoll_nri_registered");
  writer.sample({}, metrics.nri_registered.value());
  writer.family("plimsoll_nri_connects_total");
  writer.sample({}, metrics.nri_connects.value());
  writer.family("plimsoll_nri_disconnects_total");
  for (size_t i = 0; i < kDisconnects; ++i) {
    writer.sample({{"reason", disconnectName(static_cast<Disconnect>(i))}},
                  metrics.nri_disconnects[i].value());
  }
  writer.family("plimsoll_nri_request_duration_seconds");
  for (size_t i = 0; i < kNriRequests; ++i) {
    const auto request = static_cast<NriRequest>(i);
    const Histogram::Snapshot shot = metrics.ofRequest(request).snapshot();
    if (shot.count > 0) writer.histogram({{"event", nriRequestName(request)}}, shot);
  }
  writer.family("plimsoll_nri_request_timeouts_total");
  writer.sample({}, metrics.nri_timeouts.value());
  writer.family("plimsoll_nri_requests_missed_total");
  writer.sample({}, metrics.nri_missed.value());
}

void writeJournal(Writer& writer, const Metrics& metrics) {
  const std::pair<std::string_view, const Counter&> counters[] = {
      {"plimsoll_journal_records_total", metrics.journal_records},
      {"plimsoll_journal_syncs_total", metrics.journal_syncs},
      {"plimsoll_journal_compactions_total", metrics.journal_compactions},
      {"plimsoll_journal_recovered_torn_total", metrics.journal_torn},
      {"plimsoll_journal_dropped_total", metrics.journal_dropped}};
  const std::pair<std::string_view, const Gauge&> gauges[] = {
      {"plimsoll_journal_size_bytes", metrics.journal_bytes},
      {"plimsoll_journal_open_changes", metrics.journal_open},
      {"plimsoll_journal_healthy", metrics.journal_healthy}};
  for (const auto& [name, counter] : counters) {
    writer.family(name);
    writer.sample({}, counter.value());
  }
  for (const auto& [name, gauge] : gauges) {
    writer.family(name);
    writer.sample({}, gauge.value());
  }
}

void writeLog(Writer& writer) {
  namespace log = base::log;
  writer.family("plimsoll_log_messages_total");
  for (const auto& [level, name] : {std::pair{log::Level::Debug, "debug"},
                                    {log::Level::Info, "info"},
                                    {log::Level::Warn, "warn"},
                                    {log::Level::Error, "error"}}) {
    writer.sample({{"level", name}}, log::messages(level));
  }
  writer.family("plimsoll_log_dropped_total");
  writer.sample({}, log::dropped());
}

template <typename T>
void writeIfKnown(Writer& writer, std::string_view family, const std::optional<T>& value) {
  writer.family(family);
  if (value) writer.sample({}, *value);
}

}  // namespace

void writeRecorded(Writer& writer, const Metrics& metrics) {
  writeApply(writer, metrics);
  for (const auto& [name, histogram] :
       {std::pair<std::string_view, const Histogram&>{"plimsoll_apply_duration_seconds",
                                                      metrics.apply_duration},
        {"plimsoll_readback_duration_seconds", metrics.readback_duration},
        {"plimsoll_reconcile_duration_seconds", metrics.reconcile_duration}}) {
    writer.family(name);
    writer.histogram({}, histogram.snapshot());
  }
  writeDrift(writer, metrics);
  writer.family("plimsoll_annotation_invalid_total");
  writer.sample({}, metrics.annotations_invalid.value());
  writeNri(writer, metrics);
  writeJournal(writer, metrics);
  writer.family("plimsoll_config_generation");
  writer.sample({}, metrics.config_generation.value());
  writer.family("plimsoll_config_reload_total");
  writer.sample({{"result", "accepted"}}, metrics.config_reloads_good.value());
  writer.sample({{"result", "rejected"}}, metrics.config_reloads_bad.value());
  writeLog(writer);
}

void writeNode(Writer& writer, const NodeNumbers& node) {
  writer.family("plimsoll_build_info");
  writer.sample({{"version", node.version}}, 1);
  writer.family("plimsoll_node_info");
  writer.sample({{"kernel", node.kernel},
                 {"runtime", node.runtime},
                 {"runtime_version", node.runtime_version},
                 {"nri_version", node.nri_version}},
                1);
  writer.family("plimsoll_healthy");
  writer.sample({{"probe", "live"}}, node.live ? 1 : 0);
  writer.sample({{"probe", "ready"}}, node.ready ? 1 : 0);
  writer.family("plimsoll_events_dropped_total");
  writer.sample({}, node.events_dropped);
  writer.family("plimsoll_kernel_feature");
  for (const auto& [setting, has] : node.kernel_features) {
    writer.sample({{"setting", setting}}, has ? 1 : 0);
  }
  writer.family("plimsoll_http_requests_total");
  writer.sample({{"result", "answered"}}, node.http.answered);
  writer.sample({{"result", "refused"}}, node.http.refused);
  writer.sample({{"result", "bad"}}, node.http.bad);
}

void writeReports(Writer& writer, const std::vector<ReportPtr>& reports) {
  const auto table = model::settingsTable();
  std::vector<std::array<uint64_t, kStates>> settings(table.size() + 1);
  std::map<std::string, std::array<uint64_t, kContainerStates>, std::less<>> classes;
  for (const ReportPtr& report : reports) {
    std::string_view name = report->plan.class_name;
    if (name.empty()) name = "none";
    if (!classes.contains(name) && classes.size() >= kMostClasses) name = "other";
    ++classes[std::string(name)][static_cast<size_t>(report->container.state)];
    for (const model::PlannedSetting& setting : report->plan.settings) {
      const size_t row = Metrics::rowOf(*setting.request.setting.spec);
      ++settings[row][static_cast<size_t>(setting.state)];
    }
  }
  writer.family("plimsoll_containers");
  for (const auto& [name, counts] : classes) {
    for (size_t state = 0; state < kContainerStates; ++state) {
      if (counts[state] > 0)
        writer.sample({{"class", name}, {"state", containerStateLabel(state)}}, counts[state]);
    }
  }
  writer.family("plimsoll_settings");
  for (size_t row = 0; row < table.size(); ++row) {
    for (size_t state = 0; state < kStates; ++state) {
      if (settings[row][state] == 0) continue;
      writer.sample({{"setting", table[row].key}, {"state", stateLabel(state)}}, settings[row][state]);
    }
  }
}

void writeProcess(Writer& writer) {
  const ProcessNumbers process = readProcess();
  writeIfKnown(writer, "process_cpu_seconds_total", process.cpu_seconds);
  writeIfKnown(writer, "process_resident_memory_bytes", process.resident_bytes);
  writeIfKnown(writer, "process_virtual_memory_bytes", process.virtual_bytes);
  writeIfKnown(writer, "process_open_fds", process.open_fds);
  writeIfKnown(writer, "process_max_fds", process.max_fds);
  writeIfKnown(writer, "process_threads", process.threads);
  writeIfKnown(writer, "process_start_time_seconds", process.start_time_seconds);
}

std::string Scrape::write() {
  const Stopwatch watch;
  std::string text;
  text.reserve(last_size_ + last_size_ / 8 + 1024);
  Writer writer(text);
  const std::vector<ReportPtr> reports = sources_.reports();
  const NodeNumbers node = sources_.node();
  writeNode(writer, node);
  writeNetwork(writer, node.network);
  writeReports(writer, reports);
  writeRecorded(writer, metrics_);
  writeProcess(writer);
  if (const int most = most_containers_.load(std::memory_order_relaxed); most > 0) {
    writeContainers(writer, collectContainers(reports, static_cast<size_t>(most), sources_.stats));
  }
  writer.family("plimsoll_scrape_duration_seconds");
  writer.sample({}, last_seconds_);
  last_seconds_ = std::chrono::duration<double>(watch.elapsed()).count();
  last_size_ = text.size();
  return text;
}

}  // namespace plimsoll::metrics
