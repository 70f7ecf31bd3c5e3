#include "pkg/model/cpu_set.h"

#include <gtest/gtest.h>

namespace plimsoll::model {
namespace {

CpuSet of(std::string_view list) {
  auto set = CpuSet::parse(list);
  EXPECT_TRUE(set) << list;
  return set ? *set : CpuSet{};
}

TEST(CpuSet, ReadsTheKernelsLists) {
  struct Case {
    std::string_view list, canonical;
    int count;
  };
  const Case cases[] = {{"", "", 0},           {"0", "0", 1},
                        {"0-3,8", "0-3,8", 5}, {"8,0-3", "0-3,8", 5},
                        {"1,2,3", "1-3", 3},   {"0-3,2-5", "0-5", 6},
                        {"5-5", "5", 1},       {"63,64", "63-64", 2},
                        {"8191", "8191", 1},   {"0-8191", "0-8191", 8192}};
  for (const Case& c : cases) {
    const CpuSet set = of(c.list);
    EXPECT_EQ(set.toString(), c.canonical) << c.list;
    EXPECT_EQ(set.count(), c.count) << c.list;
    EXPECT_EQ(set.empty(), c.count == 0);
    EXPECT_EQ(of(set.toString()), set);
  }
}

TEST(CpuSet, RefusesEverythingElse) {
  for (std::string_view list :
       {",",      "0,", ",0", "a",   "0-", "-1",  "-",   "3-1", "0-3-5",   "8192",
        "0-8192", "00", "01", "0 1", " 0", "0\n", "0x1", "+1",  "0-7:2/4", "99999999999999999999",
        "1.5"}) {
    EXPECT_FALSE(CpuSet::parse(list)) << list;
  }
}

TEST(CpuSet, DoesSetArithmetic) {
  EXPECT_EQ(of("0-7").without(of("4-7")), of("0-3"));
  EXPECT_EQ(of("0,100").without(of("100")), of("0")) << "no trailing words";
  EXPECT_EQ(of("0-100").intersection(of("50-200")), of("50-100"));
  EXPECT_TRUE(of("0-3").intersection(of("64")).empty());
  EXPECT_TRUE(of("0-7").containsAll(of("2,3")));
  EXPECT_FALSE(of("0-7").containsAll(of("7-8")));
  EXPECT_TRUE(of("0").containsAll(CpuSet{}));
  EXPECT_FALSE(of("0").contains(-1));
  EXPECT_FALSE(of("0").contains(4096));
}

}  // namespace
}  // namespace plimsoll::model
