// Values to text: as users write them, and as the kernel takes them.
#include "pkg/model/device_text.h"
#include "pkg/model/dscp_text.h"
#include "pkg/model/priority_text.h"
#include "pkg/model/quantity.h"
#include "pkg/model/value.h"
#include "pkg/model/value_lists.h"

namespace plimsoll::model {
namespace {

std::string formatNumber(const SettingSpec& spec, int64_t value) {
  switch (spec.type) {
    case ValueType::Flag:
      return value != 0 ? "true" : "false";
    case ValueType::Bytes:
      return formatBytes(value);
    case ValueType::Duration:
      return formatDuration(value);
    case ValueType::Percent:
      return formatPercent(value);
    case ValueType::BitRate:
      return formatBitRate(value);
    case ValueType::Dscp:
      return formatDscp(value);
    default:
      return value == kMax ? "max" : std::to_string(value);
  }
}

std::string formatCpuMax(const CpuMax& value) {
  std::string text = formatCpus(value.quota_us, value.period_us);
  if (value.period_us != CpuMax{}.period_us) text += " " + formatDuration(value.period_us);
  return text;
}

std::string rlimitPart(int64_t value) { return value == kMax ? "unlimited" : std::to_string(value); }

// cpu.max: the kernel's own numbers, "150000 100000".
std::string maxOr(int64_t value) { return value == kMax ? "max" : std::to_string(value); }

// cpu.uclamp.*: two decimals, "12.50".
std::string clampText(int64_t hundredths) {
  if (hundredths == kMax) return "max";
  const std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + "." + (rest.size() < 2 ? "0" : "") + rest;
}

std::string ioMaxLine(const IoMaxEntry& entry) {
  std::string line = entry.device.toString();
  const auto put = [&line](std::string_view name, int64_t value) {
    if (value != -1) line.append(" ").append(name).append("=").append(maxOr(value));
  };
  put("rbps", entry.rbps);
  put("wbps", entry.wbps);
  put("riops", entry.riops);
  put("wiops", entry.wiops);
  return line;
}

struct Writes {
  const SettingSpec& spec;

  std::vector<std::string> operator()(const Number& v) const {
    if (spec.type == ValueType::Dscp) return {formatDscp(v.value)};
    return {spec.type == ValueType::Percent ? clampText(v.value) : maxOr(v.value)};
  }
  std::vector<std::string> operator()(const CpuMax& v) const {
    return {maxOr(v.quota_us) + " " + std::to_string(v.period_us)};
  }
  std::vector<std::string> operator()(const CpuSet& v) const { return {v.toString()}; }
  std::vector<std::string> operator()(const Word& v) const { return {v.word}; }
  std::vector<std::string> operator()(const IoWeight& v) const {
    std::vector<std::string> writes;
    if (v.default_weight != -1) writes.push_back("default " + std::to_string(v.default_weight));
    for (const IoValueEntry& e : v.devices)
      writes.push_back(e.device.toString() + " " + (e.value == 0 ? "default" : std::to_string(e.value)));
    return writes;
  }
  std::vector<std::string> operator()(const IoMax& v) const {
    std::vector<std::string> writes;
    for (const IoMaxEntry& entry : v.devices) writes.push_back(ioMaxLine(entry));
    return writes;
  }
  std::vector<std::string> operator()(const IoLatency& v) const {
    std::vector<std::string> writes;
    for (const IoValueEntry& e : v.devices) {
      writes.push_back(e.device.toString() + " target=" + std::to_string(e.value));
    }
    return writes;
  }
  std::vector<std::string> operator()(const Rlimit& v) const {
    return {rlimitPart(v.soft) + ":" + rlimitPart(v.hard)};
  }
  std::vector<std::string> operator()(const Integers& v) const { return {formatIntegers(v)}; }
  std::vector<std::string> operator()(const IoPriority& v) const { return {formatIoPriority(v)}; }
  std::vector<std::string> operator()(const Scheduler& v) const { return {formatScheduler(v)}; }
};

struct Format {
  const SettingSpec& spec;

  std::string operator()(const Number& v) const { return formatNumber(spec, v.value); }
  std::string operator()(const CpuMax& v) const { return formatCpuMax(v); }
  std::string operator()(const CpuSet& v) const { return v.toString(); }
  std::string operator()(const Word& v) const { return v.word; }
  std::string operator()(const IoWeight& v) const { return formatIoWeight(v); }
  std::string operator()(const IoMax& v) const { return formatIoMax(v); }
  std::string operator()(const IoLatency& v) const { return formatIoLatency(v); }
  std::string operator()(const Rlimit& v) const {
    return v.soft == v.hard ? rlimitPart(v.soft) : rlimitPart(v.soft) + ":" + rlimitPart(v.hard);
  }
  std::string operator()(const Integers& v) const { return formatIntegers(v); }
  std::string operator()(const IoPriority& v) const { return formatIoPriority(v); }
  std::string operator()(const Scheduler& v) const { return formatScheduler(v); }
};

}  // namespace

std::string formatValue(const SettingSpec& spec, const Value& value) {
  return std::visit(Format{spec}, value);
}

std::vector<std::string> kernelWrites(const SettingSpec& spec, const Value& value) {
  if (spec.target == Target::Plimsoll) return {};
  return std::visit(Writes{spec}, value);
}

}  // namespace plimsoll::model
