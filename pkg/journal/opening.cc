#include "pkg/journal/opening.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace plimsoll::journal {
namespace {

using base::UniqueFd;

// FNV-1a. Only told apart from others, and never from an enemy's.
uint64_t hashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

// Where the kernel does not tell, every start is taken for the same boot: what is open is compared with the
// kernel before anything is put back.
std::string kernelBootId() {
  UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64];
  const ssize_t n = fd.valid() ? read(fd.get(), text, sizeof text) : -1;
  return n > 0 ? std::string(text, static_cast<size_t>(n)) : "";
}

void judge(const Content& content, Found& found) {
  found.torn = content.torn ? 1 : 0;
  found.dropped = content.damaged + found.recovered.unreadable;
  if (found.torn) found.recovery = "the last record was not whole and was cut off";
  if (found.dropped)
    found.recovery = std::to_string(found.dropped) + " damaged places in the journal were skipped";
}

Result<JournalFile> makeFile(int dir, size_t half_bytes, const Content& content, const Recovered& recovered,
                             uint64_t boot) {
  const uint32_t generation = recovered.generation + 1;
  ASSIGN_OR_RETURN(std::string half, compacted(recovered.book, content.frames, half_bytes, generation, boot));
  return JournalFile::create(dir, half_bytes, half, generation);
}

// A file that says nothing to us is kept for people, and a new one begun.
Status keepAside(const Content& content, Found& found) {
  ASSIGN_OR_RETURN(std::string name, setAside(found.directory.dir.get()));
  const bool later = content.kind == Content::Kind::Later;
  found.set_aside = 1;
  found.recovery = std::string("the journal found here ") +
                   (later ? "is of a later version" : "is none of ours or damaged beyond reading") +
                   " and was kept as " + name;
  return base::ok();
}

Result<JournalFile> openFile(const Options& options, uint64_t boot, Found& found) {
  const int dir = found.directory.dir.get();
  ASSIGN_OR_RETURN(Content content, Content::readAt(dir));
  found.read = true;
  const size_t half_bytes = halfBytesFor(options.max_bytes);
  const bool readable = content.kind == Content::Kind::Ours || content.kind == Content::Kind::Headless;
  if (readable) {
    found.recovered = recover(content.frames, boot);
    judge(content, found);
  } else if (content.kind != Content::Kind::Missing) {
    RETURN_IF_ERROR(keepAside(content, found));
  }
  // Damage is not carried on, and a new bound is kept from here on.
  const bool goes_on =
      content.kind == Content::Kind::Ours && content.half_bytes == half_bytes && found.dropped == 0;
  if (goes_on) {
    const uint32_t generation = std::max<uint32_t>(found.recovered.generation, 1);
    return JournalFile::openAt(dir, content, generation);
  }
  auto made = makeFile(dir, half_bytes, content, found.recovered, boot);
  // A full disk has no room for a second file beside the first.
  if (made || content.kind != Content::Kind::Ours) return made;
  return JournalFile::openAt(dir, content, found.recovered.generation);
}

}  // namespace

Result<Found> findJournal(const Options& options, uint64_t boot) {
  Found found;
  auto directory = Directory::open(options.dir);
  if (!directory) {
    if (directory.error().code == base::ErrorCode::Unavailable)
      return tl::make_unexpected(std::move(directory).error());
    found.why = std::move(directory).error();
    return found;
  }
  found.directory = std::move(*directory);
  auto file = openFile(options, boot, found);
  if (file) {
    found.file.emplace(std::move(*file));
  } else {
    found.why = std::move(file).error();
  }
  return found;
}

uint64_t bootNumber(std::string boot_id) { return hashOf(boot_id.empty() ? kernelBootId() : boot_id); }

}  // namespace plimsoll::journal
