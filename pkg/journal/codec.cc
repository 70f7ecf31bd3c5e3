#include "pkg/journal/codec.h"

#include <algorithm>
#include <utility>

#include "proto/plimsoll/journal/v1/journal.pb.h"

namespace plimsoll::journal {
namespace {

namespace pb = ::plimsoll::journal::v1;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::system_clock;

void toProto(const Owner& owner, pb::Owner* out) {
  out->set_namespace_(owner.ns);
  out->set_pod(owner.pod);
  out->set_pod_uid(owner.pod_uid);
  out->set_container(owner.container);
  out->set_container_id(owner.container_id);
}

// system_clock counts nanoseconds: a time that it cannot hold becomes the nearest that it can.
system_clock::time_point timeOf(int64_t micros) {
  constexpr int64_t kMost = INT64_MAX / 1000;
  return system_clock::time_point(microseconds(std::clamp(micros, -kMost, kMost)));
}

Owner fromProto(const pb::Owner& owner) {
  return {owner.namespace_(), owner.pod(), owner.pod_uid(), owner.container(), owner.container_id()};
}

void setTime(system_clock::time_point time, pb::Entry* out) {
  out->set_time_us(duration_cast<microseconds>(time.time_since_epoch()).count());
}

void toProto(const Change& change, pb::Entry* out) {
  out->set_target(static_cast<uint32_t>(change.target));
  out->set_object(change.object);
  // Most often they are the same.
  if (change.key != change.object) out->set_key(change.key);
  if (change.found) out->set_found(*change.found);
  out->set_ours(change.ours);
  out->set_asked_by(change.asked_by);
  setTime(change.time, out);
  out->set_settled(change.settled);
}

Change fromProto(const pb::Batch& batch, const pb::Entry& entry) {
  Change change;
  change.owner = fromProto(batch.owner());
  change.target = static_cast<model::Target>(entry.target());
  change.place = batch.place();
  change.place_id = batch.place_id();
  change.object = entry.object();
  change.key = entry.key().empty() ? entry.object() : entry.key();
  if (entry.has_found()) change.found = entry.found();
  change.ours = entry.ours();
  change.asked_by = entry.asked_by();
  change.time = timeOf(entry.time_us());
  change.settled = entry.settled();
  return change;
}

bool shareBatch(const Change& a, const Change& b) {
  return a.place_id == b.place_id && a.place == b.place && a.owner == b.owner;
}

void start(const Change& change, pb::Batch& batch) {
  batch.Clear();
  toProto(change.owner, batch.mutable_owner());
  batch.set_place(change.place);
  batch.set_place_id(change.place_id);
}

void finish(const pb::Batch& batch, const EachPayload& each) {
  if (batch.entries_size() > 0) each(batch.SerializeAsString());
}

std::optional<pb::Batch> parse(std::string_view payload) {
  pb::Batch batch;
  if (!batch.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return std::nullopt;
  return batch;
}

}  // namespace

void encodeRecords(std::span<const Noted> records, std::string_view note, const EachPayload& each) {
  // Kept, as its strings keep their room: this is on the way of each creation of a container.
  static thread_local pb::Batch batch;
  batch.Clear();
  for (size_t i = 0; i < records.size(); ++i) {
    const Noted& record = records[i];
    const bool goes_on = i > 0 && record.op == records[i - 1].op &&
                         record.sequence == records[i - 1].sequence + 1 &&
                         shareBatch(*record.change, *records[i - 1].change);
    if (!goes_on) {
      finish(batch, each);
      start(*record.change, batch);
      batch.set_op(static_cast<uint32_t>(record.op));
      batch.set_first_sequence(record.sequence);
    }
    pb::Entry* entry = batch.add_entries();
    toProto(*record.change, entry);
    setTime(record.time, entry);
    entry->set_note(note.data(), note.size());
  }
  finish(batch, each);
}

void encodeSnapshot(std::span<const Entry* const> entries, const EachPayload& each) {
  pb::Batch batch;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = *entries[i];
    if (i == 0 || !shareBatch(entry.change, entries[i - 1]->change)) {
      finish(batch, each);
      start(entry.change, batch);
    }
    pb::Entry* out = batch.add_entries();
    toProto(entry.change, out);
    out->set_sequence(entry.sequence);
  }
  finish(batch, each);
}

std::string encodeSnapshotEnd(size_t entries) {
  pb::Batch batch;
  batch.set_snapshot_entries(static_cast<uint32_t>(entries));
  return batch.SerializeAsString();
}

std::optional<std::vector<Record>> decodeRecords(std::string_view payload) {
  auto batch = parse(payload);
  if (!batch) return std::nullopt;
  std::vector<Record> records;
  records.reserve(static_cast<size_t>(batch->entries_size()));
  uint64_t sequence = batch->first_sequence();
  for (const pb::Entry& entry : batch->entries())
    records.push_back({sequence++, static_cast<Op>(batch->op()), fromProto(*batch, entry), entry.note()});
  return records;
}

std::optional<std::vector<Entry>> decodeSnapshot(std::string_view payload) {
  auto batch = parse(payload);
  if (!batch) return std::nullopt;
  std::vector<Entry> entries;
  entries.reserve(static_cast<size_t>(batch->entries_size()));
  for (const pb::Entry& entry : batch->entries())
    entries.push_back({fromProto(*batch, entry), entry.sequence()});
  return entries;
}

std::optional<size_t> decodeSnapshotEnd(std::string_view payload) {
  auto batch = parse(payload);
  if (!batch) return std::nullopt;
  return batch->snapshot_entries();
}

}  // namespace plimsoll::journal
