// What the kernel shows, to values. Formats: Documentation/admin-guide/cgroup-v2.rst, and seen on 6.12.
#include <algorithm>
#include <optional>

#include "pkg/base/parse.h"
#include "pkg/model/device_number.h"
#include "pkg/model/dscp_text.h"
#include "pkg/model/priority_text.h"
#include "pkg/model/quantity.h"
#include "pkg/model/value.h"
#include "pkg/model/value_lists.h"

namespace plimsoll::model {
namespace {

using base::Result;

tl::unexpected<base::Error> strange(std::string_view text) {
  return base::error(base::ErrorCode::Internal,
                     "the kernel shows " + inQuotes(text) + ", which is not understood");
}

std::optional<int64_t> numberOrMax(std::string_view text) {
  if (text == "max") return kMax;
  return base::parseInt<int64_t>(text);
}

Result<Value> readNumber(std::string_view text) {
  auto value = numberOrMax(text);
  if (!value) return strange(text);
  return Number{*value};
}

// "max 100000", "150000 100000"
Result<Value> readCpuMax(std::string_view text) {
  const auto words = base::splitWords(text);
  if (words.size() != 2) return strange(text);
  auto quota = numberOrMax(words[0]);
  auto period = base::parseInt<int64_t>(words[1]);
  if (!quota || !period || *quota < 0 || *period <= 0) return strange(text);
  return CpuMax{*quota, *period};
}

// "12.50", "max" (which is 100.00)
Result<Value> readPercent(std::string_view text) {
  if (text == "max") return Number{kMax};
  auto value = parsePercent(std::string(text) + "%");
  if (!value) return strange(text);
  return Number{*value};
}

Result<Value> readCpuList(std::string_view text) {
  auto set = CpuSet::parse(text);
  if (!set) return strange(text);
  return *std::move(set);
}

// "member", "root", "root invalid (Parent is not a partition root)"
Result<Value> readWord(const SettingSpec& spec, std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  if (std::find(spec.words.begin(), spec.words.end(), word) == spec.words.end()) return strange(text);
  return Word{std::string(word)};
}

struct DeviceLine {
  DeviceNumber device;
  std::vector<std::string_view> words;  // after the device
};

// Lines "8:16 word word ..."; `other` gets those that do not begin with a device.
template <typename Other>
Result<std::vector<DeviceLine>> readDeviceLines(std::string_view text, const Other& other) {
  std::vector<DeviceLine> lines;
  for (std::string_view line : base::split(text, '\n')) {
    auto words = base::splitWords(line);
    if (words.empty()) continue;
    auto device = parseDeviceNumber(words.front());
    if (!device) {
      if (!other(words)) return strange(line);
      continue;
    }
    words.erase(words.begin());
    lines.push_back(DeviceLine{*device, std::move(words)});
  }
  return lines;
}

const DeviceLine* lineOf(const std::vector<DeviceLine>& lines, const DeviceRef& device) {
  for (const DeviceLine& line : lines) {
    if (device.kind == DeviceRef::Kind::Number && line.device == device.number) return &line;
  }
  return nullptr;
}

constexpr int64_t kDefaultWeight = 100;

// "default 100\n8:16 200"
Result<Value> readIoWeight(const IoWeight& desired, std::string_view text) {
  int64_t default_weight = kDefaultWeight;
  const auto take_default = [&](const std::vector<std::string_view>& words) {
    if (words.size() != 2 || words[0] != "default") return false;
    auto weight = base::parseInt<int64_t>(words[1]);
    if (weight) default_weight = *weight;
    return weight.has_value();
  };
  ASSIGN_OR_RETURN(auto lines, readDeviceLines(text, take_default));
  IoWeight value;
  if (desired.default_weight != -1) value.default_weight = default_weight;
  for (const IoValueEntry& entry : desired.devices) {
    const DeviceLine* line = lineOf(lines, entry.device);
    int64_t weight = default_weight;
    if (line != nullptr) {
      auto parsed = line->words.size() == 1 ? base::parseInt<int64_t>(line->words[0]) : std::nullopt;
      if (!parsed) return strange(text);
      weight = *parsed;
    }
    value.devices.push_back(IoValueEntry{entry.device, weight});
  }
  return value;
}

bool noOther(const std::vector<std::string_view>&) { return false; }

// The number after "name=" among a line's words; `otherwise` where the line does not have it.
std::optional<int64_t> wordValue(const DeviceLine* line, std::string_view name, int64_t otherwise) {
  if (line == nullptr) return otherwise;
  for (std::string_view word : line->words) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      return numberOrMax(word.substr(name.size() + 1));
    }
  }
  return otherwise;
}

// "8:16 rbps=2097152 wbps=max riops=max wiops=120"; a device without limits has no line.
Result<Value> readIoMax(const IoMax& desired, std::string_view text) {
  ASSIGN_OR_RETURN(auto lines, readDeviceLines(text, noOther));
  IoMax value;
  for (const IoMaxEntry& wanted : desired.devices) {
    const DeviceLine* line = lineOf(lines, wanted.device);
    IoMaxEntry entry{wanted.device};
    const auto read = [&](std::string_view name, int64_t asked, int64_t& field) {
      if (asked == -1) return true;
      auto number = wordValue(line, name, kMax);
      if (number) field = *number;
      return number.has_value();
    };
    if (!read("rbps", wanted.rbps, entry.rbps) || !read("wbps", wanted.wbps, entry.wbps) ||
        !read("riops", wanted.riops, entry.riops) || !read("wiops", wanted.wiops, entry.wiops)) {
      return strange(text);
    }
    value.devices.push_back(std::move(entry));
  }
  return value;
}

// "8:16 target=75000"
Result<Value> readIoLatency(const IoLatency& desired, std::string_view text) {
  ASSIGN_OR_RETURN(auto lines, readDeviceLines(text, noOther));
  IoLatency value;
  for (const IoValueEntry& wanted : desired.devices) {
    auto target = wordValue(lineOf(lines, wanted.device), "target", 0);
    if (!target) return strange(text);
    value.devices.push_back(IoValueEntry{wanted.device, *target});
  }
  return value;
}

// "1024:4096", as kernelWrites puts it
Result<Value> readRlimit(std::string_view text) {
  const auto part = [](std::string_view word) -> std::optional<int64_t> {
    if (word == "unlimited") return kMax;
    return base::parseInt<int64_t>(word);
  };
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return strange(text);
  auto soft = part(text.substr(0, colon)), hard = part(text.substr(colon + 1));
  if (!soft || !hard) return strange(text);
  return Rlimit{*soft, *hard};
}

template <typename Parsed>
Result<Value> orStrange(std::string_view text, Parsed parsed) {
  if (!parsed) return strange(text);
  return *std::move(parsed);
}

// "8080,9000-9100", or nothing
Result<Value> readPorts(std::string_view text) {
  auto ports = canonicalPorts(text);
  if (!ports) return strange(text);
  return Word{*std::move(ports)};
}

template <typename T>
T orEmpty(const Value& value) {
  const T* held = std::get_if<T>(&value);
  return held != nullptr ? *held : T{};
}

}  // namespace

Result<Value> parseKernelText(const SettingSpec& spec, const Value& desired, std::string_view text) {
  text = base::trim(text);
  switch (spec.type) {
    case ValueType::Integer:
    case ValueType::Flag:
    case ValueType::Bytes:
    case ValueType::Duration:
    case ValueType::BitRate:
      return readNumber(text);
    case ValueType::Dscp:
      return orStrange(text, parseDscp(text));
    case ValueType::CpuMax:
      return readCpuMax(text);
    case ValueType::Percent:
      return readPercent(text);
    case ValueType::CpuList:
      return readCpuList(text);
    case ValueType::Word:
      return readWord(spec, text);
    case ValueType::IoWeight:
      return readIoWeight(orEmpty<IoWeight>(desired), text);
    case ValueType::IoMax:
      return readIoMax(orEmpty<IoMax>(desired), text);
    case ValueType::IoLatency:
      return readIoLatency(orEmpty<IoLatency>(desired), text);
    case ValueType::Rlimit:
      return readRlimit(text);
    case ValueType::Integers:
      return orStrange(text, readIntegers(text));
    case ValueType::PortList:
      return readPorts(text);
    case ValueType::IoPriority:
      return orStrange(text, parseIoPriority(text));
    case ValueType::Scheduler:
      return orStrange(text, parseScheduler(text));
    case ValueType::Profile:
      return Word{std::string(text)};
    case ValueType::ClassName:
    case ValueType::Document:
      break;
  }
  return base::error(base::ErrorCode::Unimplemented, std::string(spec.key) + " has no kernel file");
}

}  // namespace plimsoll::model
