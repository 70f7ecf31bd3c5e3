// The network link that a pod's traffic leaves by: the one with the default route (IPv4 first, then IPv6; the
// lowest metric), else eth0. Reads and writes two of its attributes.
//
// Everything here is of the calling thread's network namespace; see Namespace::run(). Facts: rtnetlink(7),
// netdevice(7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::netns {

using base::Result;
using base::Status;

class Link {
 public:
  // FailedPrecondition: there is neither a default route nor an eth0.
  static Result<Link> ofDefaultRoute();

  const std::string& name() const { return name_; }
  // `attribute` is "mtu" or "tx_queue_len". Unimplemented: not known here.
  Result<int64_t> read(std::string_view attribute) const;
  // Unimplemented with a name: the agent lacks CAP_NET_ADMIN.
  Status write(std::string_view attribute, int64_t value) const;

 private:
  Link(base::UniqueFd socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}

  base::UniqueFd socket_;
  std::string name_;
};

}  // namespace plimsoll::netns
