#include "pkg/journal/frame.h"

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

namespace plimsoll::journal {
namespace {

constexpr uint32_t kMarker = 0x4c4d4950;  // "PIML" in little endian: no text that a pod writes is likely to
constexpr size_t kAlignment = 8;

struct Header {
  uint32_t marker = kMarker;
  uint32_t crc = 0;  // of the header behind this field, and of the payload
  uint32_t payload_bytes = 0;
  uint16_t kind = 0;
  uint16_t reserved = 0;
  uint32_t generation = 0;
  uint32_t reserved2 = 0;
  uint64_t boot = 0;
};
static_assert(sizeof(Header) == 32);
constexpr size_t kCheckedFrom = offsetof(Header, payload_bytes);

uint32_t continueChecksum(uint32_t crc, std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

uint32_t frameChecksum(const Header& header, std::string_view payload) {
  std::string_view head(reinterpret_cast<const char*>(&header), sizeof header);
  return continueChecksum(checksum(head.substr(kCheckedFrom)), payload);
}

std::optional<Frame> frameAt(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  memcpy(&header, bytes.data(), sizeof header);
  if (header.marker != kMarker || header.payload_bytes > bytes.size() - sizeof header) return std::nullopt;
  std::string_view payload = bytes.substr(sizeof header, header.payload_bytes);
  if (frameChecksum(header, payload) != header.crc) return std::nullopt;
  return Frame{static_cast<FrameKind>(header.kind), header.generation, header.boot, payload};
}

bool hasContent(std::string_view bytes) { return bytes.find_first_not_of('\0') != std::string_view::npos; }

}  // namespace

uint32_t checksum(std::string_view bytes) { return continueChecksum(0, bytes); }

size_t frameSize(size_t payload_bytes) {
  return (sizeof(Header) + payload_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void appendFrame(const Frame& frame, std::string& out) {
  Header header;
  header.payload_bytes = static_cast<uint32_t>(frame.payload.size());
  header.kind = static_cast<uint16_t>(frame.kind);
  header.generation = frame.generation;
  header.boot = frame.boot;
  header.crc = frameChecksum(header, frame.payload);
  const size_t end = out.size() + frameSize(frame.payload.size());
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(frame.payload);
  out.resize(end, '\0');
}

Scan scanFrames(std::string_view bytes) {
  Scan scan;
  for (size_t at = 0; at + sizeof(Header) <= bytes.size();) {
    auto frame = frameAt(bytes.substr(at));
    if (!frame) {
      at += kAlignment;
      continue;
    }
    // Zeroes too are damage here: frames follow each other without a gap.
    if (at != scan.end) ++scan.damaged;
    at += frameSize(frame->payload.size());
    // Beyond the bytes where only the padding was cut off: the next frame stays in step.
    scan.end = at;
    scan.frames.push_back(*frame);
  }
  scan.torn = hasContent(bytes.substr(std::min(scan.end, bytes.size())));
  return scan;
}

}  // namespace plimsoll::journal
