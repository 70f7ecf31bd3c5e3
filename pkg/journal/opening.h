// From a directory to a journal that can be written to: the lock, what is in the file, and what has to be
// done about damage. Slow (it waits for the disk); any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/journal/journal.h"
#include "pkg/journal/recovery.h"
#include "pkg/journal/store.h"

namespace plimsoll::journal {

// A journal on the disk as it was found.
struct Found {
  Directory directory;
  bool read = false;  // `recovered` is all that the file says; false: it could not be read
  Recovered recovered;
  std::optional<JournalFile> file;
  base::Error why;       // there is no `file`: why
  std::string recovery;  // what had to be mended, for people
  uint64_t torn = 0, dropped = 0, set_aside = 0;
};

// Unavailable: somebody else holds the lock. Every other trouble is in Found::why.
Result<Found> findJournal(const Options& options, uint64_t boot);

// Tells this boot's records from those of others. Empty: the kernel's boot id.
uint64_t bootNumber(std::string boot_id);

}  // namespace plimsoll::journal
