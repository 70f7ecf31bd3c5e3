#include "pkg/base/log.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <ctime>

namespace plimsoll::base::log {
namespace {

std::atomic<Level> g_level{
    Level::Info};  // constant-initialised; the one process-wide setting, since stderr is one too

std::string_view name(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
  }
  return "info";
}

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  char text[40];
  size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
  return text;
}

void appendEscaped(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == '\n') {
    out += "\\n";
  } else if (c < 0x20 || c == 0x7f) {
    out += "\\x";
    out += kHex[c >> 4];
    out += kHex[c & 15];
  } else {
    out += static_cast<char>(c);
  }
}

// What a pipe takes in one piece once poll(2) calls it writable.
constexpr size_t kLongestLine = PIPE_BUF - 64;

std::atomic<uint64_t> g_dropped{0};  // lines since the last that was written
std::atomic<uint64_t> g_all_dropped{0};
std::atomic<uint64_t> g_messages[4]{};  // by level

// Whoever reads our stderr may be slow or stuck (a runtime that restarts); the agent never waits for it.
bool writable() {
  pollfd stream{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  return poll(&stream, 1, 0) == 1 && (stream.revents & POLLOUT) != 0;
}

void emit(std::string& line) {
  if (!writable()) {
    g_dropped.fetch_add(1, std::memory_order_relaxed);
    g_all_dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (line.size() > kLongestLine) line.resize(kLongestLine);
  if (uint64_t dropped = g_dropped.exchange(0, std::memory_order_relaxed); dropped > 0) {
    line += " dropped_lines=" + std::to_string(dropped);
  }
  line += '\n';
  // One write, so that lines of several threads do not mix.
  [[maybe_unused]] ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void setLevel(Level level) { g_level.store(level, std::memory_order_relaxed); }
bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

uint64_t messages(Level level) {
  return g_messages[static_cast<size_t>(level)].load(std::memory_order_relaxed);
}
uint64_t dropped() { return g_all_dropped.load(std::memory_order_relaxed); }

std::string quoted(std::string_view text, size_t limit) {
  bool cut = text.size() > limit;
  if (cut) text = text.substr(0, limit);
  bool plain = !text.empty() && !cut;
  for (unsigned char c : text) plain = plain && c > 0x20 && c != 0x7f && c != '"' && c != '\\' && c != '=';
  if (plain) return std::string(text);
  std::string out = "\"";
  for (unsigned char c : text) appendEscaped(out, c);
  out += cut ? "...\"" : "\"";
  return out;
}

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  g_messages[static_cast<size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  std::string line = timestamp();
  line += ' ';
  line += name(level);
  line += ' ';
  line += quoted(message);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += quoted(field.value);
  }
  emit(line);
}

}  // namespace plimsoll::base::log
