// Numbers out of text. Strict: the whole text is the number, no white space, no sign unless the type has one,
// no octal or hexadecimal. Not for quantities with units (pkg/model/quantity.h).
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

namespace plimsoll::base {

// nullopt: not a decimal number, or out of T's range. A leading "+" and leading zeroes ("007") are refused,
// since one reader takes them for octal and another does not.
template <typename T>
std::optional<T> parseInt(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '-') digits.remove_prefix(1);
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  T value{};
  const char* end = text.data() + text.size();
  auto [ptr, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || ptr != end) return std::nullopt;
  return value;
}

// Without leading and trailing blanks, tabs and line ends.
std::string_view trim(std::string_view text);

// Splits at each `sep`; "a,,b" has three parts and "" has one.
std::vector<std::string_view> split(std::string_view text, char sep);

// Splits at runs of blanks, tabs and line ends; no part is empty.
std::vector<std::string_view> splitWords(std::string_view text);

}  // namespace plimsoll::base
