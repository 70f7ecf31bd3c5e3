#include "pkg/ttrpc/frame.h"

#include <algorithm>

namespace plimsoll::ttrpc {
namespace {

// A buffer that once held a big frame is given back when the frame is done.
constexpr size_t kKeptCapacity = 64U << 10;

uint32_t readU32(const char* p) {
  auto byte = [p](int i) { return static_cast<uint32_t>(static_cast<uint8_t>(p[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

void writeU32(char* p, uint32_t value) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<char>(value >> (24 - 8 * i));
}

}  // namespace

std::array<char, kHeaderSize> encodeHeader(const FrameHeader& header) {
  std::array<char, kHeaderSize> out;
  writeU32(out.data(), header.length);
  writeU32(out.data() + 4, header.stream_id);
  out[8] = static_cast<char>(header.type);
  out[9] = static_cast<char>(header.flags);
  return out;
}

FrameHeader decodeHeader(std::string_view ten_bytes) {
  const char* p = ten_bytes.data();
  return {.length = readU32(p),
          .stream_id = readU32(p + 4),
          .type = static_cast<uint8_t>(p[8]),
          .flags = static_cast<uint8_t>(p[9])};
}

void FrameReader::push(std::string_view bytes) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      size_t n = std::min<uint64_t>(skip_, bytes.size());
      skip_ -= n;
      bytes.remove_prefix(n);
      continue;
    }
    if (buffer_.empty()) {
      // The usual case: the frame lies whole in what was read, and is handed on without a copy.
      if (size_t taken = takeFrame(bytes)) {
        bytes.remove_prefix(taken);
        continue;
      }
    }
    if (buffer_.size() < kHeaderSize) append(bytes, kHeaderSize);
    if (buffer_.size() < kHeaderSize) return;
    FrameHeader header = decodeHeader(buffer_);
    if (header.length <= kMaxData) append(bytes, kHeaderSize + header.length);
    if (takeFrame(buffer_) > 0) {
      buffer_.clear();
      if (buffer_.capacity() > kKeptCapacity) buffer_.shrink_to_fit();
    }
  }
}

// Hands on the frame at the front of `bytes` and returns its size; 0 if it is not complete.
size_t FrameReader::takeFrame(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return 0;
  FrameHeader header = decodeHeader(bytes);
  if (header.length > kMaxData) {
    skip_ = header.length;
    sink_.onOversize(header);
    return kHeaderSize;
  }
  if (bytes.size() < kHeaderSize + header.length) return 0;
  sink_.onFrame(header, bytes.substr(kHeaderSize, header.length));
  return kHeaderSize + header.length;
}

// Moves bytes into the buffer until it holds `wanted`.
void FrameReader::append(std::string_view& bytes, size_t wanted) {
  size_t n = std::min(wanted - buffer_.size(), bytes.size());
  buffer_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
}

}  // namespace plimsoll::ttrpc
