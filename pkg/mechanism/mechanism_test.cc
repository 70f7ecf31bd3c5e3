#include "pkg/mechanism/mechanism.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace plimsoll::mechanism {
namespace {

using model::PlannedSetting;
using model::State;

// A file of the kernel's that rounds down to tens and can be made to fail.
class TensAccess : public Access {
 public:
  Place place() const override { return {"/tens", 7}; }
  bool gone() const override { return false; }
  base::Result<std::string> read(const PlannedSetting&) const override {
    ++reads;
    if (read_error) return base::errnoError(read_error, "read tens");
    return text;
  }
  base::Status write(const PlannedSetting& setting) const override {
    ++writes;
    if (write_error) return base::errnoError(write_error, "write tens");
    text = std::to_string(std::get<model::Number>(setting.value).value / 10 * 10) + "\n";
    return base::ok();
  }
  std::vector<model::AncestorValue> ancestors(const PlannedSetting&) const override {
    return {{"/parent", "1"}};
  }
  mutable std::string text = "100\n";
  int read_error = 0, write_error = 0;
  mutable int reads = 0, writes = 0;
};

PlannedSetting wanted(std::string_view text) {
  PlannedSetting setting;
  setting.request.setting = model::findSetting("cpu.weight").value();
  setting.value = model::parseValue(*setting.request.setting.spec, text).value();
  return setting;
}

TEST(Mechanism, LookingWritesNothingAndSaysWhatWouldBeWritten) {
  TensAccess access;
  Looked looked = look(access, wanted("200"));
  EXPECT_TRUE(looked.must_write);
  EXPECT_EQ(looked.applied.found, "100\n");
  EXPECT_EQ(access.writes, 0);

  looked = look(access, wanted("100"));
  EXPECT_FALSE(looked.must_write);
  EXPECT_EQ(looked.applied.state, State::Applied);
  EXPECT_EQ(put(access, wanted("100"), looked).state, State::Applied);
  EXPECT_EQ(access.writes, 0);
}

TEST(Mechanism, WhatTheKernelMadeOfItIsNotWrittenAgain) {
  TensAccess access;
  PlannedSetting setting = wanted("205");
  Applied applied = applySetting(access, setting);
  record(applied, setting);
  EXPECT_TRUE(applied.written);
  EXPECT_EQ(setting.state, State::Adjusted);
  EXPECT_EQ(setting.found, "100\n");
  EXPECT_EQ(applied.ancestors.size(), 1u);
  EXPECT_FALSE(applySetting(access, setting).written);
  access.text = "90\n";
  EXPECT_EQ(observeSetting(access, setting).state, State::Drifted);
}

TEST(Mechanism, ARefusalOfTheKernelShowsWhatItHolds) {
  TensAccess access;
  access.write_error = EBUSY;
  Applied applied = applySetting(access, wanted("200"));
  EXPECT_EQ(applied.state, State::Failed);
  EXPECT_EQ(applied.error_number, EBUSY);
  EXPECT_EQ(applied.actual, "100");
  EXPECT_EQ(applied.found, "100\n");
}

TEST(Mechanism, WhatCannotBeReadIsNotWritten) {
  TensAccess access;
  access.read_error = EACCES;
  Looked looked = look(access, wanted("200"));
  EXPECT_FALSE(looked.must_write);
  EXPECT_EQ(looked.applied.state, State::Failed);
  EXPECT_FALSE(looked.applied.found);
  access.read_error = ENODEV;
  EXPECT_TRUE(look(access, wanted("200")).applied.gone);
}

}  // namespace
}  // namespace plimsoll::mechanism
