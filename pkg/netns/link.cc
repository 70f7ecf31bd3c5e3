#include "pkg/netns/link.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netns {
namespace {

// ifr_mtu and ifr_qlen are members of one union.
int& fieldOf(ifreq& request, std::string_view attribute) {
  return attribute == "mtu" ? request.ifr_mtu : request.ifr_qlen;
}

bool isKnown(std::string_view attribute) { return attribute == "mtu" || attribute == "tx_queue_len"; }

ifreq requestFor(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return request;
}

tl::unexpected<base::Error> unknown(std::string_view attribute) {
  return base::error(base::ErrorCode::Unimplemented, std::string(attribute) + " of a link is not known here");
}

}  // namespace

Result<Link> Link::ofDefaultRoute() {
  ASSIGN_OR_RETURN(const rtnl::Socket kernel, rtnl::Socket::open());
  std::string name;
  for (int family : {AF_INET, AF_INET6}) {
    auto routes = kernel.defaultRoutes(family);
    // A kernel without IPv6 refuses the second question.
    if (!routes && family == AF_INET) return tl::make_unexpected(std::move(routes).error());
    char text[IF_NAMESIZE] = {};
    if (!routes || routes->empty() || if_indextoname(routes->front().device, text) == nullptr) continue;
    name = text;
    break;
  }
  if (name.empty() && if_nametoindex("eth0") != 0) name = "eth0";
  if (name.empty()) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       "the pod has no link with a default route and no eth0");
  }
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return base::errnoError(errno, "open a socket");
  return Link(std::move(socket), std::move(name));
}

Result<int64_t> Link::read(std::string_view attribute) const {
  if (!isKnown(attribute)) return unknown(attribute);
  ifreq request = requestFor(name_);
  const unsigned long code = attribute == "mtu" ? SIOCGIFMTU : SIOCGIFTXQLEN;
  if (ioctl(socket_.get(), code, &request) != 0)
    return base::errnoError(errno, "read " + std::string(attribute) + " of " + name_);
  return fieldOf(request, attribute);
}

Status Link::write(std::string_view attribute, int64_t value) const {
  if (!isKnown(attribute)) return unknown(attribute);
  ifreq request = requestFor(name_);
  fieldOf(request, attribute) = static_cast<int>(value);
  const unsigned long code = attribute == "mtu" ? SIOCSIFMTU : SIOCSIFTXQLEN;
  if (ioctl(socket_.get(), code, &request) == 0) return base::ok();
  const std::string what =
      "write " + std::to_string(value) + " to " + std::string(attribute) + " of " + name_;
  if (errno != EPERM) return base::errnoError(errno, what);
  return tl::unexpected<base::Error>(
      base::Error{base::ErrorCode::Unimplemented,
                  what + " needs CAP_NET_ADMIN, which the agent's profile \"namespaces\" has", EPERM});
}

}  // namespace plimsoll::netns
