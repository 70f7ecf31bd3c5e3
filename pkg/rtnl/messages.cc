#include "pkg/rtnl/messages.h"

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace plimsoll::rtnl {
namespace {

template <typename Header>
std::optional<Header> headerOf(Bytes body) {
  Header header;
  if (body.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, body.data(), sizeof header);
  return header;
}

Bytes valueOf(const std::map<uint16_t, Bytes>& all, uint16_t type) {
  auto found = all.find(type);
  return found == all.end() ? Bytes() : found->second;
}

// A route by several devices: the first.
uint32_t firstHop(Bytes value) {
  auto hop = headerOf<rtnexthop>(value);
  return hop && hop->rtnh_ifindex > 0 ? hop->rtnh_ifindex : 0;
}

}  // namespace

std::map<uint16_t, Bytes> attributes(Bytes body, size_t header) {
  std::map<uint16_t, Bytes> out;
  header = NLMSG_ALIGN(header);
  Bytes rest = body.size() > header ? body.subspan(header) : Bytes();
  while (auto attribute = headerOf<rtattr>(rest)) {
    if (attribute->rta_len < sizeof(rtattr) || attribute->rta_len > rest.size()) break;
    out[attribute->rta_type & NLA_TYPE_MASK] =
        rest.subspan(sizeof(rtattr), attribute->rta_len - sizeof(rtattr));
    rest = rest.subspan(std::min<size_t>(RTA_ALIGN(attribute->rta_len), rest.size()));
  }
  return out;
}

std::string attribute(uint16_t type, std::string_view value) {
  const rtattr header{static_cast<unsigned short>(RTA_LENGTH(value.size())), type};
  std::string out(reinterpret_cast<const char*>(&header), sizeof header);
  out += value;
  out.resize(RTA_ALIGN(out.size()));
  return out;
}

uint32_t numberOf(Bytes value) { return headerOf<uint32_t>(value).value_or(0); }

std::string textOf(Bytes value) {
  return std::string(value.begin(), std::find(value.begin(), value.end(), '\0'));
}

std::optional<Device> deviceFrom(Bytes body) {
  auto header = headerOf<ifinfomsg>(body);
  if (!header || header->ifi_index <= 0) return std::nullopt;
  auto all = attributes(body, sizeof(ifinfomsg));
  Device device;
  device.ifindex = header->ifi_index;
  device.name = textOf(valueOf(all, IFLA_IFNAME));
  device.queue = textOf(valueOf(all, IFLA_QDISC));
  device.link = numberOf(valueOf(all, IFLA_LINK));
  if (all.contains(IFLA_LINK_NETNSID)) device.nsid = static_cast<int>(numberOf(all[IFLA_LINK_NETNSID]));
  auto info = attributes(valueOf(all, IFLA_LINKINFO), 0);
  device.kind = textOf(valueOf(info, IFLA_INFO_KIND));
  return device;
}

std::optional<Route> defaultRouteFrom(Bytes body) {
  auto header = headerOf<rtmsg>(body);
  if (!header || header->rtm_dst_len != 0 || header->rtm_type != RTN_UNICAST) return std::nullopt;
  auto all = attributes(body, sizeof(rtmsg));
  uint32_t table = all.contains(RTA_TABLE) ? numberOf(all[RTA_TABLE]) : header->rtm_table;
  Route route{numberOf(valueOf(all, RTA_OIF)), numberOf(valueOf(all, RTA_PRIORITY))};
  if (route.device == 0) route.device = firstHop(valueOf(all, RTA_MULTIPATH));
  if (table != RT_TABLE_MAIN || route.device == 0) return std::nullopt;
  return route;
}

std::optional<Queue> queueFrom(Bytes body) {
  auto header = headerOf<tcmsg>(body);
  if (!header || header->tcm_ifindex <= 0) return std::nullopt;
  auto all = attributes(body, sizeof(tcmsg));
  const Bytes options = valueOf(all, TCA_OPTIONS);
  return Queue{static_cast<uint32_t>(header->tcm_ifindex), header->tcm_handle, header->tcm_parent,
               textOf(valueOf(all, TCA_KIND)), std::string(options.begin(), options.end())};
}

std::optional<Filter> filterFrom(Bytes body) {
  auto header = headerOf<tcmsg>(body);
  if (!header) return std::nullopt;
  auto all = attributes(body, sizeof(tcmsg));
  auto options = attributes(valueOf(all, TCA_OPTIONS), 0);
  return Filter{TC_H_MAJ(header->tcm_info) >> 16, header->tcm_handle, textOf(valueOf(all, TCA_KIND)),
                textOf(valueOf(options, TCA_BPF_NAME)), numberOf(valueOf(options, TCA_BPF_ID))};
}

std::optional<int> nsidFrom(Bytes body) {
  auto all = attributes(body, sizeof(rtgenmsg));
  if (valueOf(all, NETNSA_NSID).size() < sizeof(int)) return std::nullopt;
  return static_cast<int>(numberOf(all[NETNSA_NSID]));
}

Datagram walk(Bytes datagram, std::optional<uint32_t> sequence,
              const std::function<void(uint16_t type, Bytes body)>& visit) {
  Datagram out;
  while (!datagram.empty() && !out.done) {
    auto header = headerOf<nlmsghdr>(datagram);
    out.broken = !header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size();
    if (out.broken) return out;
    Bytes body = datagram.subspan(NLMSG_HDRLEN, header->nlmsg_len - NLMSG_HDRLEN);
    datagram = datagram.subspan(std::min<size_t>(NLMSG_ALIGN(header->nlmsg_len), datagram.size()));
    if (sequence && header->nlmsg_seq != *sequence) continue;  // of a question that was given up
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      out.error = -static_cast<int>(numberOf(body));
      out.done = true;
      continue;
    }
    visit(header->nlmsg_type, body);
    // News come one after the other, each an answer of its own.
    out.done = sequence && !(header->nlmsg_flags & NLM_F_MULTI);
  }
  return out;
}

}  // namespace plimsoll::rtnl
