#include "pkg/metrics/exposition.h"

#include <cassert>
#include <charconv>

namespace plimsoll::metrics {
namespace {

// Shortest text that gives the same number again.
template <typename T>
std::string_view textOf(T value, std::span<char> buffer) {
  const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<size_t>(end - buffer.data())};
}

// Length of the well-formed UTF-8 sequence at the start of `text`; 0: there is none.
size_t sequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond Unicode.
  const bool bad = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                   (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return bad ? 0 : length;
}

void appendLabelValue(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t length = sequenceLength(text);
    const char c = text.front();
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (length > 0) {
      out += text.substr(0, length);
    }
    text.remove_prefix(length > 0 ? length : 1);
  }
}

}  // namespace

void Writer::family(std::string_view name) {
  family_ = findFamily(name);
  assert(family_ && "a family that is written has a row in the table");
  header_written_ = false;
}

void Writer::header() {
  if (header_written_) return;
  header_written_ = true;
  out_ += "# HELP ";
  out_ += family_->name;
  out_ += " [";
  out_ += stabilityName(family_->stability);
  out_ += "] ";
  out_ += family_->help;
  out_ += "\n# TYPE ";
  out_ += family_->name;
  out_ += ' ';
  out_ += typeName(family_->type);
  out_ += '\n';
}

void Writer::line(std::string_view suffix, Labels labels, std::pair<std::string_view, std::string_view> extra,
                  std::string_view value) {
  header();
  out_ += family_->name;
  out_ += suffix;
  char before = '{';
  const auto label = [&](std::string_view key, std::string_view text) {
    out_ += before;
    before = ',';
    out_ += key;
    out_ += "=\"";
    appendLabelValue(out_, text);
    out_ += '"';
  };
  for (const auto& [key, text] : labels) label(key, text);
  if (!extra.first.empty()) label(extra.first, extra.second);
  if (before == ',') out_ += '}';
  out_ += ' ';
  out_ += value;
  out_ += '\n';
}

void Writer::sample(Labels labels, uint64_t value) {
  char buffer[32];
  line("", labels, {}, textOf(value, buffer));
}

void Writer::sample(Labels labels, int64_t value) {
  char buffer[32];
  line("", labels, {}, textOf(value, buffer));
}

void Writer::sample(Labels labels, double value) {
  char buffer[32];
  line("", labels, {}, textOf(value, buffer));
}

void Writer::histogram(Labels labels, const Histogram::Snapshot& shot) {
  char bound[32], number[32];
  for (size_t i = 0; i < shot.bounds.size(); ++i) {
    const double le = std::chrono::duration<double>(shot.bounds[i]).count();
    line("_bucket", labels, {"le", textOf(le, bound)}, textOf(shot.cumulative[i], number));
  }
  line("_bucket", labels, {"le", "+Inf"}, textOf(shot.count, number));
  line("_sum", labels, {}, textOf(shot.sum_seconds, number));
  line("_count", labels, {}, textOf(shot.count, number));
}

}  // namespace plimsoll::metrics
