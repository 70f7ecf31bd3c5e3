// Wanted against real, and more against less.
#include <algorithm>

#include "pkg/base/parse.h"
#include "pkg/model/priority_text.h"
#include "pkg/model/quantity.h"
#include "pkg/model/value.h"
#include "pkg/model/value_lists.h"

namespace plimsoll::model {
namespace {

// The kernel shows a clamp of 100.00 as "max".
Value canonical(const SettingSpec& spec, Value value) {
  if (spec.type != ValueType::Percent) return value;
  if (auto* number = std::get_if<Number>(&value); number != nullptr && number->value == kMax)
    number->value = 10'000;
  return value;
}

// The kernel's own words in "root invalid (Parent is not a partition root)".
std::string invalidReason(std::string_view text) {
  const size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return "";
  return std::string(text.substr(open + 1, close - open - 1));
}

std::partial_ordering order(const Number& a, const Number& b) { return a.value <=> b.value; }

std::partial_ordering order(const CpuMax& a, const CpuMax& b) {
  if (a.quota_us == kMax || b.quota_us == kMax) {
    return (a.quota_us == kMax ? 1 : 0) <=> (b.quota_us == kMax ? 1 : 0);
  }
  // Quotas above 2^43 do not exist: no overflow in 128 bits, and none to fear from the kernel's text either.
  __extension__ using Wide = __int128;
  return Wide{a.quota_us} * b.period_us <=> Wide{b.quota_us} * a.period_us;
}

std::partial_ordering order(const CpuSet& a, const CpuSet& b) {
  if (a == b) return std::partial_ordering::equivalent;
  if (a.containsAll(b)) return std::partial_ordering::greater;
  if (b.containsAll(a)) return std::partial_ordering::less;
  return std::partial_ordering::unordered;
}

std::partial_ordering order(const Word& a, const Word& b) {
  return a == b ? std::partial_ordering::equivalent : std::partial_ordering::unordered;
}

// By the highest weight on any device, since that is what neighbours feel.
int64_t highest(const IoWeight& value) {
  int64_t weight = value.default_weight;
  for (const IoValueEntry& entry : value.devices) weight = std::max(weight, entry.value);
  return weight;
}

std::partial_ordering order(const IoWeight& a, const IoWeight& b) { return highest(a) <=> highest(b); }

template <typename T>
std::partial_ordering orderUnordered(const T& a, const T& b) {
  return a == b ? std::partial_ordering::equivalent : std::partial_ordering::unordered;
}
std::partial_ordering order(const IoMax& a, const IoMax& b) { return orderUnordered(a, b); }
std::partial_ordering order(const IoLatency& a, const IoLatency& b) { return orderUnordered(a, b); }

std::partial_ordering order(const Rlimit& a, const Rlimit& b) {
  const auto soft = a.soft <=> b.soft, hard = a.hard <=> b.hard;
  if (soft == hard) return soft;
  if (soft == 0) return hard;
  if (hard == 0) return soft;
  return std::partial_ordering::unordered;
}

}  // namespace

Comparison compareWithKernel(const SettingSpec& spec, const Value& desired, std::string_view kernel_text) {
  const std::string_view text = base::trim(kernel_text);
  auto actual = parseKernelText(spec, desired, text);
  if (!actual) return {Comparison::Outcome::Adjusted, inQuotes(text), actual.error().message};
  if (spec.type == ValueType::Word && text.find(" invalid") != std::string_view::npos) {
    return {Comparison::Outcome::Invalid, std::string(text), invalidReason(text)};
  }
  std::string shown = formatValue(spec, *actual);
  if (shown.empty()) shown = spec.type == ValueType::CpuList ? "(as the parent)" : "(none)";
  const bool equal = canonical(spec, desired) == canonical(spec, *actual);
  return {equal ? Comparison::Outcome::Equal : Comparison::Outcome::Adjusted, std::move(shown), ""};
}

std::partial_ordering compareAmount(const Value& a, const Value& b) {
  return std::visit(
      []<typename A, typename B>(const A& x, const B& y) -> std::partial_ordering {
        if constexpr (std::is_same_v<A, B>) {
          return order(x, y);
        } else {
          return std::partial_ordering::unordered;
        }
      },
      a, b);
}

}  // namespace plimsoll::model
