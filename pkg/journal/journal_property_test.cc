// Random operations against a model that is a plain map; with restarts, compactions, and an end at any moment
// by SIGKILL.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "pkg/base/unique_fd.h"
#include "pkg/journal/test_world.h"

namespace plimsoll::journal {
namespace {

// What the header promises, said once more and more simply.
class Model {
 public:
  void set(const Change& change) {
    auto it = find(change);
    if (it == open_.end()) {
      open_.push_back(change);
      return;
    }
    auto found = it->found ? it->found : change.found;
    const uint64_t place_id = it->place_id;
    *it = change;
    it->found = std::move(found);
    it->place_id = place_id;
    it->settled = false;
  }
  void settled(const Change& change) {
    auto it = find(change);
    if (it == open_.end()) {
      open_.push_back(change);
      open_.back().settled = true;
      return;
    }
    if (!it->found) it->found = change.found;
    it->ours = change.ours;
    it->settled = true;
  }
  void rebase(const Change& change) {
    if (auto it = find(change); it != open_.end()) it->found = change.found;
  }
  void close(const Change& change) {
    if (auto it = find(change); it != open_.end()) open_.erase(it);
  }
  void forget(const std::string& id) {
    std::erase_if(open_, [&](const Change& change) { return change.owner.container_id == id; });
  }
  const std::vector<Change>& open() const { return open_; }

 private:
  std::vector<Change>::iterator find(const Change& change) {
    return std::find_if(open_.begin(), open_.end(), [&](const Change& other) {
      return other.owner.container_id == change.owner.container_id && other.object == change.object;
    });
  }
  std::vector<Change> open_;
};

struct Operation {
  enum Kind { Set, Settled, Rebase, Close, Forget } kind = Set;
  std::vector<Change> changes;
};

// The same for the same number.
Operation operation(uint32_t n) {
  std::mt19937 random(n * 2654435761u + 7);
  auto pick = [&](uint32_t below) { return random() % below; };
  static const char* kObjects[] = {"cpu.max", "cpu.weight", "memory.high", "pids.max", "io.max"};
  Operation op;
  const uint32_t dice = pick(100);
  op.kind = dice < 45   ? Operation::Set
            : dice < 70 ? Operation::Settled
            : dice < 80 ? Operation::Rebase
            : dice < 95 ? Operation::Close
                        : Operation::Forget;
  const std::string container = "c" + std::to_string(pick(12));
  const uint32_t count = op.kind == Operation::Set || op.kind == Operation::Settled ? 1 + pick(5) : 1;
  for (uint32_t i = 0; i < count; ++i) {
    Change change = changeOf(container, kObjects[(pick(5) + i) % 5], "f" + std::to_string(pick(50)),
                             std::string(pick(60), 'v') + std::to_string(n));
    if (pick(5) == 0) change.found.reset();
    op.changes.push_back(std::move(change));
  }
  return op;
}

void apply(const Operation& op, Model& model) {
  for (const Change& change : op.changes) {
    if (op.kind == Operation::Set) model.set(change);
    if (op.kind == Operation::Settled) model.settled(change);
    if (op.kind == Operation::Rebase) model.rebase(change);
    if (op.kind == Operation::Close) model.close(change);
    if (op.kind == Operation::Forget) model.forget(change.owner.container_id);
  }
}

void apply(const Operation& op, Journal& journal) {
  const Change& first = op.changes.front();
  if (op.kind == Operation::Set) journal.set(op.changes);
  if (op.kind == Operation::Settled) journal.settled(op.changes);
  if (op.kind == Operation::Rebase) journal.rebase(first);
  if (op.kind == Operation::Close) journal.close(first, Op::Restored);
  if (op.kind == Operation::Forget) journal.forgetContainer(first.owner.container_id);
}

Options optionsFor(const TempDir& dir) { return {.dir = dir.path(), .max_bytes = 96 << 10, .boot_id = "a"}; }

TEST(JournalProperty, RandomOperationsWithRestarts) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    TempDir dir;
    const Options options = optionsFor(dir);
    auto journal = openJournal(options);
    Model model;
    uint64_t compactions = 0;
    for (uint32_t n = 0; n < 4000; ++n) {
      const Operation op = operation(seed * 1'000'000 + n);
      apply(op, *journal);
      apply(op, model);
      ASSERT_EQ(openOf(*journal), model.open()) << "seed " << seed << ", operation " << n;
      if (n % 50 == 0) {
        ASSERT_EQ(reopened(options), model.open()) << "seed " << seed << ", operation " << n;
      }
      if (n % 333 == 0) {
        compactions += journal->stats().compactions;
        journal.reset();
        journal = openJournal(options);
        ASSERT_EQ(openOf(*journal), model.open()) << "seed " << seed << ", operation " << n;
      }
    }
    EXPECT_GT(compactions, 5u);
    EXPECT_EQ(journal->problem(), "");
  }
}

// History is what was recorded, in that order, and without a gap as far as it reaches.
TEST(JournalProperty, HistoryHasNoGap) {
  TempDir dir;
  const Options options = optionsFor(dir);
  auto journal = openJournal(options);
  for (uint32_t n = 0; n < 3000; ++n) {
    apply(operation(n), *journal);
    if (n % 500 != 499) continue;
    const auto records = history(dir.path(), {.limit = 60});
    ASSERT_TRUE(records);
    ASSERT_EQ(records->size(), 60u);
    for (size_t i = 1; i < records->size(); ++i)
      ASSERT_EQ((*records)[i].sequence, (*records)[i - 1].sequence + 1);
  }
}

// The threads that there are: one that writes, one that flushes, and some that read.
TEST(JournalProperty, OtherThreadsBesideTheWriter) {
  TempDir dir;
  const Options options = optionsFor(dir);
  auto journal = openJournal(options);
  std::atomic<bool> done = false;
  std::thread flusher([&] {
    while (!done) {
      journal->flush();
      EXPECT_EQ(journal->problem() + journal->recovery(), "");
      EXPECT_LE(journal->stats().open_changes, 60u);
    }
  });
  std::thread reader([&] {
    while (!done) {
      const auto records = history(dir.path(), {.limit = 50});
      ASSERT_TRUE(records);
      for (size_t i = 1; i < records->size(); ++i)
        ASSERT_LT((*records)[i - 1].sequence, (*records)[i].sequence);
    }
  });
  Model model;
  for (uint32_t n = 0; n < 5000; ++n) {
    apply(operation(n), *journal);
    apply(operation(n), model);
  }
  done = true;
  flusher.join();
  reader.join();
  EXPECT_EQ(openOf(*journal), model.open());
  EXPECT_EQ(reopened(options), model.open());
  EXPECT_GT(journal->stats().syncs, 0u);
}

// Writes from operation `n` on until it is killed; tells after each that it is done.
[[noreturn]] void writeForEver(const Options& options, uint32_t n, int told) {
  auto journal = Journal::open(options);
  if (!journal || !(*journal)->problem().empty()) _exit(3);
  for (;; ++n) {
    apply(operation(n), **journal);
    if (write(told, &n, sizeof n) != sizeof n) _exit(4);
    if (n % 64 == 0) (*journal)->compact();
  }
}

TEST(JournalProperty, KilledAtAnyMomentLosesNothingThatWasTold) {
  TempDir dir;
  const Options options = optionsFor(dir);
  std::mt19937 random(4711);
  Model model;
  uint32_t next = 0;
  for (int round = 0; round < 200; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    base::UniqueFd reader(ends[0]), writer(ends[1]);
    const pid_t child = fork();
    if (child == 0) writeForEver(options, next, writer.get());
    writer.reset();
    uint32_t told = 0;
    // The first word says that it is at work.
    ASSERT_EQ(read(reader.get(), &told, sizeof told), static_cast<ssize_t>(sizeof told));
    usleep(random() % 3000);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    while (read(reader.get(), &told, sizeof told) == sizeof told) {
    }
    for (; next <= told; ++next) apply(operation(next), model);
    const std::vector<Change> open = reopened(options);
    if (open == model.open()) continue;
    // The one after it may have been recorded without being told.
    apply(operation(next), model);
    ++next;
    ASSERT_EQ(open, model.open()) << "round " << round << ", operation " << next;
  }
  EXPECT_GT(next, 2000u);
}

}  // namespace
}  // namespace plimsoll::journal
