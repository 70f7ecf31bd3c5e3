// What damage, full and read-only disks, dead processes and strange files do to a journal: never a crash,
// never garbage, and as little lost as can be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <random>
#include <set>

#include "pkg/base/unique_fd.h"
#include "pkg/journal/frame.h"
#include "pkg/journal/test_world.h"

namespace plimsoll::journal {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kHeader = 4096;

class FaultTest : public testing::Test {
 protected:
  Options options() const {
    return {.dir = dir_.path(), .max_bytes = 64 << 10, .boot_id = "a", .retry_after = {}};
  }
  Options readOnly() const {
    Options options = this->options();
    options.read_only = true;
    return options;
  }
  static void setOne(Journal& journal, const Change& change) { journal.set({change}); }

  TempDir dir_;
  const Change cpu_ = changeOf("app", "cpu.max", "max 100000", "50000 100000");
  const Change pids_ = changeOf("app", "pids.max", "max", "100");
};

// A journal's file and what is open after each of its records.
struct Written {
  std::string bytes;
  std::vector<std::pair<size_t, std::vector<Change>>> steps;  // end in the file
};

Written writeSome(const Options& options, const TempDir& dir) {
  Written written;
  auto journal = openJournal(options);
  auto step = [&] { written.steps.emplace_back(kHeader + journal->stats().bytes, openOf(*journal)); };
  written.steps.emplace_back(kHeader, std::vector<Change>{});
  step();
  for (int i = 0; i < 12; ++i) {
    Change change =
        changeOf("c" + std::to_string(i % 3), i % 2 ? "cpu.max" : "pids.max", "max", std::to_string(i));
    journal->set({change});
    step();
    change.ours += "000";
    if (i % 3 == 0) journal->settled({change});
    step();
    if (i % 4 == 3) journal->close(change, Op::Restored, "by a test");
    step();
  }
  written.bytes = dir.bytes();
  return written;
}

TEST_F(FaultTest, CutOffAtEveryByte) {
  const Written written = writeSome(options(), dir_);
  const size_t used = written.steps.back().first;
  for (size_t length = 0; length <= used + 1; ++length) {
    dir_.setBytes(written.bytes.substr(0, length));
    const std::vector<Change>* expected = nullptr;
    for (const auto& [end, open] : written.steps) {
      // A frame that lacks nothing but zeroes at its end is whole.
      const size_t needed = written.bytes.find_last_not_of('\0', end - 1) + 1;
      if (end == kHeader || needed <= length) expected = &open;
    }
    ASSERT_EQ(openOf(*openJournal(readOnly())), *expected) << "cut off at " << length;
    if (length % 211 != 0) continue;  // these wait for the disk
    auto journal = openJournal(options());
    ASSERT_EQ(journal->problem(), "");
    ASSERT_EQ(openOf(*journal), *expected) << "cut off at " << length;
    setOne(*journal, cpu_);
    ASSERT_EQ(openOf(*journal), reopened(options())) << "cut off at " << length;
  }
}

TEST_F(FaultTest, ATornLastRecordIsCutOffAndCounted) {
  const Written written = writeSome(options(), dir_);
  const size_t last = written.steps[written.steps.size() - 2].first;
  for (size_t torn = last + 1; torn < written.steps.back().first; torn += 7) {
    std::string bytes = written.bytes;
    std::fill(bytes.begin() + static_cast<long>(torn), bytes.end(), '\0');
    if (bytes == written.bytes) continue;  // only padding was lost
    dir_.setBytes(bytes);
    auto journal = openJournal(options());
    ASSERT_EQ(journal->stats().recovered_torn, 1u) << torn;
    ASSERT_THAT(journal->recovery(), HasSubstr("cut off"));
    ASSERT_EQ(openOf(*journal), written.steps[written.steps.size() - 2].second);
    journal.reset();
    ASSERT_EQ(openJournal(options())->stats().recovered_torn, 0u) << "wiped for good";
  }
}

TEST_F(FaultTest, ADamagedRecordInTheMiddleIsSkippedAndCounted) {
  auto journal = openJournal(options());
  std::vector<size_t> ends;
  for (const char* container : {"a", "b", "c"}) {
    setOne(*journal, changeOf(container, "cpu.max", "max", "1"));
    ends.push_back(kHeader + journal->stats().bytes);
  }
  journal.reset();
  const std::string bytes = dir_.bytes();
  for (size_t at = ends[0]; at < ends[1]; ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    dir_.setBytes(damaged);
    auto reader = openJournal(readOnly());
    std::vector<std::string> containers;
    for (const Change* change : reader->openChanges()) containers.push_back(change->owner.container);
    // A flipped bit of the padding hurts nobody.
    if (containers.size() == 3) continue;
    ASSERT_THAT(containers, ElementsAre("a", "c")) << at;
  }
  std::string damaged = bytes;
  damaged[ends[0] + 20] ^= 1;
  dir_.setBytes(damaged);
  auto mended = openJournal(options());
  EXPECT_EQ(mended->stats().dropped, 1u);
  EXPECT_THAT(mended->recovery(), HasSubstr("1 damaged"));
  mended.reset();
  EXPECT_EQ(openJournal(options())->stats().dropped, 0u) << "not carried on";
  EXPECT_EQ(reopened(options()).size(), 2u);
}

TEST_F(FaultTest, FlippedBitsNeverMakeGarbage) {
  const Written written = writeSome(options(), dir_);
  std::set<std::string> known;
  for (const auto& [end, open] : written.steps) {
    for (const Change& change : open) known.insert(change.owner.container_id + change.object + change.ours);
  }
  std::mt19937 random(20241121);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = written.bytes;
    const size_t flips = 1 + random() % 8;
    for (size_t i = 0; i < flips; ++i)
      bytes[random() % written.steps.back().first] ^= static_cast<char>(1 << random() % 8);
    dir_.setBytes(bytes);
    for (const Change& change : reopened(options()))
      ASSERT_TRUE(known.contains(change.owner.container_id + change.object + change.ours)) << round;
    ASSERT_TRUE(history(dir_.path(), {}) || true);
    if (round % 100 != 0) continue;
    auto journal = openJournal(options());
    setOne(*journal, cpu_);
    ASSERT_EQ(openOf(*journal), reopened(options()));
  }
}

TEST_F(FaultTest, WithoutItsHeaderTheRecordsAreFoundAllTheSame) {
  { setOne(*openJournal(options()), cpu_); }
  std::string bytes = dir_.bytes();
  memset(bytes.data(), 'x', 24);
  dir_.setBytes(bytes);
  auto journal = openJournal(options());
  EXPECT_THAT(openOf(*journal), ElementsAre(cpu_));
  EXPECT_EQ(journal->stats().dropped, 1u);
  EXPECT_EQ(journal->stats().set_aside, 0u);
  setOne(*journal, pids_);
  EXPECT_THAT(reopened(options()), ElementsAre(cpu_, pids_));
}

TEST_F(FaultTest, StrangeFilesAreSetAsideAndAtMostThreeAreKept) {
  const std::vector<std::string> strange = {"", "hello\n", std::string(100'000, '\xff'),
                                            std::string(100, 'x'), std::string(4096, '\0')};
  for (const std::string& bytes : strange) {
    dir_.setBytes(bytes);
    auto journal = openJournal(options());
    EXPECT_EQ(journal->problem(), "");
    EXPECT_EQ(journal->stats().set_aside, 1u);
    EXPECT_THAT(journal->recovery(), HasSubstr("journal.damaged-1"));
    setOne(*journal, cpu_);
    EXPECT_THAT(reopened(options()), ElementsAre(cpu_));
  }
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_.path())) names.insert(entry.path().filename());
  EXPECT_THAT(names,
              ElementsAre("journal", "journal.damaged-1", "journal.damaged-2", "journal.damaged-3", "lock"));
  EXPECT_EQ(fs::file_size(dir_.path() + "/journal.damaged-1"), 4096u) << "the newest";
}

// Of a later version: not read, not written to, and there for that version when it comes back.
TEST_F(FaultTest, AJournalOfALaterVersion) {
  { setOne(*openJournal(options()), cpu_); }
  std::string bytes = dir_.bytes();
  bytes[8] = 2;
  const uint32_t crc = checksum(bytes.substr(8, 4) + bytes.substr(16, 8));
  memcpy(bytes.data() + 12, &crc, sizeof crc);
  dir_.setBytes(bytes);
  EXPECT_EQ(history(dir_.path(), {}).error().code, base::ErrorCode::Unimplemented);
  auto journal = openJournal(options());
  EXPECT_THAT(journal->recovery(), HasSubstr("later version and was kept as journal.damaged-1"));
  EXPECT_THAT(journal->openChanges(), IsEmpty());
  setOne(*journal, pids_);
  EXPECT_THAT(reopened(options()), ElementsAre(pids_));
  EXPECT_EQ(fs::file_size(dir_.path() + "/journal.damaged-1"), bytes.size());
}

TEST_F(FaultTest, LinksDevicesAndFoldersInItsPlaceAreNotFollowed) {
  const std::string target = dir_.path() + "/target";
  std::ofstream(target) << "precious";
  const std::function<void()> makers[] = {[&] { fs::create_symlink(target, dir_.file()); },
                                          [&] { mkfifo(dir_.file().c_str(), 0600); },
                                          [&] { fs::create_directory(dir_.file()); }};
  for (const auto& make : makers) {
    fs::remove(dir_.file());
    make();
    auto journal = openJournal(options());
    EXPECT_EQ(journal->problem(), "");
    setOne(*journal, cpu_);
    EXPECT_THAT(reopened(options()), ElementsAre(cpu_));
    journal.reset();
    fs::remove_all(dir_.path() + "/journal.damaged-1");
  }
  EXPECT_EQ(fs::file_size(target), 8u);
}

TEST_F(FaultTest, ANewBoundKeepsWhatIsOpen) {
  { setOne(*openJournal(options()), cpu_); }
  for (size_t bytes : {1u << 20, 40u << 10, 0u}) {
    Options other = options();
    other.max_bytes = bytes;
    EXPECT_THAT(openOf(*openJournal(other)), ElementsAre(cpu_));
    EXPECT_LE(fs::file_size(dir_.file()), std::max<size_t>(bytes, 36 << 10));
    EXPECT_EQ(history(dir_.path(), {})->size(), 1u);
  }
}

TEST_F(FaultTest, MoreThanFitsIsToldAndMendsItself) {
  auto journal = openJournal(options());
  for (int i = 0; i < 2000; ++i) setOne(*journal, changeOf("c" + std::to_string(i), "cpu.max", "max", "1"));
  EXPECT_THAT(journal->problem(), HasSubstr("memory only: "));
  EXPECT_EQ(journal->openChanges().size(), 2000u);
  for (int i = 0; i < 1999; ++i) journal->forgetContainer("c" + std::to_string(i) + "-id");
  journal->flush();
  EXPECT_TRUE(journal->wantsCompaction());
  journal->compact();
  EXPECT_EQ(journal->problem(), "");
  EXPECT_EQ(openOf(*journal), reopened(options()));
}

TEST_F(FaultTest, ATimeThatJumpsBackChangesNoOrder) {
  Change first = cpu_, second = pids_;
  second.time = first.time - std::chrono::hours(24 * 365 * 60);
  auto journal = openJournal(options());
  setOne(*journal, first);
  setOne(*journal, second);
  EXPECT_THAT(openOf(*journal), ElementsAre(first, second));
  EXPECT_THAT(reopened(options()), ElementsAre(first, second));
  EXPECT_EQ(history(dir_.path(), {})->back().change, second);
}

TEST_F(FaultTest, AFileThatWasRemovedIsMadeAgain) {
  auto journal = openJournal(options());
  setOne(*journal, cpu_);
  fs::remove_all(dir_.path());
  journal->flush();
  EXPECT_THAT(journal->problem(), HasSubstr("removed"));
  journal->flush();
  setOne(*journal, pids_);
  EXPECT_EQ(journal->problem(), "");
  EXPECT_THAT(reopened(options()), ElementsAre(cpu_, pids_));
}

// The limit of a file's size stands for every write that the disk refuses.
TEST_F(FaultTest, AWriteThatFailsIsToldAndMendsItself) {
  auto journal = openJournal(options());
  setOne(*journal, cpu_);
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit none = before;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_FSIZE, &none);
  setOne(*journal, pids_);
  const std::string problem = journal->problem();
  journal->flush();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(problem, HasSubstr("File too large"));
  EXPECT_THAT(reopened(options()), ElementsAre(cpu_));
  // What is closed while only the memory knows it does not come back from the file.
  journal->close(cpu_, Op::Restored);
  journal->flush();
  journal->compact();
  EXPECT_EQ(journal->problem(), "");
  EXPECT_THAT(reopened(options()), ElementsAre(pids_));
}

// What was found first is in a file that could not be read at the start.
TEST_F(FaultTest, AJournalThatComesLaterKeepsItsOriginals) {
  Options there = options();
  there.dir = dir_.path() + "/mount";
  { setOne(*openJournal(there), cpu_); }
  fs::rename(there.dir, dir_.path() + "/away");
  std::ofstream(there.dir) << "no directory";
  auto journal = openJournal(there);
  EXPECT_THAT(journal->problem(), HasSubstr("Not a directory"));
  Change again = cpu_;
  again.found = cpu_.ours;  // the agent sees its own value
  again.ours = "70000 100000";
  setOne(*journal, again);
  setOne(*journal, pids_);
  fs::remove(there.dir);
  fs::rename(dir_.path() + "/away", there.dir);
  journal->flush();
  journal->compact();
  EXPECT_EQ(journal->problem(), "");
  again.found = cpu_.found;
  EXPECT_THAT(openOf(*journal), ElementsAre(again, pids_));
  EXPECT_THAT(reopened(there), ElementsAre(again, pids_));
}

TEST_F(FaultTest, TriesAgainNotTooOften) {
  Options patient = options();
  patient.dir = dir_.path() + "/a/b";
  patient.retry_after = std::chrono::hours(1);
  auto journal = openJournal(patient);
  EXPECT_NE(journal->problem(), "");
  fs::create_directory(dir_.path() + "/a");
  journal->flush();
  EXPECT_FALSE(fs::exists(patient.dir));
}

// Runs in a process of its own, with mounts of its own. 0: all went well.
int inChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      _exit(77);
    _exit(work());
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In a child there is no EXPECT: the number of the first thing that was wrong is its exit code.
#define CHECK_STEP(n, condition) \
  if (!(condition)) return n

TEST_F(FaultTest, AFullDiskTakesNothingAwayFromAJournalThatIsThere) {
  const int failed = inChild([&] {
    CHECK_STEP(1, mount("none", dir_.path().c_str(), "tmpfs", 0, "size=256k") == 0);
    auto journal = openJournal(options());
    CHECK_STEP(2, journal->problem().empty());
    std::ofstream fill(dir_.path() + "/fill");
    fill << std::string(1 << 20, 'x');
    fill.close();
    CHECK_STEP(3, fs::space(dir_.path()).available == 0);
    for (int i = 0; i < 2000; ++i) setOne(*journal, changeOf("app", "cpu.max", "max", std::to_string(i)));
    journal->flush();
    CHECK_STEP(4, journal->problem().empty());
    CHECK_STEP(5, journal->stats().compactions > 3);
    const auto open = openOf(*journal);
    CHECK_STEP(6, reopened(options()) == open);
    journal.reset();
    // Damage asks for a new file, and there is no room for one.
    std::string bytes = dir_.bytes();
    base::UniqueFd fd(::open(dir_.file().c_str(), O_RDWR));
    CHECK_STEP(7, pwrite(fd.get(), "damage", 6, kHeader + 8) == 6);
    journal = openJournal(options());
    CHECK_STEP(8, journal->problem().empty());
    setOne(*journal, pids_);
    CHECK_STEP(9, journal->problem().empty());
    CHECK_STEP(10, reopened(options()) == openOf(*journal));
    return 0;
  });
  if (failed == 77) GTEST_SKIP() << "needs root";
  EXPECT_EQ(failed, 0);
}

TEST_F(FaultTest, ADiskThatIsFullFromTheStart) {
  const int failed = inChild([&] {
    CHECK_STEP(1, mount("none", dir_.path().c_str(), "tmpfs", 0, "size=16k") == 0);
    auto journal = openJournal(options());
    CHECK_STEP(2, journal->problem().find("No space left") != std::string::npos);
    CHECK_STEP(3, !fs::exists(dir_.file()) && !fs::exists(dir_.file() + ".new"));
    setOne(*journal, cpu_);
    CHECK_STEP(4, openOf(*journal) == std::vector{cpu_});
    journal->flush();
    CHECK_STEP(5, !journal->problem().empty());
    CHECK_STEP(6, mount("none", dir_.path().c_str(), "tmpfs", MS_REMOUNT, "size=1m") == 0);
    journal->flush();
    setOne(*journal, pids_);
    CHECK_STEP(7, journal->problem().empty());
    CHECK_STEP(8, reopened(options()) == (std::vector{cpu_, pids_}));
    return 0;
  });
  if (failed == 77) GTEST_SKIP() << "needs root";
  EXPECT_EQ(failed, 0);
}

TEST_F(FaultTest, AReadOnlyDirectory) {
  { setOne(*openJournal(options()), cpu_); }
  const int failed = inChild([&] {
    const char* path = dir_.path().c_str();
    CHECK_STEP(1, mount(path, path, nullptr, MS_BIND, nullptr) == 0);
    CHECK_STEP(2, mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
    auto journal = openJournal(options());
    CHECK_STEP(3, journal->problem().find("Read-only file system") != std::string::npos);
    CHECK_STEP(4, openOf(*journal) == std::vector{cpu_});
    CHECK_STEP(5, !Journal::open(options()));  // it holds the lock all the same
    setOne(*journal, pids_);
    journal->close(cpu_, Op::Restored);
    journal->flush();
    CHECK_STEP(6, openOf(*journal) == std::vector{pids_});
    CHECK_STEP(7, reopened(options()) == std::vector{cpu_});
    CHECK_STEP(8, !Journal::open(options()));
    CHECK_STEP(9, mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0);
    journal->flush();
    journal->compact();
    CHECK_STEP(10, journal->problem().empty());
    CHECK_STEP(11, reopened(options()) == std::vector{pids_});
    return 0;
  });
  if (failed == 77) GTEST_SKIP() << "needs root";
  EXPECT_EQ(failed, 0);
}

TEST_F(FaultTest, WithoutAFreeDescriptor) {
  auto journal = openJournal(options());
  Options second = options();
  second.dir += "/second";
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 3;  // nothing can be opened; what is open stays so
  setrlimit(RLIMIT_NOFILE, &few);
  for (int i = 0; i < 2000; ++i) setOne(*journal, changeOf("app", "cpu.max", "max", std::to_string(i)));
  journal->flush();
  auto without = Journal::open(second);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(journal->problem(), "");
  EXPECT_GT(journal->stats().compactions, 3u);
  EXPECT_EQ(openOf(*journal), reopened(options()));
  ASSERT_TRUE(without);
  EXPECT_THAT((*without)->problem(), HasSubstr("Too many open files"));
  setOne(**without, pids_);
  (*without)->flush();
  (*without)->compact();
  EXPECT_EQ((*without)->problem(), "");
  EXPECT_THAT(reopened(second), ElementsAre(pids_));
}

// The lock ends with the process that has it, however that ends.
TEST_F(FaultTest, TheLockOfAnotherProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto journal = openJournal(options());
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  auto refused = Journal::open(options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("process " + std::to_string(child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(Journal::open(options()));
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace plimsoll::journal
