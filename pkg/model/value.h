// Parsed values of settings, and the two directions between them and text: what users write (quantities,
// durations, percentages) and what the kernel reads and shows. Pure functions, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/cpu_set.h"
#include "pkg/model/setting.h"

namespace plimsoll::model {

constexpr int64_t kMax = INT64_MAX;  // the kernel's "max", "infinity", "unlimited"

// Integer, Flag (0 or 1), Bytes, Duration (microseconds), Percent (hundredths of a per cent), BitRate (bits
// per second), Dscp (-1: none)
struct Number {
  int64_t value = 0;
  bool operator==(const Number&) const = default;
};

struct CpuMax {
  int64_t quota_us = kMax;
  int64_t period_us = 100'000;
  bool operator==(const CpuMax&) const = default;
};

struct Word {
  std::string word;
  bool operator==(const Word&) const = default;
};

struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
  auto operator<=>(const DeviceNumber&) const = default;
};

// How a pod names a block device: "8:0"; "path:/data", a path inside the container; "volume:scratch", a
// volume of the pod. The latter two become a number when the container's mounts are known.
struct DeviceRef {
  enum class Kind { Number, Path, Volume } kind = Kind::Number;
  DeviceNumber number;
  std::string name;  // path or volume
  std::string toString() const;
  auto operator<=>(const DeviceRef&) const = default;
};

struct IoMaxEntry {
  DeviceRef device;
  // -1: not asked for, left as it is
  int64_t rbps = -1, wbps = -1, riops = -1, wiops = -1;
  bool operator==(const IoMaxEntry&) const = default;
};

struct IoValueEntry {
  DeviceRef device;
  int64_t value = 0;  // weight (0: none of its own), or latency target in microseconds
  bool operator==(const IoValueEntry&) const = default;
};

struct IoWeight {
  int64_t default_weight = -1;  // -1: not asked for
  std::vector<IoValueEntry> devices;
  bool operator==(const IoWeight&) const = default;
};
struct IoMax {
  std::vector<IoMaxEntry> devices;
  bool operator==(const IoMax&) const = default;
};
struct IoLatency {
  std::vector<IoValueEntry> devices;
  bool operator==(const IoLatency&) const = default;
};

struct Rlimit {
  int64_t soft = 0, hard = 0;  // kMax: unlimited
  bool operator==(const Rlimit&) const = default;
};

// Integers: what sysctls hold, up to the kernel's unsigned long (kernel.shmmax).
struct Integers {
  __extension__ using Wide = __int128;
  std::vector<Wide> values;
  bool operator==(const Integers&) const = default;
};

struct IoPriority {
  enum class Class { None, RealTime, BestEffort, Idle } priority_class = Class::None;  // None: by nice
  int level = 0;  // RealTime, BestEffort: 0 (first) to 7
  bool operator==(const IoPriority&) const = default;
};

enum class SchedulingPolicy { Other, Batch, Idle, Fifo, RoundRobin, Deadline };
struct Scheduler {
  SchedulingPolicy policy = SchedulingPolicy::Other;
  int nice = 0;                                            // Other, Batch: -20 (first) to 19
  int priority = 0;                                        // Fifo, RoundRobin: 1 to 99 (first)
  int64_t runtime_us = 0, deadline_us = 0, period_us = 0;  // Deadline
  bool operator==(const Scheduler&) const = default;
};

using Value = std::variant<Number, CpuMax, CpuSet, Word, IoWeight, IoMax, IoLatency, Rlimit, Integers,
                           IoPriority, Scheduler>;

// What a user wrote. The error's message says what would be right ("give a quantity such as 512Mi, or max")
// without naming pod or key: the caller adds those. Range and words are the row's.
base::Result<Value> parseValue(const SettingSpec& spec, std::string_view text);

// As a user would write it, in canonical form ("1500m", "512Mi", "0-3").
std::string formatValue(const SettingSpec& spec, const Value& value);

// Every device the value names.
std::vector<DeviceRef> devicesOf(const Value& value);
// Puts numbers in the place of paths and volumes; `resolve` gives the number of each. Its first error is
// returned.
base::Result<Value> resolveDevices(
    const Value& value, const std::vector<std::pair<DeviceRef, base::Result<DeviceNumber>>>& resolved);

// What is written to the kernel: one element is one write(2). For devices: numbers must be resolved.
// OomScoreAdj gives its number; Rlimit "soft:hard", IoPriority and Scheduler what formatValue() does (not
// kernel files; for people).
std::vector<std::string> kernelWrites(const SettingSpec& spec, const Value& value);

// Parses what the kernel shows in the setting's file, as the value it means; errors: text the kernel would
// never show. io.*: only entries of the devices that `desired` names are looked at; one that is absent is its
// default (max, 0, 100).
base::Result<Value> parseKernelText(const SettingSpec& spec, const Value& desired, std::string_view text);

// Whether the kernel really has what was wanted.
struct Comparison {
  enum class Outcome {
    Equal,
    Adjusted,  // the kernel rounded, clamped or otherwise keeps another value
    Invalid,   // the kernel took the value and marked it invalid ("root invalid (...)")
  } outcome = Outcome::Equal;
  std::string actual;  // canonical, for people
  std::string reason;  // Invalid: the kernel's own words
};
// Memory values are rounded down to pages by the kernel: 1000001 reads back as 999424 and is Adjusted. An
// empty cpuset file means "as the parent".
Comparison compareWithKernel(const SettingSpec& spec, const Value& desired, std::string_view kernel_text);

// Orders two values of one setting by how much they give: <0, 0, >0. CpuMax by quota/period, IoMax is not
// ordered.
std::partial_ordering compareAmount(const Value& a, const Value& b);

}  // namespace plimsoll::model
