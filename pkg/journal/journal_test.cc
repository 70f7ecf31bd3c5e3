#include "pkg/journal/journal.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "pkg/journal/test_world.h"

namespace plimsoll::journal {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JournalTest : public testing::Test {
 protected:
  Options options() const { return {.dir = dir_.path() + "/state", .max_bytes = 256 << 10, .boot_id = "a"}; }
  std::vector<Record> historyOfAll() const { return *history(options().dir, {}); }

  TempDir dir_;
};

std::vector<std::string> opsOf(const std::vector<Record>& records) {
  std::vector<std::string> ops;
  for (const Record& record : records)
    ops.push_back(std::string(opName(record.op)) + " " + record.change.object);
  return ops;
}

Change settledOf(Change change, std::string ours) {
  change.ours = std::move(ours);
  change.settled = true;
  return change;
}

TEST_F(JournalTest, AChangeIsThereAfterARestartAsItWasMade) {
  Change written = changeOf("app", "cpu.max", "max 100000", "50000 100000");
  Change carried = changeOf("app", "memory.high", "", "1048576");
  carried.found.reset();
  {
    auto journal = openJournal(options());
    journal->set(std::vector{written, carried});
    EXPECT_EQ(journal->problem(), "");
    EXPECT_EQ(journal->recovery(), "");
  }
  EXPECT_THAT(openOf(*openJournal(options())), ElementsAre(written, carried));
}

TEST_F(JournalTest, SettledKeepsWhatTheKernelMadeOfIt) {
  Change written = changeOf("app", "memory.high", "max", "1000001");
  {
    auto journal = openJournal(options());
    journal->set({written});
    written.ours = "999424";
    journal->settled({written});
  }
  EXPECT_THAT(reopened(options()), ElementsAre(settledOf(written, "999424")));
}

TEST_F(JournalTest, TheFirstValueFoundIsKept) {
  auto journal = openJournal(options());
  Change first = changeOf("app", "cpu.weight", "100", "200");
  Change again = changeOf("app", "cpu.weight", "150", "300");
  journal->set({first});
  journal->set({again});
  const Change* open = journal->find("app-id", model::Target::CgroupFile, "cpu.weight");
  ASSERT_NE(open, nullptr);
  EXPECT_EQ(open->found, "100");
  EXPECT_EQ(open->ours, "300");
  EXPECT_EQ(openOf(*journal), reopened(options()));
}

TEST_F(JournalTest, WhatTravelledAtCreationGetsItsPlaceLater) {
  Change carried = changeOf("app", "cpu.max", "", "50000 100000");
  carried.found.reset();
  carried.place = "";
  carried.place_id = 0;
  Change arrived = changeOf("app", "cpu.max", "max 100000", "50000 100000");
  {
    auto journal = openJournal(options());
    journal->set({carried});
    journal->settled({arrived});
  }
  EXPECT_THAT(reopened(options()), ElementsAre(settledOf(arrived, "50000 100000")));
}

TEST_F(JournalTest, SettlingTheSameAgainAppendsNothing) {
  auto journal = openJournal(options());
  Change change = changeOf("app", "cpu.weight", "100", "200");
  journal->set({change});
  journal->settled({change});
  const Stats before = journal->stats();
  journal->settled({change});
  EXPECT_EQ(journal->stats().records, before.records);
  EXPECT_EQ(journal->stats().bytes, before.bytes);
}

TEST_F(JournalTest, RebasedGoesBackToTheNewBase) {
  auto journal = openJournal(options());
  Change change = changeOf("app", "cpu.weight", "100", "200");
  journal->set({change});
  change.found = "79";
  journal->rebase(change);
  EXPECT_EQ(reopened(options()).at(0).found, "79");
  EXPECT_THAT(opsOf(historyOfAll()), ElementsAre("Set cpu.weight", "Rebased cpu.weight"));
}

TEST_F(JournalTest, ClosedIsClosed) {
  std::vector<Change> changes = {changeOf("app", "cpu.max", "max 100000", "1000 100000"),
                                 changeOf("app", "cpu.weight", "100", "200"),
                                 changeOf("app", "pids.max", "max", "10")};
  auto journal = openJournal(options());
  journal->set(changes);
  journal->close(changes[0], Op::Restored);
  Change foreign = changes[1];
  foreign.ours = "555";
  journal->close(foreign, Op::Left, "the kubelet wrote it");
  EXPECT_THAT(reopened(options()), ElementsAre(changes[2]));
  const std::vector<Record> records = historyOfAll();
  EXPECT_THAT(opsOf(records), ElementsAre("Set cpu.max", "Set cpu.weight", "Set pids.max", "Restored cpu.max",
                                          "Left cpu.weight"));
  EXPECT_EQ(records[4].change.ours, "555");
  EXPECT_EQ(records[4].note, "the kubelet wrote it");
}

TEST_F(JournalTest, ClosingWhatIsNotOpenIsNothing) {
  auto journal = openJournal(options());
  journal->close(changeOf("app", "cpu.max", "a", "b"), Op::Restored);
  journal->rebase(changeOf("app", "cpu.max", "a", "b"));
  journal->forgetContainer("app-id");
  EXPECT_EQ(journal->stats().records, 0u);
}

// The reference is one of the journal's own.
TEST_F(JournalTest, ClosingByThePointerThatWasGiven) {
  auto journal = openJournal(options());
  Change change = changeOf("app", "cpu.max", "a", "b");
  journal->set({change});
  journal->close(*journal->openChanges().front(), Op::Restored);
  EXPECT_THAT(journal->openChanges(), IsEmpty());
}

TEST_F(JournalTest, AContainerThatIsGoneTakesItsOwnOnly) {
  std::vector<Change> changes = {changeOf("app", "cpu.max", "a", "b"), changeOf("app", "pids.max", "a", "b"),
                                 changeOf("ap", "cpu.max", "a", "b"), changeOf("app2", "cpu.max", "a", "b")};
  Change node = changeOf("", "net.ipv4.ip_forward_update_priority", "1", "0");
  node.owner = {};
  changes.push_back(node);
  auto journal = openJournal(options());
  journal->set(changes);
  EXPECT_EQ(journal->ofContainer("app-id").size(), 2u);
  journal->forgetContainer("app-id");
  journal->forgetContainer("");
  EXPECT_THAT(openOf(*journal), ElementsAre(changes[2], changes[3], changes[4]));
  EXPECT_EQ(openOf(*journal), reopened(options()));
}

TEST_F(JournalTest, AnotherBootHasNothingOpenButItsHistory) {
  Change change = changeOf("app", "cpu.max", "a", "b");
  openJournal(options())->set({change});
  Options later = options();
  later.boot_id = "b";
  auto journal = openJournal(later);
  EXPECT_THAT(journal->openChanges(), IsEmpty());
  Change now = changeOf("app", "pids.max", "a", "b");
  journal->set({now});
  EXPECT_THAT(openOf(*journal), ElementsAre(now));
  EXPECT_THAT(opsOf(historyOfAll()), ElementsAre("Set cpu.max", "Set pids.max"));
  journal->compact();
  EXPECT_THAT(reopened(later), ElementsAre(now));
  EXPECT_THAT(opsOf(historyOfAll()), ElementsAre("Set cpu.max", "Set pids.max"));
}

TEST_F(JournalTest, AnyBytesAreKept) {
  Change change = changeOf("app", "io.max", std::string("8:0 rbps=max\n\0\xff", 15), "\x80\xff\n");
  change.asked_by = std::string(1, '\0') + "\xc3";
  change.key = "something.else";
  change.target = static_cast<model::Target>(9999);  // of a later version
  openJournal(options())->set({change});
  EXPECT_THAT(reopened(options()), ElementsAre(change));
}

TEST_F(JournalTest, CompactionKeepsWhatIsOpenAndTheNewestHistory) {
  auto journal = openJournal(options());
  Change first = changeOf("old", "cpu.max", "max", "1");
  journal->set({first});
  uint64_t appended = 0;
  for (int i = 0; journal->stats().compactions < 5; ++i) {
    Change change = changeOf("app", "cpu.max", "max", std::to_string(i));
    journal->set({change});
    ++appended;
    ASSERT_EQ(journal->problem(), "");
    ASSERT_LT(i, 100'000);
  }
  EXPECT_EQ(openOf(*journal), reopened(options()));
  const std::vector<Record> records = historyOfAll();
  ASSERT_GT(records.size(), 100u);
  EXPECT_LT(records.size(), appended);
  // Both changes are open since the beginning and shown however old they are; the others are the newest.
  EXPECT_EQ(records.front().change, first);
  EXPECT_EQ(records.at(1).sequence, 2u);
  EXPECT_EQ(records.back().sequence, appended + 1);
  EXPECT_EQ(records.back().sequence - records.at(2).sequence + 3, records.size());
  EXPECT_EQ(std::filesystem::file_size(options().dir + "/journal"), size_t{4096} + 2 * 126976);
}

TEST_F(JournalTest, AsksForCompactionBeforeItIsFull) {
  auto journal = openJournal(options());
  Change change = changeOf("app", "cpu.max", "max", "1");
  while (!journal->wantsCompaction()) journal->set({change});
  EXPECT_EQ(journal->stats().compactions, 0u);
  journal->compact();
  EXPECT_EQ(journal->stats().compactions, 1u);
  EXPECT_FALSE(journal->wantsCompaction());
}

TEST_F(JournalTest, HistoryOfOnePodOrContainer) {
  Change other = changeOf("app", "cpu.max", "a", "b");
  other.owner.pod = "web-1";
  other.owner.container_id = "other";
  auto journal = openJournal(options());
  journal->set(
      std::vector{changeOf("app", "cpu.max", "a", "b"), changeOf("side", "cpu.weight", "a", "b"), other});
  EXPECT_EQ(history(options().dir, {.ns = "shop", .pod = "web-0"})->size(), 2u);
  EXPECT_EQ(history(options().dir, {.ns = "shop", .pod = "web-0", .container = "side"})->size(), 1u);
  EXPECT_EQ(history(options().dir, {.ns = "x", .pod = "web-0"})->size(), 0u);
  auto newest = history(options().dir, {.limit = 1});
  ASSERT_EQ(newest->size(), 1u);
  EXPECT_EQ(newest->front().change, other);
}

TEST_F(JournalTest, HistoryWithoutAJournal) {
  EXPECT_EQ(history(dir_.path(), {}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(history(dir_.path() + "/none", {}).error().code, ErrorCode::NotFound);
}

TEST_F(JournalTest, ReadOnlyNeitherMakesNorLocksAnything) {
  Options reading = options();
  reading.read_only = true;
  EXPECT_THAT(openJournal(reading)->openChanges(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(reading.dir));
  auto writer = openJournal(options());
  Change change = changeOf("app", "cpu.max", "a", "b");
  writer->set({change});
  auto reader = openJournal(reading);
  EXPECT_THAT(openOf(*reader), ElementsAre(change));
  reader->close(change, Op::Restored);
  reader->compact();
  reader->flush();
  EXPECT_THAT(reopened(options()), ElementsAre(change));
}

TEST_F(JournalTest, OneWriterAtATime) {
  auto first = openJournal(options());
  auto second = Journal::open(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Unavailable);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(getpid())));
  first.reset();
  EXPECT_TRUE(Journal::open(options()));
}

TEST_F(JournalTest, FlushReachesTheDiskOnceForWhatWasAppended) {
  auto journal = openJournal(options());
  journal->flush();
  const uint64_t before = journal->stats().syncs;
  journal->flush();
  EXPECT_EQ(journal->stats().syncs, before);
  Change change = changeOf("app", "cpu.max", "a", "b");
  journal->set({change});
  journal->flush();
  EXPECT_EQ(journal->stats().syncs, before + 1);
}

}  // namespace
}  // namespace plimsoll::journal
