#include "pkg/base/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace plimsoll::base {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ParseInt, TakesWholeDecimalNumbersOnly) {
  EXPECT_EQ(parseInt<int>("0"), 0);
  EXPECT_EQ(parseInt<int>("-17"), -17);
  EXPECT_EQ(parseInt<uint64_t>("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "-", "+1", "1 ", " 1", "1k", "0x10", "010", "-01", "1.0", "4294967296"}) {
    EXPECT_EQ(parseInt<uint32_t>(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parseInt<uint32_t>("-1"), std::nullopt);
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(SplitWords, HasNoEmptyWords) {
  EXPECT_THAT(splitWords("  max\t100000\n"), ElementsAre("max", "100000"));
  EXPECT_THAT(splitWords(" \n"), IsEmpty());
}

TEST(Trim, CutsBothEnds) {
  EXPECT_EQ(trim(" a b\n"), "a b");
  EXPECT_EQ(trim("\t\n"), "");
}

}  // namespace
}  // namespace plimsoll::base
