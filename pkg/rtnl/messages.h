// Bytes of rtnetlink messages to plain values; no length in them is trusted. Pure, any thread. Internal to
// pkg/rtnl.
#pragma once

#include <linux/netlink.h>

#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/rtnl/rtnl.h"

namespace plimsoll::rtnl {

using Bytes = std::span<const char>;

// Attributes behind a fixed header of `header` bytes, by type; of two with one type the last.
std::map<uint16_t, Bytes> attributes(Bytes body, size_t header);

// One attribute, padded; for the other direction.
std::string attribute(uint16_t type, std::string_view value);

uint32_t numberOf(Bytes value);   // 0: too short
std::string textOf(Bytes value);  // up to the first zero byte

// nullopt: too short, or not of the kind.
std::optional<Device> deviceFrom(Bytes body);
std::optional<Route> defaultRouteFrom(Bytes body);
std::optional<Queue> queueFrom(Bytes body);
std::optional<Filter> filterFrom(Bytes body);
std::optional<int> nsidFrom(Bytes body);

// One datagram. Visits every message before its end; done: the answer's end, or an acknowledgement, is among
// them. Messages with another sequence are passed over; nullopt: none is, as for news, which some kernels
// send with the sequence of who caused it.
struct Datagram {
  bool done = false;
  int error = 0;  // errno that the kernel sent
  bool broken = false;
};
Datagram walk(Bytes datagram, std::optional<uint32_t> sequence,
              const std::function<void(uint16_t type, Bytes body)>& visit);

}  // namespace plimsoll::rtnl
