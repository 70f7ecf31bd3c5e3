#include "pkg/http/request.h"

#include <algorithm>
#include <array>

#include "pkg/base/parse.h"

namespace plimsoll::http {
namespace {

// token of RFC 9110 section 5.6.2.
bool isToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool isVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool sameName(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

Parsed refuse(int status) { return {std::nullopt, status}; }

Parsed parseRequestLine(std::string_view line) {
  const auto parts = base::split(line, ' ');
  if (parts.size() != 3 || !isToken(parts[0])) return refuse(400);
  const std::string_view target = parts[1], version = parts[2];
  if (!version.starts_with("HTTP/")) return refuse(400);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return refuse(505);
  if (parts[0] != "GET" && parts[0] != "HEAD") return refuse(405);
  if (target.empty() || target.front() != '/' || !isVisible(target)) return refuse(400);
  Request request;
  request.method = parts[0] == "GET" ? Method::Get : Method::Head;
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  return {std::move(request), 0};
}

// 0: in order. A body has no meaning here, and one that is announced would be taken for the next request.
int checkField(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !isToken(line.substr(0, colon))) return 400;
  const std::string_view name = line.substr(0, colon), value = base::trim(line.substr(colon + 1));
  if (value.find('\0') != std::string_view::npos || value.find('\r') != std::string_view::npos) return 400;
  if (sameName(name, "transfer-encoding")) return 400;
  if (sameName(name, "content-length") && value != "0") return 413;
  return 0;
}

}  // namespace

bool Request::has(std::string_view key) const {
  for (std::string_view part : base::split(query, '&')) {
    if (part.substr(0, part.find('=')) == key) return true;
  }
  return false;
}

Parsed parseRequest(std::string_view bytes, size_t max_head_bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (std::min(end, bytes.size()) > max_head_bytes) return refuse(431);
  if (end == std::string_view::npos) return {};
  std::string_view head = bytes.substr(0, end);
  Parsed parsed;
  for (bool first = true; first || !head.empty(); first = false) {
    const size_t eol = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, eol);
    head.remove_prefix(std::min(eol + 2, head.size()));
    if (first) {
      parsed = parseRequestLine(line);
      if (parsed.refused) return parsed;
    } else if (const int status = checkField(line); status != 0) {
      return refuse(status);
    }
  }
  return parsed;
}

std::string_view reasonPhrase(int status) {
  struct Row {
    int status;
    std::string_view phrase;
  };
  static constexpr std::array<Row, 11> kRows = {{{200, "OK"},
                                                 {400, "Bad Request"},
                                                 {404, "Not Found"},
                                                 {405, "Method Not Allowed"},
                                                 {408, "Request Timeout"},
                                                 {413, "Content Too Large"},
                                                 {431, "Request Header Fields Too Large"},
                                                 {500, "Internal Server Error"},
                                                 {503, "Service Unavailable"},
                                                 {505, "HTTP Version Not Supported"},
                                                 {403, "Forbidden"}}};
  for (const Row& row : kRows) {
    if (row.status == status) return row.phrase;
  }
  return "Unknown";
}

}  // namespace plimsoll::http
