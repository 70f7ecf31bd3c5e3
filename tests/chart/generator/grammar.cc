#include "tests/chart/generator/grammar.h"

#include <algorithm>

namespace plimsoll::deploy {
namespace {

using model::SettingSpec;
using model::ValueType;

constexpr const char* kSpace = "[[:space:]]";
const std::string kNumber = "(0|[1-9][0-9]*)([.][0-9]+)?";
const std::string kBytes = kNumber + "([KMGTPE]i|[kMGTPE]|[eE]-?[0-9]{1,2})?";
const std::string kCpus = kNumber + "([KMGTPE]i|[numkMGTPE]|[eE]-?[0-9]{1,2})?";
const std::string kDuration = "(" + kNumber + "(ns|us|\xc2\xb5s|\xce\xbcs|ms|s|m|h))*(" + kNumber +
                              "(ns|us|\xc2\xb5s|\xce\xbcs|ms|s|m|h)|0([.]0+)?)";
const std::string kDevice = "(path:/[^=;[:space:]]*|volume:[a-z0-9-]+|[0-9]+:[0-9]+)";
const std::string kName = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const std::string kPort = "[0-9]{1,5}";
constexpr const char* kWhole = "-?[0-9]{1,20}";

std::string group(const std::string& pattern) { return "(" + pattern + ")"; }

// `entry`, once or more, between `separator`s that may stand at the ends too.
std::string several(const std::string& entry, const std::string& separator) {
  return "(" + separator + ")*" + entry + "((" + separator + ")+" + entry + ")*(" + separator + ")*";
}

std::string integers(int count) {
  const std::string more = std::string(kSpace) + "+" + kWhole;
  const std::string times = count == 0 ? "{0,3}" : "{" + std::to_string(count - 1) + "}";
  return kWhole + group(more) + times;
}

std::string wordsOf(const SettingSpec& spec) { return anyOf({spec.words.begin(), spec.words.end()}); }

std::string ioMax() {
  const std::string limit = group(std::string(kSpace) + "+[rw](bps|iops)=(max|" + kBytes + ")");
  return several(kDevice + limit + "+", std::string(kSpace) + "*;" + kSpace + "*");
}

std::string scheduler() {
  return "(other|batch)(:-?[0-9]{1,2})?|idle|(fifo|rr)(:[0-9]{1,2})?|deadline:" + kDuration + "/" +
         kDuration + "/" + kDuration;
}

std::string bare(const SettingSpec& spec) {
  const std::string blank_or_semicolon = "[;[:space:]]";
  switch (spec.type) {
    case ValueType::Integer:
      return spec.min < 0 ? "-?(0|[1-9][0-9]{0,17})" : "(-?0|[1-9][0-9]{0,17})";
    case ValueType::Flag:
      return "true|false|0|1";
    case ValueType::Bytes:
    case ValueType::BitRate:
      return kBytes;
    case ValueType::CpuMax:
      return "(max|" + kCpus + ")(" + kSpace + "+" + kDuration + ")?";
    case ValueType::Duration:
      return kDuration;
    case ValueType::Percent:
      return kNumber + "%";
    case ValueType::CpuList:
      return "[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*";
    case ValueType::Word:
      return wordsOf(spec);
    case ValueType::IoWeight:
      return several("((default|" + kDevice + ")=)?[0-9]{1,5}", blank_or_semicolon);
    case ValueType::IoMax:
      return ioMax();
    case ValueType::IoLatency:
      return several(kDevice + "=" + group(kDuration), blank_or_semicolon);
    case ValueType::Rlimit:
      return "(unlimited|" + kBytes + ")(:(unlimited|" + kBytes + "))?";
    case ValueType::ClassName:
    case ValueType::Profile:
      return kName;
    case ValueType::Document:
      return "";
    case ValueType::Integers:
      return integers(spec.count);
    case ValueType::PortList:
      return kPort + "(-" + kPort + ")?(," + kPort + "(-" + kPort + ")?)*";
    case ValueType::IoPriority:
      return "idle|none|(be|rt):(-?0|[1-7])";
    case ValueType::Scheduler:
      return scheduler();
    case ValueType::Dscp:
      return "none|ef|va|le|cs[0-7]|af[1-4][1-3]|-?0|[0-9]{1,2}";
  }
  return "";
}

}  // namespace

std::string anyOf(const std::vector<std::string>& words) {
  std::string pattern;
  for (const std::string& word : words) {
    pattern += pattern.empty() ? "" : "|";
    for (char c : word) pattern += c == '.' ? std::string("[.]") : std::string(1, c);
  }
  return pattern;
}

std::string valuePattern(const SettingSpec& spec) {
  std::string pattern = bare(spec);
  if (pattern.empty()) return "";
  if (spec.allows_max && spec.type != ValueType::CpuMax && spec.type != ValueType::IoMax &&
      spec.type != ValueType::Rlimit) {
    pattern = "max|" + pattern;
  }
  return "^(" + pattern + ")$";
}

// Which of a family's are the node's own the agent says; the families themselves are the namespaces'.
std::string otherSysctlPattern() {
  return "^sysctl[.](net[.](core|ipv4|ipv6|netfilter|unix|mptcp|sctp)[.][a-z0-9_.-]+|"
         "kernel[.](shm|msg|sem)[a-z_]*|fs[.]mqueue[.][a-z_]+)$";
}

std::string slipPattern() {
  const std::string right(model::kAnnotationDomain.substr(0, model::kAnnotationDomain.find('.')));
  std::vector<std::string> slips;
  for (size_t i = 0; i < right.size(); ++i) {
    std::string one_less = right, one_more = right, swapped = right;
    one_less.erase(i, 1);
    one_more.insert(i, 1, right[i]);
    if (i + 1 < right.size()) std::swap(swapped[i], swapped[i + 1]);
    for (std::string& slip : std::vector<std::string>{one_less, one_more, swapped}) {
      if (slip != right && std::find(slips.begin(), slips.end(), slip) == slips.end()) slips.push_back(slip);
    }
  }
  return "(^|[.])((" + anyOf(slips) + ")[.][a-z]+|" + right +
         "[.](d|de|dv|e|io|com|org|net|app|sh|dev[.].*))/";
}

bool hasRange(const SettingSpec& spec) {
  return spec.type == ValueType::Integer || spec.type == ValueType::Dscp;
}

size_t longestValue(const SettingSpec& spec) {
  switch (spec.type) {
    case ValueType::Document:
      return 64 << 10;
    case ValueType::CpuList:
    case ValueType::IoWeight:
    case ValueType::IoMax:
    case ValueType::IoLatency:
    case ValueType::PortList:
      return 1024;
    default:
      return 256;
  }
}

}  // namespace plimsoll::deploy
