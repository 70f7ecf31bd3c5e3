#include "cmd/kubectl-plimsoll/text.h"

#include <cstdint>
#include <cstdio>

namespace plimsoll::cli {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: not valid UTF-8
};

Character decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 && lead <= 0xF4   ? 4
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xC2 && lead <= 0xDF ? 2
                                                       : 0;
  if (length == 0 || text.size() < length) return {};
  uint32_t code = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

bool steersTerminal(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029 ||
         code == 0x061C || (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

std::string escaped(uint32_t code) {
  char out[16];
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  std::snprintf(out, sizeof out, code <= 0xFF ? "\\x%02x" : "\\u{%04x}", code);
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = decode(text);
    if (character.bytes == 0) {
      out += escaped(static_cast<uint8_t>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    if (steersTerminal(character.code)) {
      out += escaped(character.code);
    } else {
      out += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

size_t displayWidth(std::string_view text) {
  size_t width = 0;
  for (char c : text) width += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  return width;
}

// The steps of duration.HumanDuration in Kubernetes' apimachinery, by their documented results.
std::string shortAge(std::chrono::seconds age) {
  const int64_t s = age.count();
  if (s <= 0) return "0s";
  const int64_t m = s / 60, h = s / 3600, d = s / 86400, y = d / 365;
  const auto pair = [](int64_t a, const char* ua, int64_t b, const char* ub) {
    return std::to_string(a) + ua + (b == 0 ? "" : std::to_string(b) + ub);
  };
  if (s < 120) return std::to_string(s) + "s";
  if (m < 10) return pair(m, "m", s % 60, "s");
  if (h < 3) return std::to_string(m) + "m";
  if (h < 8) return pair(h, "h", m % 60, "m");
  if (h < 48) return std::to_string(h) + "h";
  if (d < 8) return pair(d, "d", h % 24, "h");
  if (y < 2) return std::to_string(d) + "d";
  if (y < 8) return pair(y, "y", d % 365, "d");
  return std::to_string(y) + "y";
}

std::string quoted(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \"") == text.npos;
  const std::string safe = printable(text);
  return plain ? safe : "\"" + safe + "\"";
}

std::string Palette::paint(Tone tone, const std::string& text) const {
  if (!colours_ || tone == Tone::Plain) return text;
  const char* code = "0";
  switch (tone) {
    case Tone::Good:
      code = "32";
      break;
    case Tone::Warn:
      code = "33";
      break;
    case Tone::Bad:
      code = "31";
      break;
    case Tone::Faint:
      code = "2";
      break;
    case Tone::Strong:
      code = "1";
      break;
    case Tone::Plain:
      break;
  }
  return "\033[" + std::string(code) + "m" + text + "\033[0m";
}

bool useColours(ColourMode mode, bool is_tty, const char* no_color, const char* term) {
  if (mode != ColourMode::Auto) return mode == ColourMode::Always;
  if (no_color && *no_color) return false;
  return is_tty && term && std::string_view(term) != "dumb";
}

}  // namespace plimsoll::cli
