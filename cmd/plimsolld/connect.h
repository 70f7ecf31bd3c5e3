// `plimsolld connect`: joins standard input and output with the agent's unix socket, so that whoever may
// execute a program in the agent's container can speak the API. The image holds no other program.
#pragma once

#include <iosfwd>
#include <string>

#include "pkg/base/result.h"

namespace plimsoll::agent {

// Copies both ways until the agent closed its side and everything of it was written. The end of `in` is
// passed on (shutdown), and is not the end of the answer. `in` and `out` may be blocking; they are never
// waited for alone. An error where the socket cannot be reached, or `out` is no longer read.
base::Status joinWithSocket(const std::string& socket, int in, int out);

// The subcommand; gives the exit code.
int runConnect(const std::string& socket, std::ostream& err);

}  // namespace plimsoll::agent
