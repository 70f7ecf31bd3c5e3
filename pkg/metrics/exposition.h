// Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/): families by
// their rows in the table, samples under them. Label values are escaped and made valid UTF-8 by dropping what
// is not.
//
//   Writer writer(out);
//   writer.family("plimsoll_settings");
//   writer.sample({{"setting", "cpu.max"}, {"state", "applied"}}, 3);
//
// A family's samples must stand together: family() once each. HELP and TYPE come with the first sample, so a
// family without samples does not show. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "pkg/metrics/families.h"
#include "pkg/metrics/instruments.h"

namespace plimsoll::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void family(std::string_view name);
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, int64_t value);
  void sample(Labels labels, int value) { sample(labels, static_cast<int64_t>(value)); }
  void sample(Labels labels, double value);
  void histogram(Labels labels, const Histogram::Snapshot& shot);

 private:
  void header();
  // `extra`: one more label ("le"); an empty key: none.
  void line(std::string_view suffix, Labels labels, std::pair<std::string_view, std::string_view> extra,
            std::string_view value);

  std::string& out_;
  const Family* family_ = nullptr;
  bool header_written_ = false;
};

}  // namespace plimsoll::metrics
