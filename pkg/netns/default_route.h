// The link of a namespace's default route; internal to pkg/netns.
#pragma once

#include <optional>
#include <span>

#include "pkg/base/result.h"

namespace plimsoll::netns {

struct RouteChoice {
  uint32_t link = 0;    // interface index; 0: none yet
  uint32_t metric = 0;  // the lowest wins
};

// Takes the default routes of one piece of a routing table's dump. True: the dump ended. Errors: the kernel
// sent one, or what it sent is no dump.
base::Result<bool> takeRoutes(std::span<const char> messages, RouteChoice& choice);

// Of the calling thread's network namespace, for AF_INET or AF_INET6; 0: there is none.
base::Result<uint32_t> defaultRouteLink(int family);

}  // namespace plimsoll::netns
