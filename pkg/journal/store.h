// The journal's directory on the disk: the lock, and one file of fixed size in two halves. One half is
// written to; a compaction writes the other and goes on there, so that it needs no room, no rename and no
// wait for the disk, and the half before it stays whole meanwhile.
//
//   [ header: one page ][ half 0 ][ half 1 ]
//
// Not here: what frames mean. A JournalFile belongs to one thread at a time, except sync().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/journal/frame.h"

namespace plimsoll::journal {

using base::Result;
using base::Status;

// The directory, made where it is missing (one level, 0700), and the lock on it.
struct Directory {
  base::UniqueFd dir, lock;
  // Unavailable: another process holds the lock; the message names it.
  static Result<Directory> open(const std::string& path);
};

// What is in the file, as far as it can be told.
struct Content {
  enum class Kind {
    Missing,
    Ours,
    Headless,  // ours by its frames, but the header is damaged
    Foreign,   // nothing of ours in it
    Later,     // of a later version of Plimsoll, in a form we do not know
  } kind = Kind::Missing;
  size_t half_bytes = 0;      // Ours
  std::string bytes;          // the frames below point here
  std::vector<Frame> frames;  // in the order in which they lie
  Scan halves[2];             // Ours; of each half
  size_t damaged = 0;         // places
  bool torn = false;          // behind the last frame of the newest half
  // Of the newest half, relative to its beginning.
  int newest_half = 0;
  size_t end = 0;

  // NotFound: there is no such directory.
  static Result<Content> read(const std::string& directory);
  static Result<Content> readAt(int dir);
};

// Renames the journal to journal.damaged-1; older ones move up to -3, the oldest goes. Gives the new name.
Result<std::string> setAside(int dir);

size_t halfBytesFor(size_t max_bytes);

class JournalFile {
 public:
  // Makes the file with `half` (of `generation`) in it, whole on the disk before it takes the place of an
  // older one.
  static Result<JournalFile> create(int dir, size_t half_bytes, std::string_view half, uint32_t generation);
  // Goes on where `content`, as read from the file, ends; wipes what is torn.
  static Result<JournalFile> openAt(int dir, const Content& content, uint32_t generation);

  uint32_t generation() const { return generation_; }
  size_t used() const { return end_; }
  size_t halfBytes() const { return half_bytes_; }

  bool fits(size_t bytes) const { return bytes <= half_bytes_ - end_; }
  Status append(std::string_view frames);
  // What was written to the present half so far.
  Result<std::string> readHalf() const;
  // Goes on in the other half, with `half` in it.
  Status switchTo(std::string_view half, uint32_t generation);
  // The file was removed or replaced.
  bool gone() const;

  // For sync(), which may go on while the file is written to or let go of.
  std::shared_ptr<const base::UniqueFd> handle() const { return fd_; }

 private:
  JournalFile(base::UniqueFd fd, size_t half_bytes);
  off_t offset(int half) const;

  std::shared_ptr<const base::UniqueFd> fd_;
  size_t half_bytes_ = 0;
  int half_ = 0;
  size_t end_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace plimsoll::journal
