// What users write, to values. Messages have the form `"512mb" is not a quantity; write 512Mi, 512M or max`.
#include <algorithm>

#include "pkg/base/parse.h"
#include "pkg/model/device_text.h"
#include "pkg/model/dscp_text.h"
#include "pkg/model/priority_text.h"
#include "pkg/model/quantity.h"
#include "pkg/model/value.h"
#include "pkg/model/value_lists.h"

namespace plimsoll::model {
namespace {

using base::invalidArgument;
using base::Result;

// Longest values taken: one number, and lists of devices or CPUs.
constexpr size_t kLongestPlain = 256;
constexpr size_t kLongestList = 1024;

// `what` is wrong with `text`; `right` would be right.
tl::unexpected<base::Error> wrong(std::string_view text, std::string_view what, std::string_view right) {
  return invalidArgument(inQuotes(text) + " " + std::string(what) + "; write " + std::string(right));
}

std::string orMax(const SettingSpec& spec, std::string text) {
  if (!spec.allows_max) return text;
  const std::string_view word = spec.type == ValueType::Rlimit ? "unlimited" : "max";
  return text.append(" or ").append(word);
}

std::string rangeText(const SettingSpec& spec) {
  return orMax(spec, "a whole number from " + std::to_string(spec.min) + " to " + std::to_string(spec.max));
}

constexpr const char* kBytesForms = "512Mi, 512M";

// "512mb", "1 GB", "64MIB": what was probably meant.
std::string bytesHint(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  std::string_view rest = base::trim(text.substr(n));
  if (n == 0 || n > 18 || (n > 1 && text.front() == '0') || rest.empty() || rest.size() > 5)
    return kBytesForms;
  char letter = rest.front();
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  if (std::string_view("KMGTPE").find(letter) == std::string_view::npos) return kBytesForms;
  const std::string number(text.substr(0, n));
  return number + letter + "i, " + number + (letter == 'K' ? 'k' : letter);
}

Result<Value> parseInteger(const SettingSpec& spec, std::string_view text) {
  if (spec.allows_max && text == "max") return Number{kMax};
  auto value = base::parseInt<int64_t>(text);
  if (!value) {
    if (text.size() > 1 && text.front() == '0' &&
        text.find_first_not_of("0123456789") == std::string_view::npos) {
      return wrong(text, "has a leading zero, which some readers take for octal", rangeText(spec));
    }
    return wrong(text, "is not a number that is taken", rangeText(spec));
  }
  if (*value < spec.min || *value > spec.max) return wrong(text, "is out of range", rangeText(spec));
  return Number{*value};
}

Result<Value> parseFlag(std::string_view text) {
  if (text == "true" || text == "1") return Number{1};
  if (text == "false" || text == "0") return Number{0};
  return wrong(text, "is neither true nor false", "true or false");
}

Result<Value> parseByteCount(const SettingSpec& spec, std::string_view text) {
  if (spec.allows_max && text == "max") return Number{kMax};
  auto value = parseBytes(text);
  if (!value) {
    const bool unit = value.error().message.starts_with("is ") && value.error().message != "is too large";
    return wrong(text, value.error().message, orMax(spec, unit ? bytesHint(text) : std::string(kBytesForms)));
  }
  if (*value < spec.min || *value > spec.max) return wrong(text, "is out of range", orMax(spec, "512Mi"));
  return Number{*value};
}

Result<Value> parseBitRate(const SettingSpec& spec, std::string_view text) {
  constexpr const char* kForms = "10M, 1G";
  if (spec.allows_max && text == "max") return Number{kMax};
  auto value = parseBytes(text);
  if (!value) return wrong(text, value.error().message, orMax(spec, kForms) + " (bits per second)");
  if (*value < spec.min || *value > spec.max)
    return wrong(text, "is out of range", orMax(spec, "a rate from 1k to 1P, such as 10M"));
  return Number{*value};
}

Result<Value> parseTime(const SettingSpec& spec, std::string_view text) {
  auto value = parseDuration(text);
  if (!value) return wrong(text, value.error().message, "20ms, 1.5s or 100us");
  if (*value < spec.min || *value > spec.max) return wrong(text, "is out of range", "20ms");
  return Number{*value};
}

Result<Value> parsePart(const SettingSpec& spec, std::string_view text) {
  if (spec.allows_max && text == "max") return Number{kMax};
  auto value = parsePercent(text);
  if (!value) return wrong(text, value.error().message, orMax(spec, "12.5%"));
  if (*value < spec.min || *value > spec.max)
    return wrong(text, "is out of range", orMax(spec, "0% to 100%"));
  return Number{*value};
}

constexpr std::string_view kCpuMaxForms = "1500m, 2, max, or with a period: \"1500m 50ms\"";
constexpr int64_t kShortestPeriod = 1'000,
                  kLongestPeriod = 1'000'000;  // kernel/sched/core.c, tg_set_cfs_bandwidth

Result<Value> parseCpuMax(const SettingSpec& spec, std::string_view text) {
  const auto words = base::splitWords(text);
  if (words.empty() || words.size() > 2) return wrong(text, "is not an amount of CPU", kCpuMaxForms);
  CpuMax value;
  if (words.size() == 2) {
    auto period = parseDuration(words[1]);
    if (!period) return wrong(text, "has a period that " + period.error().message, kCpuMaxForms);
    if (*period < kShortestPeriod || *period > kLongestPeriod) {
      return wrong(text, "has a period outside of 1ms to 1s", kCpuMaxForms);
    }
    value.period_us = *period;
  }
  if (words[0] == "max") return value;
  auto quota = parseQuantity(words[0], value.period_us);
  if (!quota) return wrong(text, quota.error().message, kCpuMaxForms);
  if (*quota > CpuSet::kLimit * value.period_us) {
    return wrong(text, "is more CPUs than any machine has (the unit is one CPU)", kCpuMaxForms);
  }
  if (*quota < spec.min) {
    return wrong(text, "gives less than 1ms in each period, the least the kernel takes",
                 formatCpus(spec.min, value.period_us) + " or more, or a longer period");
  }
  value.quota_us = *quota;
  return value;
}

Result<Value> parseCpuList(std::string_view text) {
  auto set = CpuSet::parse(text);
  if (!set) return wrong(text, set.error().message, "numbers and ranges such as 0-3,8");
  return *std::move(set);
}

Result<Value> parseWord(const SettingSpec& spec, std::string_view text) {
  if (std::find(spec.words.begin(), spec.words.end(), text) != spec.words.end())
    return Word{std::string(text)};
  std::string right;
  for (size_t i = 0; i < spec.words.size(); ++i) {
    right.append(i == 0 ? "" : i + 1 == spec.words.size() ? " or " : ", ").append(spec.words[i]);
  }
  return wrong(text, "is not known here", right);
}

// A DNS label as Kubernetes names things; classes are named so too.
bool isName(std::string_view text) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63 || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return alnum(c) || c == '-'; });
}

Result<Value> parseProfileName(std::string_view text) {
  if (!isName(text)) return wrong(text, "is not the name of a profile", "one of the node's configuration");
  return Word{std::string(text)};
}

Result<Value> parseClassName(std::string_view text) {
  if (!isName(text)) return wrong(text, "is not the name of a class", "one such as latency-critical");
  return Word{std::string(text)};
}

constexpr std::string_view kRlimitForms = "4096, unlimited, or soft:hard such as 1024:4096";

Result<int64_t> parseRlimitPart(std::string_view text) {
  if (text == "unlimited") return kMax;
  return parseBytes(text);
}

Result<Value> parseRlimit(std::string_view text) {
  const size_t colon = text.find(':');
  auto soft = parseRlimitPart(text.substr(0, colon));
  if (!soft) return wrong(text, soft.error().message, kRlimitForms);
  auto hard = colon == std::string_view::npos ? soft : parseRlimitPart(text.substr(colon + 1));
  if (!hard) return wrong(text, hard.error().message, kRlimitForms);
  if (*soft > *hard) return wrong(text, "has a soft limit above the hard one", kRlimitForms);
  return Rlimit{*soft, *hard};
}

std::string integersRight(const SettingSpec& spec) {
  const std::string count = spec.count == 0   ? "one to four whole numbers"
                            : spec.count == 1 ? "a whole number"
                                              : std::to_string(spec.count) + " whole numbers";
  std::string text = count + " such as \"" + std::string(spec.example) + "\"";
  if (spec.max != INT64_MAX)
    text += ", each from " + std::to_string(spec.min) + " to " + std::to_string(spec.max);
  return text;
}

constexpr size_t kMostIntegers = 4;

Result<Value> parseIntegers(const SettingSpec& spec, std::string_view text) {
  auto value = readIntegers(text);
  if (!value) return wrong(text, value.error().message, integersRight(spec));
  const size_t count = value->values.size();
  if (spec.count > 0 ? count != static_cast<size_t>(spec.count) : count > kMostIntegers) {
    return wrong(text, "has " + std::to_string(count) + " numbers", integersRight(spec));
  }
  for (Integers::Wide number : value->values) {
    const bool above = spec.max != INT64_MAX && number > spec.max;
    if (number < spec.min || above) return wrong(text, "is out of range", integersRight(spec));
  }
  return *std::move(value);
}

Result<Value> parsePorts(std::string_view text) {
  auto ports = canonicalPorts(text);
  if (!ports) return wrong(text, ports.error().message, "ports and ranges such as 8080,9000-9100");
  return Word{*std::move(ports)};
}

template <typename Parsed>
Result<Value> orWrong(std::string_view text, Parsed parsed, std::string_view right) {
  if (!parsed) return wrong(text, parsed.error().message, right);
  return *std::move(parsed);
}

base::Status checkText(const SettingSpec& spec, std::string_view text) {
  const bool list = spec.type == ValueType::CpuList || spec.type == ValueType::IoWeight ||
                    spec.type == ValueType::IoMax || spec.type == ValueType::IoLatency ||
                    spec.type == ValueType::PortList;
  const size_t longest = list ? kLongestList : kLongestPlain;
  const std::string example(spec.example);
  if (text.empty()) return invalidArgument("is empty; write a value such as " + example);
  if (text.size() > longest) {
    return wrong(text, "has " + std::to_string(text.size()) + " bytes, more than " + std::to_string(longest),
                 "a value such as " + example);
  }
  if (text.find('\0') != std::string_view::npos) {
    return wrong(text, "holds a NUL byte", "a value such as " + example);
  }
  return base::ok();
}

}  // namespace

Result<Value> parseValue(const SettingSpec& spec, std::string_view text) {
  if (spec.type == ValueType::Document) return Word{std::string(text)};
  text = base::trim(text);
  RETURN_IF_ERROR(checkText(spec, text));
  switch (spec.type) {
    case ValueType::Integer:
      return parseInteger(spec, text);
    case ValueType::Flag:
      return parseFlag(text);
    case ValueType::Bytes:
      return parseByteCount(spec, text);
    case ValueType::CpuMax:
      return parseCpuMax(spec, text);
    case ValueType::Duration:
      return parseTime(spec, text);
    case ValueType::Percent:
      return parsePart(spec, text);
    case ValueType::CpuList:
      return parseCpuList(text);
    case ValueType::Word:
      return parseWord(spec, text);
    case ValueType::IoWeight:
      return parseIoWeight(spec, text);
    case ValueType::IoMax:
      return parseIoMax(spec, text);
    case ValueType::IoLatency:
      return parseIoLatency(spec, text);
    case ValueType::Rlimit:
      return parseRlimit(text);
    case ValueType::ClassName:
      return parseClassName(text);
    case ValueType::Integers:
      return parseIntegers(spec, text);
    case ValueType::PortList:
      return parsePorts(text);
    case ValueType::IoPriority:
      return orWrong(text, parseIoPriority(text), kIoPriorityForms);
    case ValueType::Profile:
      return parseProfileName(text);
    case ValueType::Scheduler:
      return orWrong(text, parseScheduler(text), kSchedulerForms);
    case ValueType::BitRate:
      return parseBitRate(spec, text);
    case ValueType::Dscp:
      return orWrong(text, parseDscp(text), kDscpForms);
    case ValueType::Document:
      break;
  }
  return invalidArgument("cannot be set");
}

}  // namespace plimsoll::model
