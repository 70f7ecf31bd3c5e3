// The "drift" section of the node's configuration.
#include <array>

#include "pkg/config/reader.h"
#include "pkg/model/quantity.h"

namespace plimsoll::config {
namespace {

using model::DriftMode;

constexpr std::string_view kDriftKeys[] = {"default", "settings", "fight"};
constexpr std::string_view kFightKeys[] = {"rewrites", "window"};
constexpr std::array kModes = {DriftMode::Enforce, DriftMode::Warn, DriftMode::Yield};

std::optional<DriftMode> readMode(const Entry& entry, Problems& problems) {
  auto word = readText(entry, problems);
  if (!word) return std::nullopt;
  std::vector<std::string_view> names;
  for (DriftMode mode : kModes) {
    if (driftModeName(mode) == *word) return mode;
    names.push_back(driftModeName(mode));
  }
  problems.add(entry.line, entry.key + " wants enforce, warn or yield, not " + model::inQuotes(*word) +
                               didYouMean(*word, names));
  return std::nullopt;
}

void readModes(const Entry& entry, model::DriftRules& drift, Problems& problems) {
  if (!entry.value.isMap()) {
    problems.add(entry.line, "settings of drift wants a mapping from setting to enforce, warn or yield");
    return;
  }
  for (const Entry& e : entry.value.entries) {
    if (rowsOf(e.key).empty()) {
      auto near = model::nearestSettingKey(e.key);
      problems.add(e.line, "there is no setting " + model::inQuotes(e.key) +
                               (near ? "; did you mean " + *near + "?" : ""));
    }
    if (auto mode = readMode(e, problems)) drift.settings.emplace_back(e.key, *mode);
  }
}

void readFight(const Entry& entry, model::DriftRules& drift, Problems& problems) {
  if (!checkMap(entry.value, entry.line, "fight", kFightKeys, problems)) return;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "rewrites") {
      drift.fight_rewrites =
          static_cast<int>(readNumber(e.value, e.key, 1, 1000, problems).value_or(drift.fight_rewrites));
      continue;
    }
    auto text = readText(e, problems);
    if (!text) continue;
    auto window = model::parseDuration(*text);
    if (!window || *window < 1'000'000) {
      problems.add(e.line,
                   "window wants a duration of at least 1s, such as 60s, not " + model::inQuotes(*text));
      continue;
    }
    drift.fight_window = std::chrono::milliseconds(*window / 1000);
  }
}

}  // namespace

model::DriftRules readDrift(const Entry& entry, Problems& problems) {
  model::DriftRules drift;
  if (!checkMap(entry.value, entry.line, "drift", kDriftKeys, problems)) return drift;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "default") drift.otherwise = readMode(e, problems);
    if (e.key == "settings") readModes(e, drift, problems);
    if (e.key == "fight") readFight(e, drift, problems);
  }
  return drift;
}

}  // namespace plimsoll::config
