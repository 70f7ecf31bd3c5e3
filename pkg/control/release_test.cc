#include "pkg/control/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "pkg/sys/file.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::control {
namespace {

using base::ErrorCode;
using journal::Change;
using journal::Journal;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::FakeCgroup;
using testing_support::FakeHost;

constexpr char kPath[] = "/kubepods/pod0/app";

class ReleaseTest : public testing::Test {
 protected:
  ReleaseTest() : cgroup_(host_.container(kPath)) {
    auto hierarchy = cgroup::Hierarchy::open(roots_);
    hierarchy_.emplace(std::move(*hierarchy));
    open();
  }

  void open() {
    journal_.reset();
    journal_ = std::move(*Journal::open({.dir = host_.directory() + "/state", .max_bytes = 64 << 10}));
  }

  static uint64_t idOf(const std::string& directory) {
    struct stat info {};
    stat(directory.c_str(), &info);
    return info.st_ino;
  }

  // As the agent does it: journaled, then written, then settled.
  Change change(const std::string& key, const std::string& found, const std::string& ours) {
    Change change;
    change.owner = {"shop", "web-0", "uid", "app", "app-id"};
    change.place = kPath;
    change.place_id = idOf(cgroup_.directory());
    change.object = key;
    change.key = key;
    change.found = found;
    change.ours = ours;
    return change;
  }
  Change put(const std::string& key, const std::string& found, const std::string& ours) {
    Change made = change(key, found, ours);
    journal_->set({made});
    cgroup_.file(key, ours + "\n");
    journal_->settled({made});
    return made;
  }

  ReleaseReport release(Mode mode = Mode::Restore) {
    return releaseAll(*journal_, cgroupMechanisms(*hierarchy_, roots_), mode);
  }
  static std::vector<std::string> outcomes(const ReleaseReport& report) {
    std::vector<std::string> lines;
    for (const ReleaseRow& row : report.rows)
      lines.push_back(row.change.key + " " + std::string(outcomeName(row.outcome)));
    return lines;
  }

  FakeHost host_;
  sys::HostRoots roots_ = host_.roots();
  FakeCgroup cgroup_;
  std::optional<cgroup::Hierarchy> hierarchy_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(ReleaseTest, PutsBackTheNewestFirstAndRecordsIt) {
  put("cpu.weight", "100", "200");
  put("memory.high", "max", "1048576");
  const ReleaseReport report = release();
  EXPECT_THAT(outcomes(report), ElementsAre("memory.high Restored", "cpu.weight Restored"));
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.rows[0].now, "1048576\n");
  EXPECT_EQ(cgroup_.text("cpu.weight"), "100\n");
  EXPECT_EQ(cgroup_.text("memory.high"), "max\n");
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
}

TEST_F(ReleaseTest, ASecondRunHasNothingToDo) {
  put("cpu.weight", "100", "200");
  release();
  cgroup_.file("cpu.weight", "200\n");  // somebody else's by now
  EXPECT_THAT(release().rows, IsEmpty());
  EXPECT_EQ(cgroup_.text("cpu.weight"), "200\n");
}

TEST_F(ReleaseTest, ADryRunChangesNothing) {
  put("cpu.weight", "100", "200");
  EXPECT_THAT(outcomes(release(Mode::DryRun)), ElementsAre("cpu.weight WouldRestore"));
  EXPECT_EQ(cgroup_.text("cpu.weight"), "200\n");
  EXPECT_EQ(journal_->openChanges().size(), 1u);
}

TEST_F(ReleaseTest, AForeignValueIsLeft) {
  put("cpu.weight", "100", "200");
  cgroup_.file("cpu.weight", "333\n");
  const ReleaseReport report = release();
  EXPECT_THAT(outcomes(report), ElementsAre("cpu.weight Left"));
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(cgroup_.text("cpu.weight"), "333\n");
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
  auto history = journal::history(host_.directory() + "/state", {});
  EXPECT_EQ(history->back().op, journal::Op::Left);
  EXPECT_EQ(history->back().change.ours, "333\n");
}

TEST_F(ReleaseTest, WhatIsAsItWasNeedsNoWrite) {
  put("cpu.weight", "100", "200");
  cgroup_.file("cpu.weight", "100");
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Restored"));
  EXPECT_EQ(cgroup_.text("cpu.weight"), "100");  // ours would end the line
}

// Between the journal's record and the kernel's write, or between that and its reading back.
TEST_F(ReleaseTest, AChangeThatWasNotSettled) {
  struct Case {
    const char *key, *found, *ours, *now, *outcome;
  };
  const Case cases[] = {
      {"cpu.weight", "100", "200", "100", "Restored"},          // never written
      {"cpu.weight", "100", "200", "200", "Restored"},          // written
      {"cpu.weight", "100", "200", "199", "Left"},              // neither
      {"memory.high", "max", "1000001", "999424", "Restored"},  // written and rounded
      {"memory.high", "max", "1000001", "999425", "Left"},      // no multiple of a page
      {"memory.high", "max", "1000001", "1003520", "Left"},     // never rounded up
      {"memory.high", "max", "10000000", "4096", "Left"},       // too far
      {"cpu.max", "max 100000", "50000 100000", "50000 100000", "Restored"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.key) + " " + c.now);
    Change made = change(c.key, c.found, c.ours);
    journal_->set({made});
    cgroup_.file(c.key, std::string(c.now) + "\n");
    EXPECT_THAT(outcomes(release()), ElementsAre(std::string(c.key) + " " + c.outcome));
  }
}

TEST_F(ReleaseTest, ARoundedValueIsOursOnlyUntilItIsSettled) {
  put("memory.high", "max", "1000001");
  cgroup_.file("memory.high", "999424\n");
  EXPECT_THAT(outcomes(release()), ElementsAre("memory.high Left"));
}

TEST_F(ReleaseTest, NothingToGoBackToStaysOpen) {
  Change made = change("cpuset.cpus", "", "0");
  made.found.reset();
  journal_->set({made});
  cgroup_.file("cpuset.cpus", "0\n");
  const ReleaseReport report = release();
  EXPECT_THAT(outcomes(report), ElementsAre("cpuset.cpus NothingKnown"));
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(journal_->openChanges().size(), 1u);
}

TEST_F(ReleaseTest, ACgroupThatWasRemovedIsGone) {
  put("cpu.weight", "100", "200");
  cgroup_.remove();
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Gone"));
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
}

TEST_F(ReleaseTest, ANamesakeIsNotTouched) {
  Change made = put("cpu.weight", "100", "200");
  cgroup_.remove();
  FakeCgroup other =
      host_.container("/kubepods/pod0/other");  // takes the old one's inode where that is reused
  FakeCgroup namesake = host_.container(kPath);
  if (idOf(namesake.directory()) == made.place_id) GTEST_SKIP() << "this file system reused the inode";
  namesake.file("cpu.weight", "200\n");
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Gone"));
  EXPECT_EQ(namesake.text("cpu.weight"), "200\n");
}

TEST_F(ReleaseTest, WhatNeverGotItsPlaceIsFoundByItsName) {
  Change made = change("cpu.weight", "100", "200");
  made.place_id = 0;
  journal_->set({made});
  cgroup_.file("cpu.weight", "200\n");
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Restored"));
  EXPECT_EQ(cgroup_.text("cpu.weight"), "100\n");
}

TEST_F(ReleaseTest, AFileThatVanishedTookOurValueWithIt) {
  put("cpu.weight", "100", "200");
  cgroup_.removeFile("cpu.weight");
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Gone"));
}

TEST_F(ReleaseTest, AKeyOrMechanismOfAnotherVersionStaysOpen) {
  put("cpu.unheard-of", "1", "2");
  Change strange = change("cpu.weight", "100", "200");
  strange.target = static_cast<model::Target>(4711);
  journal_->set({strange});
  const ReleaseReport report = release();
  EXPECT_THAT(outcomes(report), ElementsAre("cpu.weight Failed", "cpu.unheard-of Failed"));
  EXPECT_THAT(report.rows[0].reason, HasSubstr("cannot reach"));
  EXPECT_THAT(report.rows[1].reason, HasSubstr("knows no setting"));
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(journal_->openChanges().size(), 2u);
}

TEST_F(ReleaseTest, AWrongPathReachesNothing) {
  Change made = change("cpu.weight", "100", "200");
  made.place = "/kubepods/../../etc";
  journal_->set({made});
  EXPECT_THAT(outcomes(release()), ElementsAre("cpu.weight Failed"));
}

// A device that had no line gets the words that make the kernel drop its line.
TEST_F(ReleaseTest, FilesWithALineForEachDevice) {
  put("io.max", "8:16 rbps=1048576 wbps=max riops=max wiops=max",
      "8:0 rbps=max wbps=2048 riops=max wiops=max\n8:16 rbps=1048576 wbps=4096 riops=max wiops=max");
  EXPECT_THAT(outcomes(release()), ElementsAre("io.max Restored"));
  EXPECT_EQ(cgroup_.text("io.max"),
            "8:0 rbps=max wbps=max riops=max wiops=max\n8:16 rbps=1048576 wbps=max riops=max wiops=max\n");
}

TEST_F(ReleaseTest, AnotherDevicesLimitDoesNotMatter) {
  put("io.max", "", "8:0 rbps=max wbps=2048 riops=max wiops=max");
  cgroup_.file("io.max", "8:0 rbps=max wbps=2048 riops=max wiops=max\n9:9 rbps=1 wbps=1 riops=1 wiops=1\n");
  EXPECT_THAT(outcomes(release()), ElementsAre("io.max Restored"));
}

// An Access whose kernel has the constraint that a burst is not above the quota.
class BurstKernel final : public mechanism::Access {
 public:
  explicit BurstKernel(std::map<std::string, std::string>& files) : files_(files) {}
  mechanism::Place place() const override { return {kPath, 7}; }
  bool gone() const override { return false; }
  base::Result<std::string> read(const model::PlannedSetting& setting) const override {
    return files_.at(setting.request.setting.file);
  }
  base::Status write(const model::PlannedSetting& setting) const override {
    const auto& [spec, key, file] = setting.request.setting;
    std::map<std::string, std::string> after = files_;
    after[file] = model::kernelWrites(*spec, setting.value).front();
    const std::string quota = after["cpu.max"].substr(0, after["cpu.max"].find(' '));
    if (quota != "max" && std::stol(after["cpu.max.burst"]) > std::stol(quota))
      return base::errnoError(EINVAL, "write " + file);
    files_ = std::move(after);
    return base::ok();
  }

 private:
  std::map<std::string, std::string>& files_;
};

TEST_F(ReleaseTest, WhatTheKernelRefusesIsTriedAgainAfterTheOthers) {
  std::map<std::string, std::string> files = {{"cpu.max", "50000 100000"}, {"cpu.max.burst", "50000"}};
  Change burst = change("cpu.max.burst", "10000", "50000");
  Change quota = change("cpu.max", "20000 100000", "50000 100000");
  burst.place_id = quota.place_id = 7;
  // In this order the quota comes first and is refused, since the burst is still above it.
  journal_->set(std::vector{burst, quota});
  Mechanisms mechanisms = {
      {model::Target::CgroupFile, [&](const Change&) { return std::make_unique<BurstKernel>(files); }}};
  const ReleaseReport report = releaseAll(*journal_, mechanisms, Mode::Restore);
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(files["cpu.max"], "20000 100000");
  EXPECT_EQ(files["cpu.max.burst"], "10000");
}

TEST_F(ReleaseTest, WhatTheKernelRefusesForGoodIsFailed) {
  std::map<std::string, std::string> files = {{"cpu.max", "50000 100000"}, {"cpu.max.burst", "50000"}};
  Change quota = change("cpu.max", "20000 100000", "50000 100000");
  quota.place_id = 7;
  journal_->set({quota});
  Mechanisms mechanisms = {
      {model::Target::CgroupFile, [&](const Change&) { return std::make_unique<BurstKernel>(files); }}};
  const ReleaseReport report = releaseAll(*journal_, mechanisms, Mode::Restore);
  EXPECT_THAT(outcomes(report), ElementsAre("cpu.max Failed"));
  EXPECT_THAT(report.rows[0].reason, HasSubstr("Invalid argument"));
  EXPECT_EQ(journal_->openChanges().size(), 1u);
}

// Two containers of one place changed the same object, one after the other.
TEST_F(ReleaseTest, ChangesOfOneObjectUnwindInOrder) {
  for (Mode mode : {Mode::DryRun, Mode::Restore}) {
    Change first = change("cpu.weight", "100", "200");
    Change second = change("cpu.weight", "200", "300");
    second.owner.container_id = "side-id";
    journal_->set(std::vector{first, second});
    cgroup_.file("cpu.weight", "300\n");
    const ReleaseReport report = release(mode);
    const char* word = mode == Mode::DryRun ? "cpu.weight WouldRestore" : "cpu.weight Restored";
    EXPECT_THAT(outcomes(report), ElementsAre(word, word));
  }
  EXPECT_EQ(cgroup_.text("cpu.weight"), "100\n");
}

TEST_F(ReleaseTest, ProcessesGetTheirScoreBack) {
  host_.process(4711, kPath);
  host_.proc("4711/oom_score_adj", "500\n");
  Change made = change("oom.score-adj", "-3", "500");
  made.target = model::Target::OomScoreAdj;
  made.object = "oom_score_adj";
  journal_->set({made});
  EXPECT_THAT(outcomes(release()), ElementsAre("oom.score-adj Restored"));
  EXPECT_EQ(host_.procText("4711/oom_score_adj"), "-3\n");
}

// As the kernel: "8:0 default" takes the device's line away.
TEST_F(ReleaseTest, ADeviceWithoutAWeightOfItsOwnHasNoneAgain) {
  class WeightKernel final : public mechanism::Access {
   public:
    mechanism::Place place() const override { return {}; }
    bool gone() const override { return false; }
    base::Result<std::string> read(const model::PlannedSetting&) const override { return text_; }
    base::Status write(const model::PlannedSetting& setting) const override {
      written_ = model::kernelWrites(*setting.request.setting.spec, setting.value);
      text_ = "default 100\n";
      return base::ok();
    }
    mutable std::string text_ = "default 150\n8:0 200\n";
    mutable std::vector<std::string> written_;
  };
  WeightKernel kernel;
  const ReleaseRow row =
      putBack(change("io.weight", "default 100\n", "default 150\n8:0 200\n"), kernel, Mode::Restore);
  EXPECT_EQ(row.outcome, Outcome::Restored) << row.reason;
  EXPECT_THAT(kernel.written_, ElementsAre("default 100", "8:0 default"));
}

// A kernel that forgets the write.
TEST_F(ReleaseTest, IsReadBack) {
  class Deaf final : public mechanism::Access {
   public:
    mechanism::Place place() const override { return {}; }
    bool gone() const override { return false; }
    base::Result<std::string> read(const model::PlannedSetting&) const override { return "200\n"; }
    base::Status write(const model::PlannedSetting&) const override { return base::ok(); }
  };
  const ReleaseRow row = putBack(change("cpu.weight", "100", "200"), Deaf(), Mode::Restore);
  EXPECT_EQ(row.outcome, Outcome::Failed);
  EXPECT_THAT(row.reason, HasSubstr("keeps 200"));
}

// A pod's namespace that this agent may not enter is not one that is gone.
TEST_F(ReleaseTest, WhatCannotBeReachedStaysOpen) {
  class Closed final : public mechanism::Access {
   public:
    mechanism::Place place() const override { return {}; }
    bool gone() const override { return false; }
    base::Result<std::string> read(const model::PlannedSetting&) const override {
      return base::error(ErrorCode::Unimplemented, "needs CAP_SYS_ADMIN");
    }
    base::Status write(const model::PlannedSetting&) const override { return base::ok(); }
  };
  Change made = change("cpu.weight", "100", "200");
  journal_->set({made});
  const ReleaseRow row = putBack(made, Closed(), Mode::Restore);
  EXPECT_EQ(row.outcome, Outcome::Failed);
  EXPECT_THAT(row.reason, HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_FALSE(recordOutcome(*journal_, row, "test"));
  EXPECT_EQ(journal_->openChanges().size(), 1u);
}

}  // namespace
}  // namespace plimsoll::control
