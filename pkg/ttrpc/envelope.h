// The two messages that ttRPC itself has, encoded and decoded by hand so that a payload is never copied
// twice:
//   Request  {service#1, method#2, payload#3 bytes, timeout_nano#4 int64, metadata#5}
//   Response {status#1 {code#1 int32, message#2 string, details#3}, payload#2 bytes}
// Fields that are unknown, and metadata and details, are skipped.
//
// Not for: the payload, which is the caller's own message.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/ttrpc/frame.h"

namespace plimsoll::ttrpc {

using base::Error;
using base::ErrorCode;
using base::Result;

// The views point into the decoded data.
struct Request {
  std::string_view service;
  std::string_view method;
  std::string_view payload;
  std::chrono::nanoseconds timeout{0};  // 0: none; never negative
};

struct Response {
  std::optional<Error> error;  // absent: OK
  std::string_view payload;
};

// nullopt: not a valid message.
std::optional<Request> decodeRequest(std::string_view data);
std::optional<Response> decodeResponse(std::string_view data);

// A whole message, header included. ResourceExhausted if its data would be larger than kMaxData.
Result<std::string> encodeRequest(uint32_t stream_id, const Request& request);
Result<std::string> encodeResponse(uint32_t stream_id, std::string_view payload);
// An error's message is made valid UTF-8 and cut at kMaxErrorText, so this cannot fail. The payload stays
// empty: Go decodes it before it looks at the status.
std::string encodeError(uint32_t stream_id, const Error& error);

constexpr size_t kMaxErrorText = 4096;

// `text` with each byte that is no part of valid UTF-8 replaced by "?".
std::string toUtf8(std::string_view text);

}  // namespace plimsoll::ttrpc
