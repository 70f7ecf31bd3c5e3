// The agent's gRPC service on a unix socket: proto/plimsoll/v1, grpc.health.v1 (names "", "liveness",
// "readiness") and server reflection.
//
// It runs on threads of its own and only reads the source, so a stuck agent still answers and a stuck client
// costs the agent nothing: connections, calls, streams, sizes and ages are bounded. A peer whose uid may not
// is answered PERMISSION_DENIED, one too many RESOURCE_EXHAUSTED, each with a sentence.
//
//   ASSIGN_OR_RETURN(auto server, api::Server::start({.socket = "/run/plimsoll/plimsoll.sock"}, source));
//   server->setServing("readiness", true);
//
// While nobody is connected there is one thread, which sleeps.
//
// Threads: one Server's functions belong to one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "pkg/api/source.h"
#include "pkg/base/result.h"

namespace plimsoll::api {

struct ServerOptions {
  std::string socket = "/run/plimsoll/plimsoll.sock";
  std::set<uid_t> allowed_uids = {0};
  int max_connections = 32;
  int max_calls = 32;    // answers being made or sent
  int max_streams = 16;  // WatchEvents
  int max_request_bytes = 1 << 20;
  int max_page = 500;  // containers in one answer
  // What grpc.health.v1 says of "" and "liveness" and of "readiness", asked when somebody connects and then
  // every `health_interval` while somebody is; so an agent whose loop hangs is seen too. Called on the
  // server's own thread; must not wait. Empty: what setServing() says.
  std::function<bool(const std::string& service)> serving;
  std::chrono::milliseconds health_interval{1'000};
  // A connection without a call for so long is closed; so is one that never speaks.
  std::chrono::milliseconds idle{300'000};
  // How long after the last connection gRPC's threads and memory are kept.
  std::chrono::milliseconds linger{10'000};
};

class Server {
 public:
  // AlreadyExists: another agent answers on the socket. The source must outlive the server.
  static base::Result<std::unique_ptr<Server>> start(ServerOptions options, Source& source);

  // Ends streams with UNAVAILABLE, gives running calls a second, removes the socket.
  ~Server();

  // What grpc.health.v1 says of "liveness" or "readiness"; both start as not serving. "" is the server itself
  // and serves from the start.
  void setServing(const std::string& service, bool serving);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::api
