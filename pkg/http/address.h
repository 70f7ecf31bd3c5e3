// Where a server listens. Pure, any thread; listenOn() makes a socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::http {

struct Address {
  std::string path;  // of a unix socket; empty: host and port
  std::string host;  // numeric, IPv4 or IPv6 without brackets
  uint16_t port = 0;
  bool operator==(const Address&) const = default;
};

// "127.0.0.1:9471", "[::1]:9471", "/run/plimsoll/http.sock" or "unix:/run/...". InvalidArgument: anything
// else; names are not looked up, and there is no default for the host.
base::Result<Address> parseAddress(std::string_view text);

std::string toString(const Address& address);

// A listening, non-blocking socket. Unavailable with EADDRINUSE: somebody else listens there. A unix socket
// that nobody answers on is replaced; only its owner may connect.
base::Result<base::UniqueFd> listenOn(const Address& address);

}  // namespace plimsoll::http
