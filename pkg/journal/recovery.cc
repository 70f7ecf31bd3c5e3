#include "pkg/journal/recovery.h"

#include <algorithm>
#include <map>
#include <utility>

namespace plimsoll::journal {
namespace {

// Applies one frame after the other; a frame of another boot only counts its sequences.
class Replay {
 public:
  Replay(Recovered& out, uint64_t boot) : out_(out), boot_(boot) {}

  void take(const Frame& frame) {
    if (frame.generation != generation_) {
      generation_ = frame.generation;
      snapshot_ = {};
      snapshot_entries_ = 0;
    }
    switch (frame.kind) {
      case FrameKind::Record:
      case FrameKind::OldRecord:
        return takeRecords(frame);
      case FrameKind::Snapshot:
        return takeSnapshot(frame);
      case FrameKind::SnapshotEnd:
        return endSnapshot(frame);
    }
    ++out_.unreadable;
  }

 private:
  void takeRecords(const Frame& frame) {
    auto records = decodeRecords(frame.payload);
    if (!records) ++out_.unreadable;
    if (!records || records->empty()) return;
    out_.last_sequence = std::max(out_.last_sequence, records->back().sequence);
    if (frame.kind == FrameKind::OldRecord || frame.boot != boot_) return;
    for (Record& record : *records) out_.book.apply(record.op, std::move(record.change), record.sequence);
  }

  void takeSnapshot(const Frame& frame) {
    auto entries = decodeSnapshot(frame.payload);
    if (!entries) {
      ++out_.unreadable;
      return;
    }
    snapshot_entries_ += entries->size();
    for (Entry& entry : *entries) {
      out_.last_sequence = std::max(out_.last_sequence, entry.sequence);
      if (frame.boot != boot_) continue;
      snapshot_.restore(entry);
      out_.book.restore(std::move(entry));
    }
  }

  void endSnapshot(const Frame& frame) {
    auto entries = decodeSnapshotEnd(frame.payload);
    if (!entries) ++out_.unreadable;
    if (entries != snapshot_entries_) return;
    out_.book = std::move(snapshot_);
    snapshot_ = {};
  }

  Recovered& out_;
  uint64_t boot_;
  uint32_t generation_ = 0;
  Book snapshot_;
  size_t snapshot_entries_ = 0;
};

bool matches(const Owner& owner, const HistoryQuery& query) {
  return (query.ns.empty() || owner.ns == query.ns) && (query.pod.empty() || owner.pod == query.pod) &&
         (query.container.empty() || owner.container == query.container);
}

class Collector {
 public:
  explicit Collector(const HistoryQuery& query) : query_(query) {}

  void add(Record record) {
    if (!matches(record.change.owner, query_)) return;
    records_.insert_or_assign(record.sequence, std::move(record));
    if (records_.size() > query_.limit) records_.erase(records_.begin());
  }
  void addMissing(Entry entry) {
    if (records_.contains(entry.sequence)) return;
    add({entry.sequence, Op::Set, std::move(entry.change), {}});
  }
  std::vector<Record> take() {
    std::vector<Record> all;
    all.reserve(records_.size());
    for (auto& [sequence, record] : records_) all.push_back(std::move(record));
    return all;
  }

 private:
  const HistoryQuery& query_;
  std::map<uint64_t, Record> records_;
};

bool isRecord(const Frame& frame) {
  return frame.kind == FrameKind::Record || frame.kind == FrameKind::OldRecord;
}

}  // namespace

Recovered recover(std::vector<Frame> frames, uint64_t boot) {
  Recovered recovered;
  for (const Frame& frame : frames) recovered.generation = std::max(recovered.generation, frame.generation);
  // What is older was about to be written over.
  std::erase_if(frames, [&](const Frame& frame) { return frame.generation + 1 < recovered.generation; });
  std::stable_sort(frames.begin(), frames.end(),
                   [](const Frame& a, const Frame& b) { return a.generation < b.generation; });
  Replay replay(recovered, boot);
  for (const Frame& frame : frames) replay.take(frame);
  return recovered;
}

std::vector<Record> historyOf(std::span<const Frame> frames, const HistoryQuery& query) {
  Collector collector(query);
  for (const Frame& frame : frames) {
    if (!isRecord(frame)) continue;
    if (auto records = decodeRecords(frame.payload)) {
      for (Record& record : *records) collector.add(std::move(record));
    }
  }
  for (const Frame& frame : frames) {
    if (frame.kind != FrameKind::Snapshot) continue;
    if (auto entries = decodeSnapshot(frame.payload)) {
      for (Entry& entry : *entries) collector.addMissing(std::move(entry));
    }
  }
  return collector.take();
}

base::Result<std::string> compacted(const Book& book, std::span<const Frame> frames, size_t half_bytes,
                                    uint32_t generation, uint64_t boot) {
  std::string out;
  auto append = [&](FrameKind kind, std::string_view payload) {
    appendFrame({kind, generation, boot, payload}, out);
  };
  encodeSnapshot(book.byOwner(), [&](std::string_view payload) { append(FrameKind::Snapshot, payload); });
  append(FrameKind::SnapshotEnd, encodeSnapshotEnd(book.size()));
  if (out.size() > half_bytes) {
    return base::error(base::ErrorCode::ResourceExhausted,
                       std::to_string(book.size()) + " open changes need " + std::to_string(out.size()) +
                           " bytes, there are " + std::to_string(half_bytes));
  }
  size_t room = half_bytes / 2 > out.size() ? half_bytes / 2 - out.size() : 0;
  size_t first = frames.size();
  while (first > 0) {
    const Frame& frame = frames[first - 1];
    const size_t size = isRecord(frame) ? frameSize(frame.payload.size()) : 0;
    if (size > room) break;
    room -= size;
    --first;
  }
  for (const Frame& frame : frames.subspan(first)) {
    if (isRecord(frame)) appendFrame({FrameKind::OldRecord, generation, frame.boot, frame.payload}, out);
  }
  return out;
}

}  // namespace plimsoll::journal
