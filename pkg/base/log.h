// Structured log lines on stderr: `time level message key=value ...`, one line each, whatever the values hold
// (control characters are escaped, long values cut). When whoever reads stderr does not keep up, lines are
// dropped and counted in the next one, since nothing here may wait for a reader.
//
//   log::info("Applied settings", {{"pod", pod}, {"container", name}});
//
// Levels: error = an operator must act; warn = something works less well than it should; info = state
// changed; debug = for whoever works on Plimsoll. Log where a thing is handled, not where it is returned. Any
// thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace plimsoll::base::log {

enum class Level { Debug, Info, Warn, Error };

// Everything below `level` is dropped. The default is Info.
void setLevel(Level level);
bool enabled(Level level);

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  template <typename T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};

using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view message, Fields fields);

inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Debug)) write(Level::Debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) { write(Level::Info, message, fields); }
inline void warn(std::string_view message, Fields fields = {}) { write(Level::Warn, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::Error, message, fields); }

// For metrics: lines logged at a level since the start (those that were dropped included), and lines dropped.
uint64_t messages(Level level);
uint64_t dropped();

// The text as it stands in a log line: control characters escaped, quoted where it has blanks, cut at `limit`
// bytes.
std::string quoted(std::string_view text, size_t limit = 512);

}  // namespace plimsoll::base::log
