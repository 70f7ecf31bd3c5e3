#include "pkg/base/log.h"

#include <gtest/gtest.h>

namespace plimsoll::base::log {
namespace {

TEST(LogQuoted, LeavesPlainWordsAlone) { EXPECT_EQ(quoted("cpu.max"), "cpu.max"); }

TEST(LogQuoted, NoValueCanBreakTheLine) {
  EXPECT_EQ(quoted("a\nlevel=error b"), "\"a\\nlevel=error b\"");
  EXPECT_EQ(quoted(std::string_view("\x1b[2J\0x", 6)), "\"\\x1b[2J\\x00x\"");
  EXPECT_EQ(quoted("say \"hi\""), "\"say \\\"hi\\\"\"");
}

TEST(LogQuoted, CutsLongValues) {
  std::string cut = quoted(std::string(2000, 'x'), 16);
  EXPECT_EQ(cut, "\"" + std::string(16, 'x') + "...\"");
}

}  // namespace
}  // namespace plimsoll::base::log
