#include "cmd/plimsolld/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pkg/journal/journal.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::agent {
namespace {

using testing::HasSubstr;
using testing_support::FakeCgroup;
using testing_support::FakeHost;

constexpr char kPath[] = "/kubepods/pod0/app";

struct Ran {
  int exit_code = -1;
  std::string out, err;
};

class ReleaseCommandTest : public testing::Test {
 protected:
  ReleaseCommandTest() : cgroup_(host_.container(kPath)) {
    agent_.roots = host_.roots();
    agent_.state_dir = host_.directory() + "/state";
    agent_.bpffs = host_.directory() + "/bpf";
  }

  std::unique_ptr<journal::Journal> open() { return *journal::Journal::open({.dir = agent_.state_dir}); }
  void put(const std::string& key, std::optional<std::string> found, const std::string& ours) {
    struct stat info {};
    stat(cgroup_.directory().c_str(), &info);
    journal::Change change;
    change.owner = {"shop", "web-\x1b[31m0", "uid", "app", "app-id"};
    change.place = kPath;
    change.place_id = info.st_ino;
    change.object = change.key = key;
    change.found = std::move(found);
    change.ours = ours;
    open()->set({change});
    cgroup_.file(key, ours + "\n");
  }
  Ran run(const ReleaseOptions& options = {}) {
    std::ostringstream out, err;
    Ran ran;
    ran.exit_code = runRelease(agent_, options, out, err);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }

  FakeHost host_;
  FakeCgroup cgroup_;
  AgentOptions agent_;
};

TEST_F(ReleaseCommandTest, NothingWasEverDone) {
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitOk);
  EXPECT_EQ(ran.out, "nothing to put back\n");
  EXPECT_EQ(ran.err, "");
  EXPECT_FALSE(std::filesystem::exists(agent_.state_dir));
}

TEST_F(ReleaseCommandTest, PutsBackAndMayBeRunAgain) {
  put("cpu.weight", "100\n", "200");
  const Ran first = run();
  EXPECT_EQ(first.exit_code, kExitOk) << first.err;
  EXPECT_EQ(first.out,
            "OWNER                    KEY          FOUND   OURS   NOW   OUTCOME    REASON\n"
            "shop/web-\\x1b[31m0/app   cpu.weight   100     200    200   Restored   -\n"
            "1 Restored\n");
  EXPECT_EQ(cgroup_.text("cpu.weight"), "100\n");
  EXPECT_EQ(run().out, "nothing to put back\n");
}

TEST_F(ReleaseCommandTest, ADryRunChangesNothingAndNeedsNoLock) {
  put("cpu.weight", "100", "200");
  auto agent = open();
  const Ran ran = run({.dry_run = true});
  EXPECT_EQ(ran.exit_code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("1 WouldRestore"));
  EXPECT_EQ(cgroup_.text("cpu.weight"), "200\n");
}

TEST_F(ReleaseCommandTest, RefusesWhileAnAgentRuns) {
  put("cpu.weight", "100", "200");
  auto agent = open();
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitBusy);
  EXPECT_THAT(ran.err, HasSubstr("another plimsolld (process " + std::to_string(getpid()) + ") is at work"));
  EXPECT_THAT(ran.err, HasSubstr("end it first"));
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(cgroup_.text("cpu.weight"), "200\n");
}

TEST_F(ReleaseCommandTest, WhatCannotBePutBackIsAFailure) {
  put("cpu.weight", std::nullopt, "200");
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitFailure);
  EXPECT_THAT(ran.out, HasSubstr("NothingKnown"));
}

TEST_F(ReleaseCommandTest, AForeignValueIsNone) {
  put("cpu.weight", "100", "200");
  cgroup_.file("cpu.weight", "300\n");
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitOk);
  EXPECT_THAT(ran.out, HasSubstr("1 Left"));
}

TEST_F(ReleaseCommandTest, AHostThatIsNoneOfOurs) {
  put("cpu.weight", "100", "200");
  host_.mountCgroups(FakeHost::CgroupMounts::V1);
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitFailure);
  EXPECT_NE(ran.err, "");
  EXPECT_EQ(open()->openChanges().size(), 1u);
}

TEST_F(ReleaseCommandTest, ADamagedJournalIsTold) {
  std::filesystem::create_directory(agent_.state_dir);
  FILE* file = fopen((agent_.state_dir + "/journal").c_str(), "w");
  fputs("something else", file);
  fclose(file);
  const Ran ran = run();
  EXPECT_EQ(ran.exit_code, kExitOk);
  EXPECT_THAT(ran.err, HasSubstr("journal.damaged-1"));
}

TEST_F(ReleaseCommandTest, ForPrograms) {
  put("cpu.weight", std::nullopt, "200");
  const Ran ran = run({.dry_run = true, .json = true});
  const auto document = nlohmann::json::parse(ran.out);
  EXPECT_EQ(document["kind"], "ReleaseReport");
  EXPECT_EQ(document["dryRun"], true);
  const auto& item = document["items"].at(0);
  EXPECT_EQ(item["key"], "cpu.weight");
  EXPECT_EQ(item["found"], nullptr);
  EXPECT_EQ(item["now"], "200\n");
  EXPECT_EQ(item["outcome"], "NothingKnown");
}

}  // namespace
}  // namespace plimsoll::agent
