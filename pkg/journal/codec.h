// Records and snapshots to the payloads of frames, and back. Pure, any thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/journal/journal.h"

namespace plimsoll::journal {

// An open change and the record that opened it.
struct Entry {
  Change change;
  uint64_t sequence = 0;
  bool operator==(const Entry&) const = default;
};

// A record before it is written: the change stands in the book, or, where the record ends it, in `ended`.
struct Noted {
  uint64_t sequence = 0;
  Op op = Op::Set;
  const Change* change = nullptr;
  std::chrono::system_clock::time_point time{};
  std::unique_ptr<Entry> ended = {};
};

// Each payload holds the neighbours of one owner and place: a frame for a container's five files costs its
// names once. Records of one call have sequences that follow each other.
using EachPayload = std::function<void(std::string_view payload)>;
void encodeRecords(std::span<const Noted> records, std::string_view note, const EachPayload& each);
void encodeSnapshot(std::span<const Entry* const> entries, const EachPayload& each);
std::string encodeSnapshotEnd(size_t entries);

// nullopt: not a payload of that kind. Operations and targets that this version does not know are kept as
// they are.
std::optional<std::vector<Record>> decodeRecords(std::string_view payload);
std::optional<std::vector<Entry>> decodeSnapshot(std::string_view payload);
std::optional<size_t> decodeSnapshotEnd(std::string_view payload);

}  // namespace plimsoll::journal
