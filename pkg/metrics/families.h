// The table of everything /metrics can show: one row per family. The exposition takes HELP and TYPE from it,
// docs/metrics.md its list; a family that is not here cannot be written. Constant data, any thread.
//
// Stability is Kubernetes' own: an ALPHA family may change or go at any time, a STABLE one not without a
// warning a release ahead.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace plimsoll::metrics {

enum class Type { Counter, Gauge, Histogram };
enum class Stability { Alpha, Stable };

struct Family {
  std::string_view name;
  Type type;
  std::string_view labels;  // "setting, state"; empty: none
  Stability stability;
  std::string_view help;         // one line, no escapes needed
  std::string_view values = {};  // what the labels may be, for the documentation
  bool per_container = false;    // only with metrics.perContainer
};

std::span<const Family> families();
// nullptr: there is none of that name.
const Family* findFamily(std::string_view name);

std::string_view typeName(Type type);                 // "counter"
std::string_view stabilityName(Stability stability);  // "ALPHA"

// The list of docs/metrics.md, in Markdown.
std::string familiesTable(bool per_container);

}  // namespace plimsoll::metrics
