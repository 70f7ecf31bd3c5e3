#include "cmd/kubectl-plimsoll/view_top.h"

#include <algorithm>
#include <cstdio>

#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/kubectl-plimsoll/view_traffic.h"

namespace plimsoll::cli {
namespace {

// Columns are many and narrow here: what is not known is a dash.
constexpr const char* kUnknown = "-";

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// "7Mi", "1.4Gi"; never more than three digits before the unit.
std::string bytesText(double bytes) {
  constexpr const char* kUnits[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  size_t unit = 0;
  while (bytes >= 1023.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return fixed(bytes, unit > 0 && bytes < 9.95 ? 1 : 0) + kUnits[unit];
}

std::string bytesOr(bool known, uint64_t bytes) {
  return known ? bytesText(static_cast<double>(bytes)) : kUnknown;
}

std::string limitOr(bool known, int64_t limit, std::string text) {
  if (!known) return kUnknown;
  return limit < 0 ? "max" : std::move(text);
}

std::string countOr(bool known, uint64_t count) { return known ? std::to_string(count) : kUnknown; }

// "1.5/0.2": some and full, per cent of the last ten seconds.
std::string pressureText(const pb::Pressure& pressure) {
  return (pressure.has_some_avg10() ? fixed(pressure.some_avg10(), 1) : kUnknown) + std::string("/") +
         (pressure.has_full_avg10() ? fixed(pressure.full_avg10(), 1) : kUnknown);
}

// Worth a look: the container loses a noticeable part of its time.
Tone toneOf(double percent) { return percent >= 25 ? Tone::Bad : percent >= 5 ? Tone::Warn : Tone::Plain; }

Cell throttledCell(const pb::ContainerStats& stats) {
  const auto percent = throttledPercent(stats);
  if (!percent) return kUnknown;
  return {fixed(*percent, 1) + "%", toneOf(*percent)};
}

Cell pressureCell(const pb::Pressure& pressure) {
  return {pressureText(pressure), toneOf(pressure.some_avg10())};
}

std::vector<Cell> cellsOf(const pb::ContainerStats& stats, const View& view) {
  std::vector<Cell> cells;
  if (view.all_namespaces) cells.emplace_back(stats.namespace_());
  cells.insert(cells.end(), {stats.pod(), stats.name(), stats.class_name()});
  const pb::MemoryStats& memory = stats.memory();
  const pb::PidsStats& pids = stats.pids();
  cells.insert(cells.end(), {throttledCell(stats),
                             pressureCell(stats.cpu_pressure()),
                             pressureCell(stats.memory_pressure()),
                             pressureCell(stats.io_pressure()),
                             bytesOr(memory.has_current_bytes(), memory.current_bytes()),
                             bytesOr(memory.has_peak_bytes(), memory.peak_bytes()),
                             limitOr(memory.has_high_bytes(), memory.high_bytes(),
                                     bytesText(static_cast<double>(memory.high_bytes()))),
                             limitOr(memory.has_max_bytes(), memory.max_bytes(),
                                     bytesText(static_cast<double>(memory.max_bytes()))),
                             {countOr(memory.has_high_events(), memory.high_events())},
                             {countOr(memory.has_oom_events(), memory.oom_events())},
                             {countOr(memory.has_oom_kills(), memory.oom_kills()),
                              memory.oom_kills() > 0 ? Tone::Bad : Tone::Plain},
                             countOr(pids.has_current(), pids.current())});
  if (view.wide) {
    cells.insert(cells.end(), {countOr(pids.has_peak(), pids.peak()),
                               limitOr(pids.has_max(), pids.max(), std::to_string(pids.max())),
                               stats.has_window() ? std::to_string(stats.window().seconds()) + "s" : "all"});
    if (view.nodes) cells.emplace_back(stats.node());
  }
  return cells;
}

std::optional<double> keyOf(const pb::ContainerStats& stats, TopOrder order) {
  const auto pressure = [](const pb::Pressure& p) -> std::optional<double> {
    if (!p.has_some_avg10()) return std::nullopt;
    return p.some_avg10();
  };
  const auto count = [](bool known, uint64_t value) -> std::optional<double> {
    if (!known) return std::nullopt;
    return static_cast<double>(value);
  };
  switch (order) {
    case TopOrder::Name:
      return std::nullopt;
    case TopOrder::Throttled:
      return throttledPercent(stats);
    case TopOrder::CpuPressure:
      return pressure(stats.cpu_pressure());
    case TopOrder::MemoryPressure:
      return pressure(stats.memory_pressure());
    case TopOrder::IoPressure:
      return pressure(stats.io_pressure());
    case TopOrder::Memory:
      return count(stats.memory().has_current_bytes(), stats.memory().current_bytes());
    case TopOrder::Pids:
      return count(stats.pids().has_current(), stats.pids().current());
    case TopOrder::OomKills:
      return count(stats.memory().has_oom_kills(), stats.memory().oom_kills());
  }
  return std::nullopt;
}

template <typename Value>
JsonValue known(bool is_known, Value value) {
  return is_known ? JsonValue(value) : JsonValue(nullptr);
}

// null: not known; "max": no limit.
JsonValue limit(bool is_known, int64_t value) {
  return is_known && value < 0 ? JsonValue("max") : known(is_known, value);
}

JsonValue document(const pb::CpuStats& cpu) {
  return {{"usageUsec", known(cpu.has_usage_usec(), cpu.usage_usec())},
          {"periods", known(cpu.has_periods(), cpu.periods())},
          {"throttledPeriods", known(cpu.has_throttled_periods(), cpu.throttled_periods())},
          {"throttledUsec", known(cpu.has_throttled_usec(), cpu.throttled_usec())}};
}

JsonValue document(const pb::Pressure& pressure) {
  return {{"someUsec", known(pressure.has_some_usec(), pressure.some_usec())},
          {"fullUsec", known(pressure.has_full_usec(), pressure.full_usec())},
          {"someAvg10", known(pressure.has_some_avg10(), pressure.some_avg10())},
          {"fullAvg10", known(pressure.has_full_avg10(), pressure.full_avg10())}};
}

JsonValue document(const pb::MemoryStats& memory) {
  return {{"currentBytes", known(memory.has_current_bytes(), memory.current_bytes())},
          {"peakBytes", known(memory.has_peak_bytes(), memory.peak_bytes())},
          {"highBytes", limit(memory.has_high_bytes(), memory.high_bytes())},
          {"maxBytes", limit(memory.has_max_bytes(), memory.max_bytes())},
          {"lowEvents", known(memory.has_low_events(), memory.low_events())},
          {"highEvents", known(memory.has_high_events(), memory.high_events())},
          {"maxEvents", known(memory.has_max_events(), memory.max_events())},
          {"oomEvents", known(memory.has_oom_events(), memory.oom_events())},
          {"oomKills", known(memory.has_oom_kills(), memory.oom_kills())},
          {"oomGroupKills", known(memory.has_oom_group_kills(), memory.oom_group_kills())}};
}

JsonValue document(const pb::ContainerStats& stats) {
  JsonValue out = {{"metadata",
                    {{"namespace", stats.namespace_()},
                     {"pod", stats.pod()},
                     {"name", stats.name()},
                     {"id", stats.id()}}}};
  if (!stats.node().empty()) out["metadata"]["node"] = stats.node();
  if (!stats.class_name().empty()) out["class"] = stats.class_name();
  if (!stats.problem().empty()) {
    out["problem"] = stats.problem();
    return out;
  }
  const auto throttled = throttledPercent(stats);
  out["throttledPercent"] = throttled ? JsonValue(*throttled) : JsonValue(nullptr);
  out["windowSeconds"] =
      known(stats.has_window(), static_cast<double>(stats.window().seconds()) + stats.window().nanos() / 1e9);
  if (stats.has_traffic()) out["traffic"] = cli::document(stats.traffic());
  out["cpu"] = document(stats.cpu());
  out["cpuPressure"] = document(stats.cpu_pressure());
  out["memoryPressure"] = document(stats.memory_pressure());
  out["ioPressure"] = document(stats.io_pressure());
  out["memory"] = document(stats.memory());
  out["pids"] = {{"current", known(stats.pids().has_current(), stats.pids().current())},
                 {"peak", known(stats.pids().has_peak(), stats.pids().peak())},
                 {"max", limit(stats.pids().has_max(), stats.pids().max())}};
  return out;
}

}  // namespace

std::optional<double> throttledPercent(const pb::ContainerStats& stats) {
  const pb::CpuStats& now = stats.cpu();
  if (!now.has_periods() || !now.has_throttled_periods()) return std::nullopt;
  uint64_t periods = now.periods(), throttled = now.throttled_periods();
  const pb::CpuStats& before = stats.cpu_before();
  if (before.has_periods() && before.has_throttled_periods() && before.periods() <= periods &&
      before.throttled_periods() <= throttled) {
    periods -= before.periods();
    throttled -= before.throttled_periods();
    // It did not want to run in that time, or has no limit any more.
    if (periods == 0) return 0.0;
  }
  if (periods == 0) return std::nullopt;
  return 100.0 * static_cast<double>(throttled) / static_cast<double>(periods);
}

void sortStats(std::vector<pb::ContainerStats>& stats, TopOrder order) {
  // nullopt is less than any value: with > the unknown come last.
  std::stable_sort(stats.begin(), stats.end(),
                   [order](const auto& a, const auto& b) { return keyOf(a, order) > keyOf(b, order); });
}

std::string topTable(std::span<const pb::ContainerStats> stats, const View& view) {
  std::vector<std::string> headers = {"POD",     "CONTAINER", "CLASS",  "THROTTLED", "CPU-PSI",
                                      "MEM-PSI", "IO-PSI",    "MEMORY", "PEAK",      "HIGH",
                                      "MAX",     "HIGHS",     "OOMS",   "KILLS",     "PIDS"};
  if (view.all_namespaces) headers.insert(headers.begin(), "NAMESPACE");
  if (view.wide) headers.insert(headers.end(), {"PIDS-PEAK", "PIDS-MAX", "OVER"});
  if (view.wide && view.nodes) headers.emplace_back("NODE");
  Table table(headers);
  for (const pb::ContainerStats& each : stats) {
    table.add(cellsOf(each, view));
    if (!each.problem().empty()) table.note(printable(each.problem()));
  }
  return table.render(view.palette, view.headers);
}

JsonValue document(std::span<const pb::ContainerStats> stats) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "ContainerStatsList"}};
  out["items"] = JsonValue::array();
  for (const pb::ContainerStats& each : stats) out["items"].push_back(document(each));
  return out;
}

}  // namespace plimsoll::cli
