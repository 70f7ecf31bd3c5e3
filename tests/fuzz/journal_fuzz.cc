// The journal's reader: any bytes as a file; and, since no fuzzer guesses checksums, the same bytes cut into
// payloads of sound frames. What was recovered must survive a compaction.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/journal/recovery.h"

namespace {

using namespace plimsoll::journal;

constexpr uint64_t kBoot = 1;
constexpr size_t kHalf = 16 << 20;

void readAll(std::string_view bytes) {
  const Scan scan = scanFrames(bytes);
  if (scan.end > bytes.size() + 8) abort();
  recover(scan.frames, kBoot);
  HistoryQuery query;
  query.limit = 10;
  if (historyOf(scan.frames, query).size() > query.limit) abort();
}

// Each frame: kind, generation, boot and a length of two bytes, then the payload.
std::string framesOf(std::string_view input) {
  std::string file;
  while (input.size() >= 5) {
    auto byte = [&](size_t i) { return static_cast<uint8_t>(input[i]); };
    const size_t length = std::min<size_t>(byte(3) | byte(4) << 8, input.size() - 5);
    Frame frame;
    frame.kind = static_cast<FrameKind>(byte(0) % 6);
    frame.generation = byte(1) % 4;
    frame.boot = byte(2) % 2;
    frame.payload = input.substr(5, length);
    appendFrame(frame, file);
    input.remove_prefix(5 + length);
  }
  return file;
}

std::vector<Entry> entriesOf(const Book& book) {
  std::vector<Entry> entries;
  for (const Entry* entry : book.byOwner()) entries.push_back(*entry);
  return entries;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  readAll(input);
  const std::string file = framesOf(input);
  readAll(file);
  const Scan scan = scanFrames(file);
  if (scan.damaged != 0 || scan.torn || scan.end != file.size()) abort();
  const Recovered before = recover(scan.frames, kBoot);
  const auto half = compacted(before.book, scan.frames, kHalf, before.generation + 1, kBoot);
  if (!half) return 0;  // more than fits
  const Recovered after = recover(scanFrames(*half).frames, kBoot);
  if (entriesOf(after.book) != entriesOf(before.book)) abort();
  return 0;
}
