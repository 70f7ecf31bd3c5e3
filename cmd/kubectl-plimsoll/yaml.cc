// The YAML half of document.h.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>

#include "cmd/kubectl-plimsoll/document.h"

namespace plimsoll::cli {
namespace {

// Words that some YAML reader takes for something else than a string.
bool isReserved(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array kWords = {"true", "false", "yes", "no", "on",   "off",
                                 "null", "y",     "n",   "~",  ".inf", ".nan"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

// Letters first, and then only what has no meaning to YAML anywhere in a scalar.
bool isPlain(const std::string& text) {
  if (text.empty() || isReserved(text)) return false;
  if (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/') return false;
  if (text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == ' ' || c == '-' || c == '_' || c == '.' || c == '/' || c == '(' ||
           c == ')';
  });
}

// C1 controls, line separators and bidirectional overrides, as their UTF-8 bytes begin.
bool isHiddenControl(uint32_t code) {
  return (code >= 0x80 && code <= 0x9F) || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF ||
         code == 0x061C;
}

std::string doubleQuoted(const std::string& text) {
  std::string out = "\"";
  char escape[12];
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c < 0x20 || c == 0x7F) {
      std::snprintf(escape, sizeof escape, "\\x%02X", c);
      out += escape;
    } else if (c >= 0xC2 && c <= 0xEF && i + 1 < text.size()) {
      // Messages hold valid UTF-8 only, so the lead byte tells the length.
      const size_t length = std::min<size_t>(c >= 0xE0 ? 3 : 2, text.size() - i);
      uint32_t code = c & (length == 3 ? 0x0F : 0x1F);
      for (size_t k = 1; k < length; ++k) code = code << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3F);
      if (isHiddenControl(code)) {
        std::snprintf(escape, sizeof escape, "\\u%04X", code);
        out += escape;
      } else {
        out += text.substr(i, length);
      }
      i += length - 1;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

std::string scalar(const JsonValue& value) {
  if (!value.is_string()) return value.dump();  // null, numbers, true and false are the same in YAML
  const auto& text = value.get_ref<const std::string&>();
  return isPlain(text) ? text : doubleQuoted(text);
}

bool isLeaf(const JsonValue& value) { return !value.is_structured() || value.empty(); }

std::string leaf(const JsonValue& value) {
  if (value.is_array()) return "[]";
  return value.is_object() ? "{}" : scalar(value);
}

void emit(const JsonValue& value, const std::string& indent, bool in_list, std::string& out);

void emitList(const JsonValue& value, const std::string& indent, std::string& out) {
  for (const JsonValue& item : value) {
    out += indent + "- ";
    if (isLeaf(item)) {
      out += leaf(item) + "\n";
    } else {
      emit(item, indent + "  ", true, out);
    }
  }
}

// `in_list`: the first line follows "- " and is not indented.
void emit(const JsonValue& value, const std::string& indent, bool in_list, std::string& out) {
  if (value.is_array()) {
    if (in_list) out += "\n";
    emitList(value, indent, out);
    return;
  }
  for (const auto& [key, child] : value.items()) {
    if (!in_list) out += indent;
    in_list = false;
    out += (isPlain(key) ? key : doubleQuoted(key)) + ":";
    if (isLeaf(child)) {
      out += " " + leaf(child) + "\n";
    } else {
      out += "\n";
      emit(child, child.is_array() ? indent : indent + "  ", false,
           out);  // as kubectl: lists at their key's depth
    }
  }
}

}  // namespace

std::string toYaml(const JsonValue& value) {
  if (isLeaf(value)) return leaf(value) + "\n";
  std::string out;
  emit(value, "", false, out);
  return out;
}

}  // namespace plimsoll::cli
