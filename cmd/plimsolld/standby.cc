#include "cmd/plimsolld/standby.h"

#include <utility>

namespace plimsoll::agent {
namespace {

http::Response answer(const http::Request& request) {
  if (request.path == "/livez" || request.path == "/healthz" || request.path == "/readyz")
    return {.body = "ok: waiting for this node's other agent to end\n"};
  if (request.path == "/metrics")
    return {.status = 503, .body = "waiting for this node's other agent to end\n"};
  return {.status = 404, .body = "not found\n"};
}

}  // namespace

std::unique_ptr<http::Server> standBy(const std::string& http_address) {
  auto address = http::parseAddress(http_address);
  if (!address) return nullptr;
  auto server = http::Server::start({.address = *std::move(address)}, answer);
  return server ? *std::move(server) : nullptr;
}

}  // namespace plimsoll::agent
