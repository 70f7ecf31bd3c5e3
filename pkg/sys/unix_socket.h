// Unix stream sockets by path. Not for: abstract names, datagrams, access control.
#pragma once

#include <string>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::sys {

using base::Result;

// A connected, non-blocking, close-on-exec socket. Never waits: a listener whose queue is full gives
// Unavailable (EAGAIN), one that is not there NotFound (ENOENT) or Unavailable (ECONNREFUSED); a path that is
// no socket or is too long (107 bytes) gives InvalidArgument.
Result<base::UniqueFd> connectUnix(const std::string& path);

// Listens on `path`, removing a socket that stands there. Blocking, close-on-exec.
Result<base::UniqueFd> listenUnix(const std::string& path, int backlog = 16);

}  // namespace plimsoll::sys
