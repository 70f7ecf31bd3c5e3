// ttRPC frames: a 10-byte header (data length, stream id, type, flags; big-endian) and up to 4 MiB of data.
// The reader takes a byte stream in pieces of any size and gives whole frames; memory is used for bytes that
// have come, never for bytes that a header announces.
//
// Not for: what the data mean (envelope.h) or who answers (server.h, client.h). No input or output here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace plimsoll::ttrpc {

constexpr size_t kHeaderSize = 10;
constexpr uint32_t kMaxData = 4U << 20;

enum class MessageType : uint8_t { Request = 1, Response = 2, Data = 3 };

struct FrameHeader {
  uint32_t length = 0;  // of the data
  uint32_t stream_id = 0;
  uint8_t type = 0;  // a MessageType; others are ignored, for those to come
  uint8_t flags = 0;
};

std::array<char, kHeaderSize> encodeHeader(const FrameHeader& header);
FrameHeader decodeHeader(std::string_view ten_bytes);

// Where whole messages go out: one call per message, header and data together.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  // The bytes are copied or written before it returns. Failures are the sink's to report to its owner.
  virtual void send(std::string_view message) = 0;
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // `data` ends with the call.
  virtual void onFrame(const FrameHeader& header, std::string_view data) = 0;
  // A header announced more than kMaxData; its data are skipped as they come.
  virtual void onOversize(const FrameHeader& header) = 0;
};

class FrameReader {
 public:
  explicit FrameReader(FrameSink& sink) : sink_(sink) {}

  // Calls the sink for each frame that `bytes` complete. The sink must not call push() or destroy the reader.
  void push(std::string_view bytes);

  // Bytes held of a frame that is not complete.
  size_t buffered() const { return buffer_.size(); }

 private:
  size_t takeFrame(std::string_view bytes);
  void append(std::string_view& bytes, size_t wanted);

  FrameSink& sink_;
  std::string buffer_;  // an incomplete frame, from its header's first byte
  uint64_t skip_ = 0;   // bytes of an oversize frame still to come
};

}  // namespace plimsoll::ttrpc
