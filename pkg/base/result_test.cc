#include "pkg/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace plimsoll::base {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return invalidArgument("odd");
  return n / 2;
}

Result<int> quarter(int n) {
  ASSIGN_OR_RETURN(int h, half(n));
  return half(h);
}

Status bothEven(int a, int b) {
  RETURN_IF_ERROR(half(a));
  RETURN_IF_ERROR(half(b));
  return ok();
}

TEST(Result, MacrosPassValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_TRUE(bothEven(2, 4));
  EXPECT_EQ(bothEven(2, 3).error().code, ErrorCode::InvalidArgument);
}

TEST(Result, ErrnoKeepsNumberNameAndObject) {
  Status status = errnoError(EBUSY, "write cpuset.cpus of pod1");
  EXPECT_EQ(status.error().message, "write cpuset.cpus of pod1: Device or resource busy (EBUSY)");
  EXPECT_EQ(status.error().sys_errno, EBUSY);
  EXPECT_FALSE(status.error().isGone());
}

TEST(Result, EveryWayToBeGoneIsGone) {
  for (int err : {ENOENT, ENODEV, ESRCH, ENXIO, ESTALE}) {
    EXPECT_TRUE(Status(errnoError(err, "x")).error().isGone()) << errnoName(err);
  }
  EXPECT_EQ(errnoName(99999), "errno 99999");
}

}  // namespace
}  // namespace plimsoll::base
