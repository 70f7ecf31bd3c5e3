#include "pkg/model/value_lists.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "pkg/base/parse.h"

namespace plimsoll::model {
namespace {

using base::invalidArgument;
using base::Result;
using Wide = Integers::Wide;

std::optional<Wide> wide(std::string_view text) {
  if (text.starts_with('-')) {
    const auto value = base::parseInt<int64_t>(text);
    if (!value) return std::nullopt;
    return Wide{*value};
  }
  const auto value = base::parseInt<uint64_t>(text);
  if (!value) return std::nullopt;
  return Wide{*value};
}

}  // namespace

Result<Integers> readIntegers(std::string_view text) {
  Integers value;
  for (std::string_view word : base::splitWords(text)) {
    const auto number = wide(word);
    if (!number) return invalidArgument("is not a list of whole numbers");
    value.values.push_back(*number);
  }
  if (value.values.empty()) return invalidArgument("is not a list of whole numbers");
  return value;
}

std::string formatInteger(Wide value) {
  if (value < 0) return std::to_string(static_cast<int64_t>(value));
  return std::to_string(static_cast<uint64_t>(value));
}

std::string formatIntegers(const Integers& value) {
  std::string text;
  for (Wide number : value.values) text += (text.empty() ? "" : " ") + formatInteger(number);
  return text;
}

std::partial_ordering order(const Integers& a, const Integers& b) {
  if (a.values.size() != b.values.size()) return std::partial_ordering::unordered;
  bool less = false, greater = false;
  for (size_t i = 0; i < a.values.size(); ++i) {
    less = less || a.values[i] < b.values[i];
    greater = greater || a.values[i] > b.values[i];
  }
  if (less && greater) return std::partial_ordering::unordered;
  if (less) return std::partial_ordering::less;
  return greater ? std::partial_ordering::greater : std::partial_ordering::equivalent;
}

Result<std::string> canonicalPorts(std::string_view text) {
  std::vector<std::pair<int, int>> ranges;
  if (text.empty()) return std::string();
  for (std::string_view part : base::split(text, ',')) {
    const size_t dash = part.find('-');
    const auto first = base::parseInt<uint16_t>(part.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : base::parseInt<uint16_t>(part.substr(dash + 1));
    if (!first || !last) return invalidArgument("is not a list of ports from 0 to 65535");
    if (*first > *last) return invalidArgument("has a range whose end is below its start");
    ranges.emplace_back(*first, *last);
  }
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<int, int>> joined;
  for (const auto& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, range.second);
    } else {
      joined.push_back(range);
    }
  }
  std::string out;
  for (const auto& [first, last] : joined) {
    out += (out.empty() ? "" : ",") + std::to_string(first);
    if (last != first) out += "-" + std::to_string(last);
  }
  return out;
}

}  // namespace plimsoll::model
