// NRI's multiplexer: two byte streams over one socket, each piece with an 8-byte header (connection id and
// length, big-endian). Stream 1 carries the runtime's calls to the plugin, stream 2 the plugin's to the
// runtime.
//
// How a message may be cut is decided by Go's reader: it gets one frame per read through a buffer of 4096
// bytes, and a frame that does not fit where a message starts kills the connection (containerd/nri#102). So a
// message of up to 4096 bytes is one frame, a larger one is 4096 bytes and then all the rest. One message
// never shares a frame with another, and no frame is empty. What we receive is a byte stream: frames mean
// nothing there.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>

#include "pkg/base/result.h"

namespace plimsoll::nri {

constexpr uint32_t kPluginStream = 1;   // we answer
constexpr uint32_t kRuntimeStream = 2;  // we ask

constexpr size_t kMuxHeaderSize = 8;
constexpr size_t kMuxFirstFrame = 4096;
constexpr uint32_t kMuxMaxFrame = 1U << 24;  // the largest that any NRI release writes

std::array<char, kMuxHeaderSize> encodeMuxHeader(uint32_t stream, uint32_t length);

// The size of the first frame of a message; what is left is the second frame.
constexpr size_t firstFrameSize(size_t message_size) {
  return message_size < kMuxFirstFrame ? message_size : kMuxFirstFrame;
}

// Takes the socket's bytes in pieces of any size. Keeps no payload.
class MuxReader {
 public:
  using Sink = std::function<void(uint32_t stream, std::string_view bytes)>;

  // Gives each stream's bytes as they come; unknown streams too. InvalidArgument: a frame over kMuxMaxFrame;
  // the connection is of no use then. The sink must not call push().
  base::Status push(std::string_view bytes, const Sink& sink);

 private:
  std::array<char, kMuxHeaderSize> header_{};
  size_t header_have_ = 0;
  uint32_t stream_ = 0;
  uint32_t left_ = 0;  // payload bytes of the current frame still to come
};

}  // namespace plimsoll::nri
