#include "pkg/netns/default_route.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "pkg/base/unique_fd.h"

namespace plimsoll::netns {
namespace {

using base::Result;

// Walks attributes without trusting any length.
template <typename Visit>
void forEachAttribute(std::span<const char> bytes, const Visit& visit) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) return;
    visit(header.rta_type, bytes.subspan(sizeof header, header.rta_len - sizeof header));
    const size_t step = RTA_ALIGN(header.rta_len);
    if (step >= bytes.size()) return;
    bytes = bytes.subspan(step);
  }
}

uint32_t number(std::span<const char> bytes) {
  uint32_t value = 0;
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// A route by several links: the first.
uint32_t firstHop(std::span<const char> bytes) {
  rtnexthop hop;
  if (bytes.size() < sizeof hop) return 0;
  std::memcpy(&hop, bytes.data(), sizeof hop);
  return hop.rtnh_ifindex > 0 ? static_cast<uint32_t>(hop.rtnh_ifindex) : 0;
}

void takeRoute(std::span<const char> bytes, RouteChoice& choice) {
  rtmsg route;
  if (bytes.size() < sizeof route) return;
  std::memcpy(&route, bytes.data(), sizeof route);
  if (route.rtm_dst_len != 0 || route.rtm_type != RTN_UNICAST) return;
  RouteChoice found;
  uint32_t table = route.rtm_table;
  forEachAttribute(bytes.subspan(NLMSG_ALIGN(sizeof route)), [&](int type, std::span<const char> value) {
    if (type == RTA_OIF) found.link = number(value);
    if (type == RTA_MULTIPATH && found.link == 0) found.link = firstHop(value);
    if (type == RTA_PRIORITY) found.metric = number(value);
    if (type == RTA_TABLE) table = number(value);
  });
  if (found.link == 0 || table != RT_TABLE_MAIN) return;
  if (choice.link == 0 || found.metric < choice.metric) choice = found;
}

}  // namespace

Result<bool> takeRoutes(std::span<const char> messages, RouteChoice& choice) {
  while (messages.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, messages.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > messages.size()) break;
    const auto body = messages.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    if (header.nlmsg_type == NLMSG_DONE) return true;
    if (header.nlmsg_type == NLMSG_ERROR) {
      const int err = static_cast<int>(number(body));
      return base::errnoError(err < 0 ? -err : EPROTO, "list routes");
    }
    if (header.nlmsg_type == RTM_NEWROUTE) takeRoute(body, choice);
    const size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= messages.size()) return false;
    messages = messages.subspan(step);
  }
  if (messages.empty()) return false;
  return base::errnoError(EPROTO, "list routes");
}

Result<uint32_t> defaultRouteLink(int family) {
  const base::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return base::errnoError(errno, "open a routing socket");
  // The kernel answers at once; this is for the day on which it does not.
  const timeval limit{1, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  struct {
    nlmsghdr header;
    rtmsg route;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.route.rtm_family = static_cast<unsigned char>(family);
  if (send(socket.get(), &request, sizeof request, 0) < 0) return base::errnoError(errno, "ask for routes");
  RouteChoice choice;
  char buffer[32 * 1024];
  for (;;) {
    const ssize_t n = recv(socket.get(), buffer, sizeof buffer, MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return base::errnoError(n == 0 ? EPROTO : errno, "list routes");
    if (static_cast<size_t>(n) > sizeof buffer) return base::errnoError(EMSGSIZE, "list routes");
    ASSIGN_OR_RETURN(const bool done, takeRoutes({buffer, static_cast<size_t>(n)}, choice));
    if (done) return choice.link;
  }
}

}  // namespace plimsoll::netns
