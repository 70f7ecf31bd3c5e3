#include "pkg/ttrpc/envelope.h"

#include <algorithm>

namespace plimsoll::ttrpc {
namespace {

enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

struct Field {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  uint64_t varint = 0;
  std::string_view bytes;
};

// Walks the fields of one message. Groups, which proto3 does not have, are an error.
class Fields {
 public:
  explicit Fields(std::string_view data) : rest_(data) {}

  bool next(Field& field) {
    if (rest_.empty() || broken_) return false;
    broken_ = !read(field);
    return !broken_;
  }
  bool broken() const { return broken_; }

 private:
  bool read(Field& field) {
    uint64_t tag;
    if (!readVarint(tag) || tag > UINT32_MAX || (tag >> 3) == 0) return false;
    field.number = static_cast<uint32_t>(tag >> 3);
    field.type = static_cast<WireType>(tag & 7);
    switch (field.type) {
      case WireType::Varint:
        return readVarint(field.varint);
      case WireType::Fixed64:
        return take(8, field.bytes);
      case WireType::Fixed32:
        return take(4, field.bytes);
      case WireType::Bytes: {
        uint64_t length;
        return readVarint(length) && take(length, field.bytes);
      }
    }
    return false;
  }

  bool readVarint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  bool take(uint64_t length, std::string_view& bytes) {
    if (length > rest_.size()) return false;
    bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  std::string_view rest_;
  bool broken_ = false;
};

void putVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void putBytes(std::string& out, uint32_t number, std::string_view bytes) {
  if (bytes.empty()) return;
  putVarint(out, number << 3 | static_cast<uint32_t>(WireType::Bytes));
  putVarint(out, bytes.size());
  out.append(bytes);
}

void putInt(std::string& out, uint32_t number, uint64_t value) {
  if (value == 0) return;
  putVarint(out, number << 3);
  putVarint(out, value);
}

// Room for the header, filled in by finish() when the length is known.
std::string begin(size_t size_hint) {
  std::string message;
  message.reserve(kHeaderSize + size_hint);
  message.resize(kHeaderSize);
  return message;
}

void writeHeader(std::string& message, uint32_t stream_id, MessageType type) {
  auto header = encodeHeader({.length = static_cast<uint32_t>(message.size() - kHeaderSize),
                              .stream_id = stream_id,
                              .type = static_cast<uint8_t>(type)});
  std::copy(header.begin(), header.end(), message.begin());
}

Result<std::string> finish(std::string message, uint32_t stream_id, MessageType type) {
  if (message.size() > kHeaderSize + kMaxData) {
    return base::error(ErrorCode::ResourceExhausted, "message of " +
                                                         std::to_string(message.size() - kHeaderSize) +
                                                         " bytes; ttRPC carries " + std::to_string(kMaxData));
  }
  writeHeader(message, stream_id, type);
  return message;
}

// The number of bytes of the valid UTF-8 sequence at the front of `text`; 0 if there is none.
size_t sequenceLength(std::string_view text) {
  auto byte = [text](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t first = byte(0);
  if (first < 0x80) return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  bool bad = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
             (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
  return bad ? 0 : length;
}

// Merges, as protobuf does when a sub-message comes twice.
bool decodeStatus(std::string_view data, Error& status) {
  Fields fields(data);
  Field field;
  while (fields.next(field)) {
    if (field.number == 1 && field.type == WireType::Varint) {
      status.code = static_cast<ErrorCode>(static_cast<int32_t>(field.varint));
    } else if (field.number == 2 && field.type == WireType::Bytes) {
      status.message = toUtf8(field.bytes.substr(0, kMaxErrorText));
    }
  }
  return !fields.broken();
}

}  // namespace

std::string toUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t n = sequenceLength(text);
    if (n > 0) {
      out.append(text.substr(0, n));
    } else {
      out.push_back('?');
    }
    text.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

std::optional<Request> decodeRequest(std::string_view data) {
  Request request;
  Fields fields(data);
  Field field;
  while (fields.next(field)) {
    if (field.type == WireType::Bytes) {
      if (field.number == 1) request.service = field.bytes;
      if (field.number == 2) request.method = field.bytes;
      if (field.number == 3) request.payload = field.bytes;
    } else if (field.number == 4 && field.type == WireType::Varint) {
      request.timeout = std::chrono::nanoseconds(std::max<int64_t>(0, static_cast<int64_t>(field.varint)));
    }
  }
  if (fields.broken()) return std::nullopt;
  return request;
}

std::optional<Response> decodeResponse(std::string_view data) {
  Response response;
  Error status{.code = static_cast<ErrorCode>(0), .message = {}};
  Fields fields(data);
  Field field;
  while (fields.next(field)) {
    if (field.type != WireType::Bytes) continue;
    if (field.number == 1 && !decodeStatus(field.bytes, status)) return std::nullopt;
    if (field.number == 2) response.payload = field.bytes;
  }
  if (fields.broken()) return std::nullopt;
  if (status.code != static_cast<ErrorCode>(0)) response.error = std::move(status);
  return response;
}

Result<std::string> encodeRequest(uint32_t stream_id, const Request& request) {
  std::string message = begin(request.service.size() + request.method.size() + request.payload.size() + 32);
  putBytes(message, 1, request.service);
  putBytes(message, 2, request.method);
  putBytes(message, 3, request.payload);
  putInt(message, 4, static_cast<uint64_t>(request.timeout.count()));
  return finish(std::move(message), stream_id, MessageType::Request);
}

Result<std::string> encodeResponse(uint32_t stream_id, std::string_view payload) {
  std::string message = begin(payload.size() + 8);
  putBytes(message, 2, payload);
  return finish(std::move(message), stream_id, MessageType::Response);
}

std::string encodeError(uint32_t stream_id, const Error& error) {
  std::string status;
  putInt(status, 1, static_cast<uint64_t>(error.code));
  putBytes(status, 2, toUtf8(std::string_view(error.message).substr(0, kMaxErrorText)));
  std::string message = begin(status.size() + 8);
  putBytes(message, 1, status);
  writeHeader(message, stream_id, MessageType::Response);
  return message;
}

}  // namespace plimsoll::ttrpc
