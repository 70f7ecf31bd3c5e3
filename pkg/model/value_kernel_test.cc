#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

using Outcome = Comparison::Outcome;

const SettingSpec& row(std::string_view key) { return *findSetting(key)->spec; }

Value value(std::string_view key, std::string_view text) {
  auto parsed = parseValue(row(key), text);
  EXPECT_TRUE(parsed) << key << " " << text;
  return parsed ? *parsed : Value{};
}

TEST(Kernel, ComparesWantedWithReal) {
  struct Case {
    std::string_view key, wanted, kernel;
    Outcome outcome;
    std::string_view actual;
  };
  const Case cases[] = {
      {"cpu.weight", "200", "200\n", Outcome::Equal, "200"},
      {"cpu.weight", "200", "0\n", Outcome::Adjusted, "0"},
      {"cpu.max", "1500m", "150000 100000\n", Outcome::Equal, "1500m"},
      {"cpu.max", "1500m", "max 100000\n", Outcome::Adjusted, "max"},
      {"cpu.max", "1500m 50ms", "150000 100000", Outcome::Adjusted, "1500m"},
      {"cpu.idle", "true", "1\n", Outcome::Equal, "true"},
      {"cpu.idle", "true", "0\n", Outcome::Adjusted, "false"},
      {"cpu.max.burst", "20ms", "20000\n", Outcome::Equal, "20ms"},
      {"cpu.uclamp.min", "12.5%", "12.50\n", Outcome::Equal, "12.5%"},
      {"cpu.uclamp.min", "12.5%", "0.00\n", Outcome::Adjusted, "0%"},
      {"cpu.uclamp.max", "100%", "max\n", Outcome::Equal, "max"},
      {"cpu.uclamp.max", "max", "100.00\n", Outcome::Equal, "100%"},
      {"memory.high", "512Mi", "536870912\n", Outcome::Equal, "512Mi"},
      {"memory.high", "1000001", "999424\n", Outcome::Adjusted, "976Ki"},
      {"memory.high", "max", "max\n", Outcome::Equal, "max"},
      {"memory.oom.group", "true", "1\n", Outcome::Equal, "true"},
      {"hugetlb.2MB.max", "3Mi", "2097152\n", Outcome::Adjusted, "2Mi"},
      {"cpuset.cpus", "0-3,8", "0-3,8\n", Outcome::Equal, "0-3,8"},
      {"cpuset.cpus", "0-3", "\n", Outcome::Adjusted, "(as the parent)"},
      {"cpuset.partition", "root", "root\n", Outcome::Equal, "root"},
      {"cpuset.partition", "root", "member\n", Outcome::Adjusted, "member"},
      {"cpuset.partition", "root", "root invalid (Parent is not a partition root)\n", Outcome::Invalid,
       "root invalid (Parent is not a partition root)"},
      {"cpuset.partition", "isolated", "isolated invalid\n", Outcome::Invalid, "isolated invalid"},
      {"io.weight", "200", "default 200\n", Outcome::Equal, "200"},
      {"io.weight", "200", "default 100\n8:16 200\n", Outcome::Adjusted, "100"},
      {"io.weight", "8:16=200", "default 100\n8:16 200\n", Outcome::Equal, "8:16=200"},
      {"io.weight", "8:16=200", "default 50\n", Outcome::Adjusted, "8:16=50"},
      {"io.max", "8:16 rbps=2Mi wiops=120", "8:16 rbps=2097152 wbps=max riops=max wiops=120\n",
       Outcome::Equal, "8:16 rbps=2Mi wiops=120"},
      {"io.max", "8:16 rbps=2Mi", "8:0 rbps=2097152 wbps=max riops=max wiops=max\n", Outcome::Adjusted,
       "8:16 rbps=max"},
      {"io.max", "8:16 rbps=max", "\n", Outcome::Equal, "8:16 rbps=max"},
      {"io.latency", "8:16=75ms", "8:16 target=75000\n", Outcome::Equal, "8:16=75ms"},
      {"io.latency", "8:16=75ms", "\n", Outcome::Adjusted, "8:16=0"},
      {"pids.max", "512", "512\n", Outcome::Equal, "512"},
      {"pids.max", "512", "max\n", Outcome::Adjusted, "max"},
      {"oom.score-adj", "-500", "-500\n", Outcome::Equal, "-500"},
      {"rlimit.nofile", "1024:4096", "1024:4096", Outcome::Equal, "1024:4096"},
      {"rlimit.nofile", "unlimited", "1024:unlimited", Outcome::Adjusted, "1024:unlimited"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.key) + " " + std::string(c.wanted) + " / " + std::string(c.kernel));
    const Comparison result = compareWithKernel(row(c.key), value(c.key, c.wanted), c.kernel);
    EXPECT_EQ(result.outcome, c.outcome);
    EXPECT_EQ(result.actual, c.actual);
  }
}

TEST(Kernel, SaysWhyAPartitionIsInvalid) {
  const auto result = compareWithKernel(row("cpuset.partition"), value("cpuset.partition", "root"),
                                        "root invalid (Cpu list in cpuset.cpus not exclusive)");
  EXPECT_EQ(result.reason, "Cpu list in cpuset.cpus not exclusive");
}

// What is written reads back as the same value, for every row and its example.
TEST(Kernel, WhatIsWrittenReadsBack) {
  for (const SettingSpec& spec : settingsTable()) {
    if (spec.target == Target::Plimsoll) continue;
    SCOPED_TRACE(spec.key);
    Value wanted = *parseValue(spec, spec.example);
    std::vector<std::pair<DeviceRef, base::Result<DeviceNumber>>> numbers;
    for (const DeviceRef& device : devicesOf(wanted)) {
      numbers.emplace_back(device, DeviceNumber{253, static_cast<uint32_t>(numbers.size())});
    }
    wanted = *resolveDevices(wanted, numbers);
    std::string text;
    for (const std::string& write : kernelWrites(spec, wanted)) text += write + "\n";
    auto read = parseKernelText(spec, wanted, text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, wanted);
    EXPECT_EQ(compareWithKernel(spec, wanted, text).outcome, Outcome::Equal);
  }
}

TEST(Kernel, GarbageIsNeverEqualAndNeverRead) {
  for (const SettingSpec& spec : settingsTable()) {
    if (spec.target == Target::Plimsoll) continue;
    const Value wanted = *parseValue(spec, spec.example);
    for (std::string_view text :
         {"garbage", "1 2 3", "8:0", "-", "max max max", "\xff\xff", "99999999999999999999", "default",
          "default x", "8:0 rbps=x", "8:0 target=", "12.5.5", "1:", ":"}) {
      EXPECT_NE(compareWithKernel(spec, wanted, text).outcome, Outcome::Equal) << spec.key << " " << text;
    }
    if (spec.type == ValueType::IoMax || spec.type == ValueType::IoLatency ||
        spec.type == ValueType::CpuList) {
      continue;  // an empty file is an answer there
    }
    EXPECT_NE(compareWithKernel(spec, wanted, "").outcome, Outcome::Equal) << spec.key;
  }
  EXPECT_FALSE(parseKernelText(row("class"), Word{"x"}, "x"));
  EXPECT_FALSE(parseKernelText(row("memory.high"), Number{}, ""));
}

TEST(CompareAmount, OrdersByHowMuchIsGiven) {
  struct Case {
    std::string_view key, a, b;
    std::partial_ordering order;
  };
  const auto less = std::partial_ordering::less, equal = std::partial_ordering::equivalent,
             greater = std::partial_ordering::greater, none = std::partial_ordering::unordered;
  const Case cases[] = {
      {"cpu.weight", "100", "200", less},
      {"cpu.weight", "200", "200", equal},
      {"memory.high", "max", "1Gi", greater},
      {"cpu.max", "1500m", "1500m 50ms", equal},
      {"cpu.max", "1", "1500m 10ms", less},
      {"cpu.max", "max", "8000", greater},
      {"cpu.max", "max", "max 10ms", equal},
      {"cpuset.cpus", "0-3", "0-7", less},
      {"cpuset.cpus", "0-7", "0-3", greater},
      {"cpuset.cpus", "0-3", "2-5", none},
      {"cpuset.partition", "root", "root", equal},
      {"cpuset.partition", "root", "member", none},
      {"io.weight", "100", "default=10 8:0=500", less},
      {"io.max", "8:0 rbps=1", "8:0 rbps=2", none},
      {"io.max", "8:0 rbps=1", "8:0 rbps=1", equal},
      {"rlimit.nofile", "10:20", "10:30", less},
      {"rlimit.nofile", "unlimited", "10:30", greater},
      {"rlimit.nofile", "10:30", "20", none},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(compareAmount(value(c.key, c.a), value(c.key, c.b)), c.order)
        << c.key << " " << c.a << " " << c.b;
  }
  EXPECT_EQ(compareAmount(Number{1}, CpuMax{}), none);
}

}  // namespace
}  // namespace plimsoll::model
