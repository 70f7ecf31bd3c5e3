#include "pkg/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "pkg/base/parse.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::http {
namespace {

using base::Result;
using base::UniqueFd;

constexpr int kBacklog = 16;

// 0: neither.
int familyOf(const std::string& host) {
  in6_addr ignored{};
  if (inet_pton(AF_INET, host.c_str(), &ignored) == 1) return AF_INET;
  if (inet_pton(AF_INET6, host.c_str(), &ignored) == 1) return AF_INET6;
  return 0;
}

tl::unexpected<base::Error> notAnAddress(std::string_view text) {
  return base::invalidArgument("\"" + std::string(text) +
                               "\" is no address to listen on; give IP:PORT (127.0.0.1:9471, [::1]:9471) or "
                               "the path of a unix socket");
}

Result<UniqueFd> listenOnPath(const std::string& path) {
  // Somebody who answers there must not lose his socket.
  if (sys::connectUnix(path)) return base::errnoError(EADDRINUSE, "listen on " + path);
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errnoError(errno, "create socket");
  // Its mode before it listens: until then nobody can connect.
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(fd.get(), kBacklog) != 0) {
    return base::errnoError(errno, "listen on " + path);
  }
  return fd;
}

}  // namespace

Result<Address> parseAddress(std::string_view text) {
  Address address;
  std::string_view rest = text;
  if (rest.starts_with("unix:")) rest.remove_prefix(5);
  if (rest.starts_with("/")) {
    if (rest.size() >= sizeof(sockaddr_un::sun_path)) return notAnAddress(text);
    address.path = rest;
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return notAnAddress(text);
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  address.host = host;
  const auto port = base::parseInt<uint16_t>(text.substr(colon + 1));
  const int family = familyOf(address.host);
  if (!port || family == 0 || (family == AF_INET6) != brackets) return notAnAddress(text);
  address.port = *port;
  return address;
}

std::string toString(const Address& address) {
  if (!address.path.empty()) return "unix:" + address.path;
  const bool six = address.host.find(':') != std::string::npos;
  return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<UniqueFd> listenOn(const Address& address) {
  if (!address.path.empty()) return listenOnPath(address.path);
  const int family = familyOf(address.host);
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errnoError(errno, "create socket");
  const int on = 1;
  // A restart must not wait for the connections of the agent before to be forgotten.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    *in = {};
    in->sin_family = AF_INET;
    in->sin_port = htons(address.port);
    inet_pton(AF_INET, address.host.c_str(), &in->sin_addr);
    size = sizeof *in;
  } else {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
    *in = {};
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(address.port);
    inet_pton(AF_INET6, address.host.c_str(), &in->sin6_addr);
    size = sizeof *in;
  }
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 || listen(fd.get(), kBacklog) != 0) {
    return base::errnoError(errno, "listen on " + toString(address));
  }
  return fd;
}

}  // namespace plimsoll::http
