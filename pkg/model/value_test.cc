#include "pkg/model/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Texts and names, which take almost anything.
bool isText(const SettingSpec& spec) {
  return spec.type == ValueType::Document || spec.type == ValueType::ClassName ||
         spec.type == ValueType::Profile;
}

const SettingSpec& row(std::string_view key) { return *findSetting(key)->spec; }

// One line per accepted value: key, what the user wrote, the canonical form, what is written to the kernel.
TEST(Values, AreReadShownAndWritten) {
  struct Case {
    std::string_view key, text, canonical, kernel;
  };
  const Case cases[] = {
      {"cpu.weight", "1", "1", "1"},
      {"cpu.weight", "10000", "10000", "10000"},
      {"cpu.weight", " 200\n", "200", "200"},
      {"cpu.max", "1500m", "1500m", "150000 100000"},
      {"cpu.max", "1.5", "1500m", "150000 100000"},
      {"cpu.max", "2", "2", "200000 100000"},
      {"cpu.max", "max", "max", "max 100000"},
      {"cpu.max", "max 50ms", "max 50ms", "max 50000"},
      {"cpu.max", "1500m 50ms", "1500m 50ms", "75000 50000"},
      {"cpu.max", "10m", "10m", "1000 100000"},
      {"cpu.max.burst", "20ms", "20ms", "20000"},
      {"cpu.max.burst", "0", "0us", "0"},
      {"cpu.idle", "true", "true", "1"},
      {"cpu.idle", "0", "false", "0"},
      {"cpu.uclamp.min", "12.5%", "12.5%", "12.50"},
      {"cpu.uclamp.min", "0.05%", "0.05%", "0.05"},
      {"cpu.uclamp.max", "max", "max", "max"},
      {"cpuset.cpus", "8,0-3", "0-3,8", "0-3,8"},
      {"cpuset.mems", "0", "0", "0"},
      {"cpuset.partition", "isolated", "isolated", "isolated"},
      {"memory.high", "512Mi", "512Mi", "536870912"},
      {"memory.high", "0", "0", "0"},
      {"memory.high", "max", "max", "max"},
      {"memory.max", "1e9", "1G", "1000000000"},
      {"memory.oom.group", "1", "true", "1"},
      {"oom.score-adj", "-1000", "-1000", "-1000"},
      {"oom.score-adj", "1000", "1000", "1000"},
      {"io.weight", "200", "200", "default 200"},
      {"io.weight", "default=100 8:16=300", "default=100 8:16=300", "default 100|8:16 300"},
      {"io.weight", "8:16=300; 8:0=5", "8:16=300 8:0=5", "8:16 300|8:0 5"},
      {"io.max", "8:0 rbps=10M wiops=500; 8:16 wbps=max", "8:0 rbps=10M wiops=500; 8:16 wbps=max",
       "8:0 rbps=10000000 wiops=500|8:16 wbps=max"},
      {"io.latency", "8:0=20ms", "8:0=20ms", "8:0 target=20000"},
      {"pids.max", "512", "512", "512"},
      {"pids.max", "max", "max", "max"},
      {"hugetlb.2MB.max", "64Mi", "64Mi", "67108864"},
      {"rlimit.nofile", "1024:4096", "1024:4096", "1024:4096"},
      {"rlimit.nofile", "4096", "4096", "4096:4096"},
      {"rlimit.core", "0:unlimited", "0:unlimited", "0:unlimited"},
      {"rlimit.memlock", "64Mi", "67108864", "67108864:67108864"},
      {"sysctl.net.core.somaxconn", "4096", "4096", "4096"},
      {"sysctl.net.ipv4.ip_local_port_range", "1024\t65535", "1024 65535", "1024 65535"},
      {"sysctl.net.ipv4.ip_local_reserved_ports", "9000-9100,8080", "8080,9000-9100", "8080,9000-9100"},
      {"sysctl.net.ipv4.tcp_congestion_control", "bbr", "bbr", "bbr"},
      {"sysctl.kernel.sem", " 250  32000 32 128", "250 32000 32 128", "250 32000 32 128"},
      {"sysctl.kernel.shmmax", "18446744073692774399", "18446744073692774399", "18446744073692774399"},
      {"net.mtu", "1400", "1400", "1400"},
      {"ioprio", "be:6", "be:6", "be:6"},
      {"sched.policy", "batch:0", "batch", "batch"},
      {"on-error", "reject", "reject", ""},
      {"class", "latency-critical", "latency-critical", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.key) + " " + std::string(c.text));
    const SettingSpec& spec = row(c.key);
    auto value = parseValue(spec, c.text);
    ASSERT_TRUE(value) << value.error().message;
    EXPECT_EQ(formatValue(spec, *value), c.canonical);
    std::string written;
    for (const std::string& write : kernelWrites(spec, *value))
      written += (written.empty() ? "" : "|") + write;
    EXPECT_EQ(written, c.kernel);
  }
}

TEST(Values, EveryExampleIsReadAndRoundTrips) {
  for (const SettingSpec& spec : settingsTable()) {
    SCOPED_TRACE(spec.key);
    auto value = parseValue(spec, spec.example);
    ASSERT_TRUE(value) << value.error().message;
    auto again = parseValue(spec, formatValue(spec, *value));
    ASSERT_TRUE(again) << formatValue(spec, *value) << ": " << again.error().message;
    EXPECT_EQ(*again, *value);
    EXPECT_EQ(spec.allows_max && spec.type != ValueType::IoMax && spec.type != ValueType::Rlimit,
              parseValue(spec, "max").has_value() && !isText(spec));
  }
}

// No row takes any of these, and each refusal says what would be right.
TEST(Values, EveryRowRefusesGarbage) {
  const std::string garbage[] = {"",
                                 " ",
                                 "\n",
                                 "+5",
                                 "-99999999999999999999",
                                 "0x10",
                                 "1_000",
                                 "010",
                                 "1,5.5",
                                 "nil nil nil",
                                 std::string("20\0ms", 5),
                                 std::string(1, '\0'),
                                 "\xff\xfe\x80",
                                 "\xd9\xa1\xd9\xa0\xd9\xa0",
                                 "\xef\xbc\x91\xef\xbc\x90",
                                 "999999999999999999999999",
                                 "{}",
                                 "$(reboot)",
                                 "1;2;3;=",
                                 std::string(257, '1'),
                                 std::string(256 * 1024, 'x')};
  for (const SettingSpec& spec : settingsTable()) {
    if (isText(spec)) continue;
    for (const std::string& text : garbage) {
      SCOPED_TRACE(std::string(spec.key) + " " + text.substr(0, 40));
      auto value = parseValue(spec, text);
      ASSERT_FALSE(value) << formatValue(spec, *value);
      EXPECT_THAT(value.error().message, ::testing::AnyOf(HasSubstr("write "), HasSubstr("once")));
      EXPECT_LT(value.error().message.size(), 512u);
      for (unsigned char c : value.error().message) ASSERT_TRUE(c >= 0x20 && c < 0x7f);
    }
  }
}

TEST(Values, RefusalsSayWhatWouldBeRight) {
  struct Case {
    std::string_view key, text, message;
  };
  const Case cases[] = {
      {"memory.high", "512mb", "\"512mb\" is not a quantity; write 512Mi, 512M or max"},
      {"memory.high", "1 GB", "\"1 GB\" is not a quantity; write 1Gi, 1G or max"},
      {"memory.high", "5kb", "\"5kb\" is not a quantity; write 5Ki, 5k or max"},
      {"memory.high", "64m", "\"64m\" is a fraction (m is a thousandth); write 64Mi, 64M or max"},
      {"memory.high", "-1", "\"-1\" must not be negative; write 512Mi, 512M or max"},
      {"memory.high", "unlimited", "\"unlimited\" is not a quantity; write 512Mi, 512M or max"},
      {"memory.high", "9Ei", "\"9Ei\" is too large; write 512Mi, 512M or max"},
      {"cpu.weight", "0", "\"0\" is out of range; write a whole number from 1 to 10000"},
      {"cpu.weight", "10001", "\"10001\" is out of range; write a whole number from 1 to 10000"},
      {"cpu.weight", "max", "\"max\" is not a number that is taken; write a whole number from 1 to 10000"},
      {"cpu.weight", "0200",
       "\"0200\" has a leading zero, which some readers take for octal; write a whole number from 1 to "
       "10000"},
      {"cpu.weight", "1.5", "\"1.5\" is not a number that is taken"},
      {"cpu.max", "150000 100000", "has a period that has no unit; write 1500m"},
      {"cpu.max", "150000", "is more CPUs than any machine has"},
      {"cpu.max", "1m", "gives less than 1ms in each period, the least the kernel takes; write 10m or more"},
      {"cpu.max", "1 2s", "has a period outside of 1ms to 1s"},
      {"cpu.max", "1 10ms 5", "is not an amount of CPU"},
      {"cpu.max", "0", "gives less than 1ms"},
      {"cpu.max.burst", "20", "\"20\" has no unit; write 20ms, 1.5s or 100us"},
      {"cpu.max.burst", "max", "is not a duration"},
      {"cpu.idle", "yes", "\"yes\" is neither true nor false; write true or false"},
      {"cpu.uclamp.min", "50", "\"50\" is not a percentage; write 12.5% or max"},
      {"cpu.uclamp.min", "100.01%", "\"100.01%\" is out of range; write 0% to 100% or max"},
      {"cpuset.cpus", "3-1",
       "\"3-1\" has a range that runs backwards; write numbers and ranges such as 0-3,8"},
      {"cpuset.cpus", "all", "\"all\" is not a list such as 0-3,8; write"},
      {"cpuset.partition", "exclusive", "\"exclusive\" is not known here; write member, root or isolated"},
      {"oom.score-adj", "-1001", "out of range; write a whole number from -1000 to 1000"},
      {"io.weight", "0", "\"0\" is not a weight; write a whole number from 1 to 10000"},
      {"io.weight", "default=1 5", "\"5\" is a second default"},
      {"io.weight", "sda=5", "\"sda\" is not a device; write the device as path:/data"},
      {"io.max", "path:/data", "\"path:/data\" has no limit; write path:/data rbps=10M wiops=500"},
      {"io.max", "path:data rbps=1", "is not an absolute, plain path"},
      {"io.max", "path:/a/../b rbps=1", "is not an absolute, plain path"},
      {"io.max", "volume:A rbps=1", "is not the name of a volume"},
      {"io.max", "8:0 rbps=1 rbps=2", "\"rbps=2\" stands there twice"},
      {"io.max", "8:0 rbps=1; 8:0 wbps=1", "\"8:0\" stands there twice"},
      {"io.max", "8:0 rbs=1", "\"rbs=1\" is not a limit; write rbps=10M"},
      {"io.max", "8:0 rbps=0", "\"rbps=0\" is out of range"},
      {"io.max", "8:0 riops=4294967295", "is out of range"},
      {"io.max", "4096:0 rbps=1", "is not a device"},
      {"io.max", "8:1048576 rbps=1", "is not a device"},
      {"io.max", ";", "names no device"},
      {"io.latency", "20ms", "\"20ms\" has no target"},
      {"io.latency", "8:0=20", "\"8:0=20\" has no unit"},
      {"io.latency", "8:0=0s", "is out of range"},
      {"pids.max", "4194305", "out of range; write a whole number from 1 to 4194304 or max"},
      {"pids.max", "-1", "is out of range"},
      {"rlimit.nofile", "10:5", "has a soft limit above the hard one"},
      {"rlimit.nofile", "max",
       "\"max\" is not a quantity; write 4096, unlimited, or soft:hard such as 1024:4096"},
      {"rlimit.nofile", "1:2:3", "is not a quantity"},
      {"rlimit.nofile", ":", "is not a quantity"},
      {"class", "Batch", "\"Batch\" is not the name of a class"},
      {"on-error", "fail", "\"fail\" is not known here; write ignore or reject"},
      {"cpu.weight", "", "is empty; write a value such as 200"},
  };
  for (const Case& c : cases) {
    auto value = parseValue(row(c.key), c.text);
    ASSERT_FALSE(value) << c.key << " " << c.text;
    EXPECT_THAT(value.error().message, HasSubstr(c.message)) << c.key;
  }
}

TEST(Values, TakeNoMoreThanSixteenDevices) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "8:" + std::to_string(i) + "=10 ";
  EXPECT_TRUE(parseValue(row("io.weight"), text));
  EXPECT_FALSE(parseValue(row("io.weight"), text + "8:16=10"));
}

TEST(Devices, AreResolvedByPathAndVolume) {
  const SettingSpec& spec = row("io.max");
  auto value = parseValue(spec, "path:/data rbps=1k; volume:scratch wbps=2k; 8:0 riops=3");
  ASSERT_TRUE(value) << value.error().message;
  const auto devices = devicesOf(*value);
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].toString(), "path:/data");
  EXPECT_EQ(devices[1].toString(), "volume:scratch");
  auto resolved =
      resolveDevices(*value, {{devices[0], DeviceNumber{253, 1}}, {devices[1], DeviceNumber{253, 2}}});
  ASSERT_TRUE(resolved) << resolved.error().message;
  EXPECT_THAT(kernelWrites(spec, *resolved),
              ElementsAre("253:1 rbps=1000", "253:2 wbps=2000", "8:0 riops=3"));

  auto missing = resolveDevices(*value, {{devices[0], DeviceNumber{253, 1}}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "volume:scratch is not known in this container");
  auto failed = resolveDevices(*value, {{devices[0], base::errnoError(ENOENT, "stat /data")}});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("stat /data"));
  auto twice = resolveDevices(*value, {{devices[0], DeviceNumber{8, 0}}, {devices[1], DeviceNumber{253, 2}}});
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("named before"));
}

TEST(Devices, ValuesWithoutDevicesPassThrough) {
  auto value = parseValue(row("cpu.weight"), "5");
  EXPECT_TRUE(devicesOf(*value).empty());
  EXPECT_EQ(*resolveDevices(*value, {}), *value);
}

}  // namespace
}  // namespace plimsoll::model
