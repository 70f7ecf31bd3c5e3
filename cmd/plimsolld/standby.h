// What an agent answers while it waits for the one before it to end, as in an update that starts the new one
// first: it is alive, and ready to take over, so the update may go on and end the old one.
#pragma once

#include <memory>
#include <string>

#include "pkg/http/server.h"

namespace plimsoll::agent {

// /livez, /healthz and /readyz are 200, /metrics is 503. nullptr: `http_address` is "off" or none (the
// agent's own start tells that). An address in use is the old agent's, on a network of the node's: it answers
// then.
std::unique_ptr<http::Server> standBy(const std::string& http_address);

}  // namespace plimsoll::agent
