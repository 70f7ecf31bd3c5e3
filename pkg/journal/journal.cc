#include "pkg/journal/journal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "pkg/journal/book.h"
#include "pkg/journal/opening.h"
#include "pkg/journal/recovery.h"

namespace plimsoll::journal {
namespace {

using Steady = std::chrono::steady_clock;

}  // namespace

std::string_view opName(Op op) {
  switch (op) {
    case Op::Set:
      return "Set";
    case Op::Settled:
      return "Settled";
    case Op::Restored:
      return "Restored";
    case Op::Left:
      return "Left";
    case Op::Forgotten:
      return "Forgotten";
    case Op::Rebased:
      return "Rebased";
  }
  return "Unknown";
}

struct Journal::Impl {
  Options options;
  uint64_t boot = 0;

  mutable std::mutex mutex;  // of everything below but the book, which only the writer changes
  Book book;
  uint64_t last_sequence = 0;
  Directory directory;
  std::optional<JournalFile> file;
  std::optional<Found> arrived;  // by flush(): for the writer to take over
  std::string problem, recovery;
  Steady::time_point last_try = Steady::now();
  bool loaded = false;  // the file was read, or there was none
  bool dirty = false;
  size_t after_compaction = 0;  // bytes in use then
  Stats stats;
  std::string frames;  // room for append(), kept

  void take(Found found);
  void adopt();
  void lose(const base::Error& why);
  void record(std::span<const Noted> records, std::string_view note);
  bool compact();
  void apply(Op op, std::vector<Change> changes, std::string_view note = {});
  void retry();
};

// The file is not to be relied on any more: from here on memory only.
void Journal::Impl::lose(const base::Error& why) {
  file.reset();
  last_try = Steady::now();
  problem = "changes are kept in memory only: " + why.message;
}

void Journal::Impl::take(Found found) {
  stats.recovered_torn += found.torn;
  stats.dropped += found.dropped;
  stats.set_aside += found.set_aside;
  if (!found.recovery.empty()) recovery = std::move(found.recovery);
  loaded = loaded || found.read;
  last_sequence = std::max(last_sequence, found.recovered.last_sequence);
  if (found.directory.dir.valid()) directory = std::move(found.directory);
  file = std::move(found.file);
  if (!file) return lose(found.why);
  problem.clear();
  after_compaction = 0;
  dirty = true;
}

// What flush() brought back from the disk becomes the journal again. Here, since only the writer changes the
// book.
void Journal::Impl::adopt() {
  if (!arrived) return;
  Found found = *std::move(arrived);
  arrived.reset();
  // What was read before the disk failed is in the book, and may have been closed since.
  if (!loaded) book.startFrom(std::move(found.recovered.book));
  take(std::move(found));
  if (file) compact();
}

bool Journal::Impl::compact() {
  auto old = file->readHalf();
  if (!old) {
    lose(old.error());
    return false;
  }
  const uint32_t generation = file->generation() + 1;
  auto half = compacted(book, scanFrames(*old).frames, file->halfBytes(), generation, boot);
  if (!half) {
    lose(half.error());
    return false;
  }
  if (Status switched = file->switchTo(*half, generation); !switched) {
    lose(switched.error());
    return false;
  }
  ++stats.compactions;
  after_compaction = file->used();
  dirty = true;
  return true;
}

void Journal::Impl::record(std::span<const Noted> records, std::string_view note) {
  if (records.empty()) return;
  stats.records += records.size();
  if (!file) return;
  auto encode = [&] {
    frames.clear();
    encodeRecords(records, note, [this](std::string_view payload) {
      appendFrame({FrameKind::Record, file->generation(), boot, payload}, frames);
    });
  };
  encode();
  if (!file->fits(frames.size())) {
    // The book has these changes already, and with it the snapshot; the history has not.
    if (!compact()) return;
    encode();
  }
  if (Status appended = file->append(frames); !appended) return lose(appended.error());
  dirty = true;
}

void Journal::Impl::apply(Op op, std::vector<Change> changes, std::string_view note) {
  std::lock_guard lock(mutex);
  adopt();
  const auto now = std::chrono::system_clock::now();
  std::vector<Noted> records;
  records.reserve(changes.size());
  for (Change& change : changes) {
    auto noted = book.apply(op, std::move(change), last_sequence + 1, now);
    if (!noted) continue;
    ++last_sequence;
    records.push_back(*std::move(noted));
  }
  record(records, note);
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(Options options) {
  auto impl = std::make_unique<Impl>();
  impl->boot = bootNumber(options.boot_id);
  impl->options = std::move(options);
  if (impl->options.read_only) {
    auto content = Content::read(impl->options.dir);
    if (!content && !content.error().isGone()) return tl::make_unexpected(std::move(content).error());
    Recovered recovered = recover(content ? content->frames : std::vector<Frame>{}, impl->boot);
    impl->book = std::move(recovered.book);
    return std::unique_ptr<Journal>(new Journal(std::move(impl)));
  }
  ASSIGN_OR_RETURN(Found found, findJournal(impl->options, impl->boot));
  impl->book = std::move(found.recovered.book);
  impl->take(std::move(found));
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

namespace {

std::vector<const Change*> changesOf(const std::vector<const Entry*>& entries) {
  std::vector<const Change*> changes;
  changes.reserve(entries.size());
  for (const Entry* entry : entries) changes.push_back(&entry->change);
  return changes;
}

}  // namespace

void Journal::set(std::vector<Change> changes) { impl_->apply(Op::Set, std::move(changes)); }

void Journal::settled(std::vector<Change> changes) { impl_->apply(Op::Settled, std::move(changes)); }

void Journal::rebase(const Change& change) { impl_->apply(Op::Rebased, {change}); }

// By copy, since the change may be one of our own, which ends with its closing.
void Journal::close(const Change& change, Op op, std::string note) { impl_->apply(op, {change}, note); }

void Journal::forgetContainer(std::string_view container_id) {
  if (container_id.empty()) return;
  std::vector<Change> copies;
  for (const Entry* entry : impl_->book.ofContainer(container_id)) copies.push_back(entry->change);
  if (!copies.empty()) impl_->apply(Op::Forgotten, std::move(copies));
}

std::vector<const Change*> Journal::openChanges() const { return changesOf(impl_->book.byAge()); }

std::vector<const Change*> Journal::ofContainer(std::string_view container_id) const {
  return changesOf(impl_->book.ofContainer(container_id));
}

const Change* Journal::find(std::string_view container_id, model::Target target,
                            std::string_view object) const {
  const Entry* entry = impl_->book.find(container_id, target, object);
  return entry ? &entry->change : nullptr;
}

bool Journal::wantsCompaction() const {
  std::lock_guard lock(impl_->mutex);
  if (impl_->arrived) return true;
  if (!impl_->file) return false;
  const size_t half = impl_->file->halfBytes(), used = impl_->file->used();
  // Where what is open fills the half, compacting again and again would not help.
  return used > half / 4 * 3 && used - impl_->after_compaction > half / 8;
}

void Journal::compact() {
  std::lock_guard lock(impl_->mutex);
  impl_->adopt();
  if (impl_->file && !impl_->options.read_only) impl_->compact();
}

// Without the mutex while the disk is slow: the writer does not wait for it.
void Journal::Impl::retry() {
  std::unique_lock lock(mutex);
  if (arrived || options.read_only || Steady::now() - last_try < options.retry_after) return;
  last_try = Steady::now();
  directory = {};  // else our own lock would stand in our way
  lock.unlock();
  auto found = findJournal(options, boot);
  lock.lock();
  if (found && found->file) {
    arrived = *std::move(found);
    return;
  }
  if (found) directory = std::move(found->directory);
  lose(found ? found->why : found.error());
}

void Journal::flush() {
  std::unique_lock lock(impl_->mutex);
  if (impl_->file && impl_->file->gone())
    impl_->lose({base::ErrorCode::NotFound, "the journal was removed by somebody", 0});
  if (!impl_->file) {
    lock.unlock();
    return impl_->retry();
  }
  if (!impl_->dirty) return;
  impl_->dirty = false;
  auto handle = impl_->file->handle();
  lock.unlock();
  const int failed = fdatasync(handle->get()) == 0 ? 0 : errno;
  lock.lock();
  if (failed == 0) {
    ++impl_->stats.syncs;
  } else if (impl_->file && impl_->file->handle() == handle) {
    // What the page cache held may be lost: all of it is written again.
    impl_->lose(base::errnoError(failed, "write the journal to the disk").value());
  }
}

std::string Journal::problem() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->problem;
}

std::string Journal::recovery() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->recovery;
}

Stats Journal::stats() const {
  std::lock_guard lock(impl_->mutex);
  Stats stats = impl_->stats;
  stats.bytes = impl_->file ? impl_->file->used() : 0;
  stats.open_changes = impl_->book.size();
  return stats;
}

Result<std::vector<Record>> history(const std::string& dir, const HistoryQuery& query) {
  ASSIGN_OR_RETURN(Content content, Content::read(dir));
  if (content.kind == Content::Kind::Missing)
    return base::error(base::ErrorCode::NotFound, "there is no journal in " + dir);
  if (content.kind == Content::Kind::Later)
    return base::error(base::ErrorCode::Unimplemented, "the journal in " + dir + " is of a later version");
  return historyOf(content.frames, query);
}

}  // namespace plimsoll::journal
