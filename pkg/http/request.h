// The head of an HTTP/1.x request: RFC 9112 section 3 (request line), 5 (fields). Only what probes and
// scrapes need: method, path and query. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::http {

enum class Method { Get, Head };

struct Request {
  Method method = Method::Get;
  std::string path;   // "/metrics"; not decoded: our own paths need no escapes
  std::string query;  // "verbose=1&x"; empty: none

  // The key stands in the query, with or without a value.
  bool has(std::string_view key) const;
};

struct Parsed {
  std::optional<Request> request;  // the head is complete and in order
  int refused = 0;                 // else the status to answer with; 0: more bytes are needed
};

// `bytes` is everything received so far.
Parsed parseRequest(std::string_view bytes, size_t max_head_bytes);

// "Not Found" for 404.
std::string_view reasonPhrase(int status);

}  // namespace plimsoll::http
