#include "pkg/rtnl/rtnl.h"

#include <linux/net_namespace.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pkg/rtnl/messages.h"

namespace plimsoll::rtnl {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

Result<base::UniqueFd> openSocket(int flags) {
  base::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
  if (!socket.valid()) return base::errnoError(errno, "open a routing socket");
  return socket;
}

template <typename Header>
Bytes bytesOf(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

}  // namespace

Result<Socket> Socket::open() {
  ASSIGN_OR_RETURN(base::UniqueFd socket, openSocket(0));
  // The kernel answers at once; this is for the day on which it does not.
  const timeval limit{1, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return Socket(std::move(socket));
}

Status Socket::ask(uint16_t type, uint16_t flags, Bytes body, const char* what, const Visit& visit) const {
  std::vector<char> request(NLMSG_LENGTH(body.size()));
  nlmsghdr header = {};
  header.nlmsg_len = request.size();
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | flags;
  header.nlmsg_seq = ++sequence_;
  std::memcpy(request.data(), &header, sizeof header);
  std::copy(body.begin(), body.end(), request.begin() + NLMSG_HDRLEN);
  if (send(socket_.get(), request.data(), request.size(), 0) < 0) return base::errnoError(errno, what);
  std::vector<char> answer(64 * 1024);
  for (;;) {
    ssize_t got = recv(socket_.get(), answer.data(), answer.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return base::errnoError(got == 0 ? EPROTO : errno, what);
    if (static_cast<size_t>(got) > answer.size()) return base::errnoError(EMSGSIZE, what);
    Datagram taken = walk(Bytes(answer.data(), got), sequence_, visit);
    if (taken.broken)
      return base::error(ErrorCode::Aborted, std::string(what) + ": the kernel's answer is cut off");
    if (taken.error != 0) return base::errnoError(taken.error, what);
    if (taken.done) return base::ok();
  }
}

Result<std::vector<Device>> Socket::devices() const {
  std::vector<Device> out;
  ifinfomsg header = {};
  RETURN_IF_ERROR(
      ask(RTM_GETLINK, NLM_F_DUMP, bytesOf(header), "list network devices", [&](uint16_t type, Bytes body) {
        auto device = type == RTM_NEWLINK ? deviceFrom(body) : std::nullopt;
        if (device) out.push_back(*std::move(device));
      }));
  return out;
}

Result<Device> Socket::device(uint32_t ifindex) const {
  std::optional<Device> out;
  ifinfomsg header = {};
  header.ifi_index = static_cast<int>(ifindex);
  RETURN_IF_ERROR(
      ask(RTM_GETLINK, 0, bytesOf(header), "look at a network device",
          [&](uint16_t type, Bytes body) { out = type == RTM_NEWLINK ? deviceFrom(body) : std::nullopt; }));
  if (!out) return base::error(ErrorCode::Aborted, "the kernel described no device");
  return *std::move(out);
}

Result<std::vector<Route>> Socket::defaultRoutes(int family) const {
  std::vector<Route> routes;
  rtmsg header = {};
  header.rtm_family = static_cast<unsigned char>(family);
  RETURN_IF_ERROR(
      ask(RTM_GETROUTE, NLM_F_DUMP, bytesOf(header), "list routes", [&](uint16_t type, Bytes body) {
        auto route = type == RTM_NEWROUTE ? defaultRouteFrom(body) : std::nullopt;
        if (route) routes.push_back(*route);
      }));
  std::stable_sort(routes.begin(), routes.end(),
                   [](const Route& a, const Route& b) { return a.metric < b.metric; });
  return routes;
}

Result<std::vector<uint32_t>> Socket::defaultRouteDevices() const {
  ASSIGN_OR_RETURN(std::vector<Route> routes, defaultRoutes(AF_INET));
  // A kernel without IPv6 refuses the second question.
  if (auto more = defaultRoutes(AF_INET6)) routes.insert(routes.end(), more->begin(), more->end());
  std::stable_sort(routes.begin(), routes.end(),
                   [](const Route& a, const Route& b) { return a.metric < b.metric; });
  std::vector<uint32_t> out;
  for (const Route& route : routes)
    if (std::find(out.begin(), out.end(), route.device) == out.end()) out.push_back(route.device);
  return out;
}

Result<std::optional<int>> Socket::nsidOf(pid_t pid) const {
  struct {
    rtgenmsg header;
    char pad[3];
    rtattr attribute;
    uint32_t pid;
  } request = {};
  request.attribute = {RTA_LENGTH(sizeof request.pid), NETNSA_PID};
  request.pid = static_cast<uint32_t>(pid);
  std::optional<int> nsid;
  RETURN_IF_ERROR(ask(RTM_GETNSID, 0, bytesOf(request), "look for a process's network namespace",
                      [&](uint16_t, Bytes body) { nsid = nsidFrom(body); }));
  if (nsid && *nsid < 0) nsid.reset();
  return nsid;
}

Result<std::vector<Queue>> Socket::queues() const {
  std::vector<Queue> out;
  tcmsg header = {};
  RETURN_IF_ERROR(ask(RTM_GETQDISC, NLM_F_DUMP, bytesOf(header), "list queueing disciplines",
                      [&](uint16_t type, Bytes body) {
                        auto queue = type == RTM_NEWQDISC ? queueFrom(body) : std::nullopt;
                        if (queue) out.push_back(*std::move(queue));
                      }));
  return out;
}

Result<std::vector<Filter>> Socket::filters(uint32_t ifindex, Hook hook) const {
  std::vector<Filter> out;
  tcmsg header = {};
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook == Hook::Ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  Status asked =
      ask(RTM_GETTFILTER, NLM_F_DUMP, bytesOf(header), "list filters", [&](uint16_t type, Bytes body) {
        auto filter = type == RTM_NEWTFILTER ? filterFrom(body) : std::nullopt;
        // The kernel also lists each priority by itself, without a handle.
        if (filter && filter->handle != 0) out.push_back(*std::move(filter));
      });
  if (!asked && asked.error().sys_errno != EINVAL) return tl::make_unexpected(std::move(asked).error());
  return out;
}

Status Socket::removeClsact(uint32_t ifindex) const {
  tcmsg header = {};
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent = TC_H_CLSACT;
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  return ask(RTM_DELQDISC, NLM_F_ACK, bytesOf(header), "remove a clsact qdisc", [](uint16_t, Bytes) {});
}

Status Socket::addQueue(const Queue& queue) const {
  tcmsg header = {};
  header.tcm_ifindex = static_cast<int>(queue.ifindex);
  header.tcm_parent = queue.parent;
  header.tcm_handle = queue.handle;
  std::string body(reinterpret_cast<const char*>(&header), sizeof header);
  body += attribute(TCA_KIND, queue.kind + '\0');
  if (!queue.options.empty()) body += attribute(TCA_OPTIONS, queue.options);
  const std::string what = "add the queueing discipline " + queue.kind;
  // Without NLM_F_REPLACE the kernel itself refuses where there is another than its default.
  return ask(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, body, what.c_str(), [](uint16_t, Bytes) {});
}

Status Socket::removeRootQueue(uint32_t ifindex, uint32_t handle) const {
  tcmsg header = {};
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent = TC_H_ROOT;
  header.tcm_handle = handle;
  return ask(RTM_DELQDISC, NLM_F_ACK, bytesOf(header), "remove a queueing discipline",
             [](uint16_t, Bytes) {});
}

Result<DeviceWatch> DeviceWatch::open() {
  ASSIGN_OR_RETURN(base::UniqueFd socket, openSocket(SOCK_NONBLOCK));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return base::errnoError(errno, "listen for network devices");
  return DeviceWatch(std::move(socket));
}

DeviceWatch::Batch DeviceWatch::take() {
  Batch batch;
  std::array<char, 32 * 1024> buffer;
  for (;;) {
    ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) batch.lost = true;
    if (got < 0 && errno == ENOBUFS) continue;
    if (got <= 0) return batch;
    Bytes rest(buffer.data(), std::min<size_t>(got, buffer.size()));
    batch.lost = batch.lost || static_cast<size_t>(got) > buffer.size();
    Datagram taken = walk(rest, std::nullopt, [&](uint16_t type, Bytes body) {
      auto device = deviceFrom(body);
      if (device) batch.news.push_back({*std::move(device), type == RTM_DELLINK});
    });
    batch.lost = batch.lost || taken.broken;
  }
}

}  // namespace plimsoll::rtnl
