#include "pkg/model/priority_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/model/value_lists.h"

namespace plimsoll::model {
namespace {

TEST(IoPriority, IsReadAndShown) {
  for (const char* text : {"none", "idle", "be:0", "be:7", "rt:0", "rt:7"}) {
    auto value = parseIoPriority(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(formatIoPriority(*value), text);
  }
  for (const char* text : {"", "be", "be:", "be:8", "be:-1", "be:04", "rt", "rt:9", "idle:0", "none:0",
                           "be:4:1", "BE:4", "be 4"}) {
    EXPECT_FALSE(parseIoPriority(text)) << text;
  }
}

TEST(IoPriority, IsOrderedByWhoGoesFirst) {
  const char* const ascending[] = {"idle", "be:7", "be:4", "be:0", "rt:7", "rt:0"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    EXPECT_TRUE(order(*parseIoPriority(ascending[i]), *parseIoPriority(ascending[i + 1])) < 0)
        << ascending[i];
  }
  EXPECT_TRUE(order(*parseIoPriority("none"), *parseIoPriority("be:4")) == 0);
}

TEST(Scheduler, IsReadAndShown) {
  for (const char* text : {"other", "other:5", "other:-20", "batch", "batch:19", "idle", "fifo:1", "fifo:99",
                           "rr:10", "deadline:10ms/30ms/100ms"}) {
    auto value = parseScheduler(text);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(formatScheduler(*value), text);
    EXPECT_EQ(*parseScheduler(formatScheduler(*value)), *value);
  }
  EXPECT_EQ(formatScheduler(*parseScheduler("other:0")), "other");
  for (const char* text : {"",
                           "other:",
                           "other:20",
                           "other:-21",
                           "other:x",
                           "batch:+1",
                           "idle:1",
                           "fifo",
                           "fifo:0",
                           "fifo:100",
                           "rr:",
                           "deadline",
                           "deadline:10ms",
                           "deadline:10ms/5ms/100ms",
                           "deadline:10ms/30ms/20ms",
                           "deadline:1us/1ms/1ms",
                           "deadline:1s/1s/5s",
                           "deadline:10ms/30ms/100ms/1s",
                           "normal",
                           "FIFO:1"}) {
    EXPECT_FALSE(parseScheduler(text)) << text;
  }
}

TEST(Scheduler, IsOrderedByWhoGoesFirst) {
  const auto less = [](const char* a, const char* b) {
    return order(*parseScheduler(a), *parseScheduler(b)) < 0;
  };
  EXPECT_TRUE(less("idle", "batch:19"));
  EXPECT_TRUE(less("batch:5", "other"));
  EXPECT_TRUE(less("batch", "other"));
  EXPECT_TRUE(less("other:1", "other"));
  EXPECT_TRUE(less("other", "other:-1"));
  EXPECT_TRUE(less("other:-20", "fifo:1"));
  EXPECT_TRUE(less("fifo:1", "rr:2"));
  EXPECT_TRUE(less("rr:99", "deadline:1ms/1ms/1ms"));
  // Nicer, but not batch: neither asks for less in every respect.
  EXPECT_TRUE(order(*parseScheduler("batch:-5"), *parseScheduler("other")) ==
              std::partial_ordering::unordered);
}

TEST(Integers, HoldWhatTheKernelShows) {
  auto value = readIntegers("250\t32000  -32 18446744073692774399\n");
  ASSERT_TRUE(value);
  EXPECT_EQ(formatIntegers(*value), "250 32000 -32 18446744073692774399");
  for (const char* text : {"", " ", "1 x", "0x10", "18446744073709551616", "-9223372036854775809", "01"}) {
    EXPECT_FALSE(readIntegers(text)) << text;
  }
  EXPECT_TRUE(order(*readIntegers("1 2"), *readIntegers("1 3")) < 0);
  EXPECT_TRUE(order(*readIntegers("1 2"), *readIntegers("1 2")) == 0);
  EXPECT_TRUE(order(*readIntegers("1 4"), *readIntegers("2 3")) == std::partial_ordering::unordered);
  EXPECT_TRUE(order(*readIntegers("1"), *readIntegers("1 1")) == std::partial_ordering::unordered);
}

TEST(Ports, AreSortedAndJoined) {
  EXPECT_EQ(*canonicalPorts("9000-9100,8080"), "8080,9000-9100");
  EXPECT_EQ(*canonicalPorts("1-5,3-9,10,12"), "1-10,12");
  EXPECT_EQ(*canonicalPorts("0-65535"), "0-65535");
  EXPECT_EQ(*canonicalPorts(""), "");
  for (const char* text : {",", "1,", "65536", "5-4", "a", "1-2-3", "-1", "1 2"}) {
    EXPECT_FALSE(canonicalPorts(text)) << text;
  }
}

}  // namespace
}  // namespace plimsoll::model
