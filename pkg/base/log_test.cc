#include "pkg/base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

TEST(LogWrite, AFullPipeDropsLinesAndSaysSoLater) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  int saved = dup(STDERR_FILENO);
  ASSERT_EQ(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
  // Far more than a pipe holds: without the look before the write this would never come back.
  for (int i = 0; i < 2000; ++i) info("filling", {{"value", std::string(400, 'x')}});
  std::string text(1 << 20, '\0');
  ASSERT_GT(read(ends[0], text.data(), text.size()), 0);
  info("again");
  ssize_t n = read(ends[0], text.data(), text.size());
  ASSERT_EQ(dup2(saved, STDERR_FILENO), STDERR_FILENO);
  close(saved);
  close(ends[0]);
  close(ends[1]);
  ASSERT_GT(n, 0);
  EXPECT_NE(std::string_view(text.data(), static_cast<size_t>(n)).find("again dropped_lines="),
            std::string::npos);
}

}  // namespace
}  // namespace plimsoll::base::log
