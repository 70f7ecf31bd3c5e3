#include "pkg/mechanism/lazy_access.h"

#include <gtest/gtest.h>

namespace plimsoll::mechanism {
namespace {

class Echo final : public Access {
 public:
  Place place() const override { return {"here", 7}; }
  bool gone() const override { return false; }
  base::Result<std::string> read(const model::PlannedSetting&) const override { return "read"; }
  base::Status write(const model::PlannedSetting&) const override { return base::ok(); }
};

TEST(LazyAccess, IsOpenedOnceAndOnlyWhenNeeded) {
  int opened = 0;
  const LazyAccess access([&opened]() -> base::Result<std::unique_ptr<Access>> {
    ++opened;
    return std::make_unique<Echo>();
  });
  EXPECT_EQ(opened, 0);
  EXPECT_EQ(*access.read({}), "read");
  EXPECT_TRUE(access.write({}));
  EXPECT_EQ(access.place(), (Place{"here", 7}));
  EXPECT_FALSE(access.gone());
  EXPECT_EQ(opened, 1);
}

TEST(LazyAccess, WhatCannotBeOpenedSaysSoEachTime) {
  int tried = 0;
  const LazyAccess access([&tried]() -> base::Result<std::unique_ptr<Access>> {
    ++tried;
    return base::error(base::ErrorCode::Unimplemented, "no way in");
  });
  EXPECT_EQ(access.read({}).error().message, "no way in");
  EXPECT_EQ(access.write({}).error().message, "no way in");
  EXPECT_EQ(access.place(), Place{});
  EXPECT_FALSE(access.gone()) << "not there is not gone";
  EXPECT_TRUE(access.ancestors({}).empty());
  EXPECT_EQ(tried, 1);
  const LazyAccess ended([]() -> base::Result<std::unique_ptr<Access>> {
    return base::error(base::ErrorCode::NotFound, "ended");
  });
  EXPECT_TRUE(ended.gone());
}

}  // namespace
}  // namespace plimsoll::mechanism
