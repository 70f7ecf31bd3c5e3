#include "pkg/cgroup/stats.h"

#include <charconv>
#include <string>

#include "pkg/base/parse.h"
#include "pkg/model/value.h"

namespace plimsoll::cgroup {
namespace {

using base::parseInt;
using model::ContainerStats;

// "key value" lines; what is not two words, or no number, is left out.
template <typename Use>
void eachPair(std::string_view text, Use use) {
  for (std::string_view line : base::split(text, '\n')) {
    const auto words = base::splitWords(line);
    if (words.size() != 2) continue;
    if (const auto value = parseInt<uint64_t>(words[1])) use(words[0], *value);
  }
}

// "12.34" as the kernel writes it; nothing else.
std::optional<double> parsePercent(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [ptr, ec] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  // from_chars takes "nan", which no comparison holds for.
  if (ec != std::errc{} || ptr != end || !(value >= 0 && value <= 100)) return std::nullopt;
  return value;
}

// One number, or "max".
std::optional<int64_t> parseLimit(std::string_view text) {
  const std::string_view word = base::trim(text);
  if (word == "max") return model::kMax;
  const auto value = parseInt<int64_t>(word);
  return value && *value >= 0 ? value : std::nullopt;
}

std::optional<uint64_t> parseCount(std::string_view text) { return parseInt<uint64_t>(base::trim(text)); }

// Reads the files one after the other; remembers whether any was there, and why the first was not.
class Reader {
 public:
  explicit Reader(const ContainerCgroup& cgroup) : cgroup_(cgroup) {}

  template <typename Parse>
  void file(const std::string& name, Parse parse) {
    if (gone_) return;
    auto text = cgroup_.read(name);
    if (text) {
      any_ = true;
      parse(*text);
    } else if (text.error().isGone()) {
      gone_ = true;
      error_ = std::move(text).error();
    } else if (!any_) {
      error_ = std::move(text).error();
    }
  }
  bool failed() const { return gone_ || !any_; }
  base::Error error() const { return error_; }

 private:
  const ContainerCgroup& cgroup_;
  bool any_ = false, gone_ = false;
  base::Error error_;
};

}  // namespace

void parseCpuStat(std::string_view text, ContainerStats& stats) {
  eachPair(text, [&](std::string_view key, uint64_t value) {
    if (key == "usage_usec") stats.cpu_usage_us = value;
    if (key == "nr_periods") stats.cpu_periods = value;
    if (key == "nr_throttled") stats.cpu_throttled_periods = value;
    if (key == "throttled_usec") stats.cpu_throttled_us = value;
  });
}

model::Pressure parsePressure(std::string_view text) {
  model::Pressure pressure;
  for (std::string_view line : base::split(text, '\n')) {
    const auto words = base::splitWords(line);
    if (words.empty() || (words[0] != "some" && words[0] != "full")) continue;
    const bool some = words[0] == "some";
    for (std::string_view word : words) {
      if (word.starts_with("avg10=")) {
        (some ? pressure.some_avg10 : pressure.full_avg10) = parsePercent(word.substr(6));
      }
      if (word.starts_with("total=")) {
        (some ? pressure.some_us : pressure.full_us) = parseInt<uint64_t>(word.substr(6));
      }
    }
  }
  return pressure;
}

model::MemoryEvents parseMemoryEvents(std::string_view text) {
  model::MemoryEvents events;
  eachPair(text, [&](std::string_view key, uint64_t value) {
    if (key == "low") events.low = value;
    if (key == "high") events.high = value;
    if (key == "max") events.max = value;
    if (key == "oom") events.oom = value;
    if (key == "oom_kill") events.oom_kill = value;
    if (key == "oom_group_kill") events.oom_group_kill = value;
  });
  return events;
}

Result<ContainerStats> readStats(const ContainerCgroup& cgroup) {
  ContainerStats stats;
  Reader reader(cgroup);
  reader.file("cpu.stat", [&](const std::string& text) { parseCpuStat(text, stats); });
  reader.file("cpu.pressure", [&](const std::string& text) { stats.cpu_pressure = parsePressure(text); });
  reader.file("memory.pressure",
              [&](const std::string& text) { stats.memory_pressure = parsePressure(text); });
  reader.file("io.pressure", [&](const std::string& text) { stats.io_pressure = parsePressure(text); });
  reader.file("memory.current", [&](const std::string& text) { stats.memory_current = parseCount(text); });
  reader.file("memory.peak", [&](const std::string& text) { stats.memory_peak = parseCount(text); });
  reader.file("memory.high", [&](const std::string& text) { stats.memory_high = parseLimit(text); });
  reader.file("memory.max", [&](const std::string& text) { stats.memory_max = parseLimit(text); });
  reader.file("memory.events",
              [&](const std::string& text) { stats.memory_events = parseMemoryEvents(text); });
  reader.file("pids.current", [&](const std::string& text) { stats.pids_current = parseCount(text); });
  reader.file("pids.peak", [&](const std::string& text) { stats.pids_peak = parseCount(text); });
  reader.file("pids.max", [&](const std::string& text) { stats.pids_max = parseLimit(text); });
  if (reader.failed()) return tl::make_unexpected(reader.error());
  return stats;
}

}  // namespace plimsoll::cgroup
