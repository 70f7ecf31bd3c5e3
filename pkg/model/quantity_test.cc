#include "pkg/model/quantity.h"

#include <gtest/gtest.h>

#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

TEST(Quantity, ReadsWhatKubernetesReads) {
  struct Case {
    std::string_view text;
    int64_t value;
  };
  const Case cases[] = {
      {"0", 0},
      {"1", 1},
      {"512Mi", 512ll << 20},
      {"1.5Gi", 3ll << 29},
      {"0.5Ki", 512},
      {"1G", 1'000'000'000},
      {"100M", 100'000'000},
      {"1k", 1000},
      {"1e3", 1000},
      {"1E3", 1000},
      {"1E", 1'000'000'000'000'000'000},
      {"12e-1", 2},
      {"1500m", 2},
      {"1u", 1},
      {"1n", 1},
      {"0m", 0},
      {"1.0000000000", 1},
      {"7Ei", 8070450532247928832},
      {"999999999999999999", 999'999'999'999'999'999},
      {"1e18", 1'000'000'000'000'000'000},
      {"1.1Gi", 1'181'116'007},
  };
  for (const Case& c : cases) {
    auto value = parseQuantity(c.text);
    ASSERT_TRUE(value) << c.text << " " << value.error().message;
    EXPECT_EQ(*value, c.value) << c.text;
  }
}

TEST(Quantity, RefusesWithTheReason) {
  struct Case {
    std::string_view text, reason;
  };
  const Case cases[] = {
      {"", "is not a quantity"},
      {" 1", "is not a quantity"},
      {"1 ", "is not a quantity"},
      {"+5", "is not a quantity"},
      {"-5", "must not be negative"},
      {"-", "must not be negative"},
      {"1_000", "is not a quantity"},
      {"1,000", "is not a quantity"},
      {"0x10", "is not a quantity"},
      {"1.", "is not a quantity"},
      {".5", "is not a quantity"},
      {"1.2.3", "is not a quantity"},
      {"512mb", "is not a quantity"},
      {"512MB", "is not a quantity"},
      {"512MiB", "is not a quantity"},
      {"5K", "is not a quantity"},
      {"1e", "is not a quantity"},
      {"1e+3", "is not a quantity"},
      {"1e03", "is not a quantity"},
      {"1e99", "is not a quantity"},
      {"e3", "is not a quantity"},
      {"Mi", "is not a quantity"},
      {"inf", "is not a quantity"},
      {"NaN", "is not a quantity"},
      {"max", "is not a quantity"},
      {"\xd9\xa1\xd9\xa2", "is not a quantity"},
      {"8Ei", "is too large"},
      {"10E", "is too large"},
      {"1e19", "is too large"},
      {"1e30", "is too large"},
      {"999999999999999999Ei", "is too large"},
      {"9223372036854775807", "has too many digits"},
      {"9223372036854775806e-1", "has too many digits"},
      {"0.1234567890123456789", "has too many digits"},
      {"010", "has a leading zero, which some readers take for octal"},
      {"00", "has a leading zero, which some readers take for octal"},
      {"01Mi", "has a leading zero, which some readers take for octal"},
  };
  for (const Case& c : cases) {
    auto value = parseQuantity(c.text);
    ASSERT_FALSE(value) << c.text << " gave " << *value;
    EXPECT_EQ(value.error().message, c.reason) << c.text;
  }
  EXPECT_FALSE(parseQuantity(std::string_view("1\0", 2)));
}

TEST(Quantity, ScalesExactly) {
  EXPECT_EQ(*parseQuantity("1500m", 100'000), 150'000);
  EXPECT_EQ(*parseQuantity("0.1", 100'000), 10'000);
  EXPECT_EQ(*parseQuantity("333.3333m", 30'000), 10'000);
  EXPECT_EQ(*parseQuantity("1n", 1'000'000), 1) << "rounded up";
  EXPECT_FALSE(parseQuantity("1E", 1'000'000));
}

TEST(Quantity, BytesAreWhole) {
  EXPECT_EQ(*parseBytes("1.5Ki"), 1536);
  for (std::string_view text : {"512m", "5u", "5n", "m"}) {
    auto value = parseBytes(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().message, "is a fraction (m is a thousandth)");
  }
  EXPECT_EQ(parseBytes("ten").error().message, "is not a quantity") << "a word that ends in n";
}

TEST(Duration, ReadsWhatGoReads) {
  struct Case {
    std::string_view text;
    int64_t microseconds;
  };
  const Case cases[] = {{"20ms", 20'000},
                        {"1.5s", 1'500'000},
                        {"100us", 100},
                        {"100\xc2\xb5s", 100},
                        {"100\xce\xbcs", 100},
                        {"0", 0},
                        {"0s", 0},
                        {"1m30s", 90'000'000},
                        {"1h", 3'600'000'000},
                        {"1500ns", 2},
                        {"0.001ms", 1}};
  for (const Case& c : cases) {
    auto value = parseDuration(c.text);
    ASSERT_TRUE(value) << c.text << " " << value.error().message;
    EXPECT_EQ(*value, c.microseconds) << c.text;
  }
}

TEST(Duration, RefusesWithTheReason) {
  struct Case {
    std::string_view text, reason;
  };
  const Case cases[] = {{"", "is not a duration"},
                        {"ms", "is not a duration"},
                        {"20", "has no unit"},
                        {"20 ms", "has an unknown unit"},
                        {"20msec", "has an unknown unit"},
                        {"1d", "has an unknown unit"},
                        {"-20ms", "must not be negative"},
                        {"1m-30s", "has an unknown unit"},
                        {"020ms", "has a leading zero, which some readers take for octal"},
                        {"1m020s", "has a leading zero, which some readers take for octal"},
                        {"999999999999999999h", "is too large"},
                        {"1m20", "has no unit"}};
  for (const Case& c : cases) {
    auto value = parseDuration(c.text);
    ASSERT_FALSE(value) << c.text;
    EXPECT_EQ(value.error().message, c.reason) << c.text;
  }
  EXPECT_FALSE(parseDuration("2500000000h2500000000h")) << "the sum overflows";
}

TEST(Percent, ReadsAndRefuses) {
  EXPECT_EQ(*parsePercent("12.5%"), 1250);
  EXPECT_EQ(*parsePercent("0%"), 0);
  EXPECT_EQ(*parsePercent("100.00%"), 10'000);
  EXPECT_EQ(*parsePercent("0.01%"), 1);
  for (std::string_view text : {"", "%", "12.5", "12,5%", "0.001%", "-1%", "012%", "1%%", "1 %"}) {
    EXPECT_FALSE(parsePercent(text)) << text;
  }
}

TEST(Format, IsShortAndReadsBack) {
  EXPECT_EQ(formatBytes(0), "0");
  EXPECT_EQ(formatBytes(512ll << 20), "512Mi");
  EXPECT_EQ(formatBytes(100'000'000), "100M");
  EXPECT_EQ(formatBytes(1'000'001), "1000001");
  EXPECT_EQ(formatBytes(4096), "4Ki");
  EXPECT_EQ(formatBytes(kMax), "max");
  EXPECT_EQ(formatDuration(0), "0us");
  EXPECT_EQ(formatDuration(75), "75us");
  EXPECT_EQ(formatDuration(20'000), "20ms");
  EXPECT_EQ(formatDuration(1'500'000), "1.5s");
  EXPECT_EQ(formatDuration(1'000'001), "1.000001s");
  EXPECT_EQ(formatPercent(1250), "12.5%");
  EXPECT_EQ(formatPercent(5), "0.05%");
  EXPECT_EQ(formatPercent(10'000), "100%");
  EXPECT_EQ(formatCpus(150'000, 100'000), "1500m");
  EXPECT_EQ(formatCpus(200'000, 100'000), "2");
  EXPECT_EQ(formatCpus(10'000, 30'000), "333.3333m");
  EXPECT_EQ(formatCpus(kMax, 100'000), "max");
  EXPECT_EQ(formatCpus(1, 0), "0");
}

// Property: whatever number, the canonical text gives it back.
TEST(Format, RoundTripsOverManyNumbers) {
  uint64_t state = 42;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto number = static_cast<int64_t>(state >> (5 + i % 58));
    auto bytes = parseBytes(formatBytes(number));
    if (number < 1'000'000'000'000'000'000) {
      ASSERT_TRUE(bytes) << number;
      EXPECT_EQ(*bytes, number);
    }
    const int64_t time = number % 1'000'000'000'000;
    EXPECT_EQ(*parseDuration(formatDuration(time)), time);
    const int64_t period = 1000 + number % 999'001, quota = 1 + (number >> 7) % 8'000'000;
    EXPECT_EQ(*parseQuantity(formatCpus(quota, period), period), quota) << quota << " " << period;
  }
}

TEST(InQuotes, IsPlainText) {
  EXPECT_EQ(inQuotes("512mb"), "\"512mb\"");
  EXPECT_EQ(inQuotes("a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(inQuotes(std::string_view("\0\n\xff", 3)), "\"\\x00\\x0a\\xff\"");
  EXPECT_EQ(inQuotes(std::string(100, 'x')).size(), 64u + 5);
}

}  // namespace
}  // namespace plimsoll::model
