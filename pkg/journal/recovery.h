// What a file's frames come to: the changes that are open in this boot, and the history. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/journal/book.h"
#include "pkg/journal/frame.h"

namespace plimsoll::journal {

struct Recovered {
  Book book;
  uint64_t last_sequence = 0;
  uint32_t generation = 0;  // the newest; 0: there are no frames
  size_t unreadable = 0;    // whole frames whose payload says nothing to us
};

// `frames` of both halves, in the order in which they lie in each.
//
// Correct whatever was written of the newest generation: a snapshot that is whole replaces what came before
// it; of one that is not, each entry says again what the generation before says too.
Recovered recover(std::vector<Frame> frames, uint64_t boot);

// Of all boots, by sequence. A change that is open has its first record at least in the snapshot.
std::vector<Record> historyOf(std::span<const Frame> frames, const HistoryQuery& query);

// One half of the file as a compaction leaves it: what is open, and of the records in `frames` the newest
// that fit in the half's first half. ResourceExhausted: what is open does not fit.
base::Result<std::string> compacted(const Book& book, std::span<const Frame> frames, size_t half_bytes,
                                    uint32_t generation, uint64_t boot);

}  // namespace plimsoll::journal
