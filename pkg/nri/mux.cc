#include "pkg/nri/mux.h"

#include <algorithm>

namespace plimsoll::nri {
namespace {

uint32_t readU32(const char* p) {
  auto byte = [p](int i) { return static_cast<uint32_t>(static_cast<uint8_t>(p[i])); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

void writeU32(char* p, uint32_t value) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<char>(value >> (24 - 8 * i));
}

}  // namespace

std::array<char, kMuxHeaderSize> encodeMuxHeader(uint32_t stream, uint32_t length) {
  std::array<char, kMuxHeaderSize> out;
  writeU32(out.data(), stream);
  writeU32(out.data() + 4, length);
  return out;
}

base::Status MuxReader::push(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      size_t n = std::min<size_t>(left_, bytes.size());
      left_ -= static_cast<uint32_t>(n);
      sink(stream_, bytes.substr(0, n));
      bytes.remove_prefix(n);
      continue;
    }
    size_t n = std::min(kMuxHeaderSize - header_have_, bytes.size());
    std::copy_n(bytes.begin(), n, header_.begin() + header_have_);
    header_have_ += n;
    bytes.remove_prefix(n);
    if (header_have_ < kMuxHeaderSize) return base::ok();
    header_have_ = 0;
    stream_ = readU32(header_.data());
    left_ = readU32(header_.data() + 4);
    if (left_ > kMuxMaxFrame) {
      return base::invalidArgument("multiplexer frame of " + std::to_string(left_) + " bytes");
    }
  }
  return base::ok();
}

}  // namespace plimsoll::nri
