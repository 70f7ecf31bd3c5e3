// A small HTTP/1.1 server for probes and scrapes: one thread that sleeps in epoll while nobody asks, one
// request per connection, GET and HEAD only. Everything a peer can do is bounded: connections, the size of a
// request, the time it takes to send it and to read the answer.
//
// Not for: large or slow answers, bodies of requests, TLS, names and passwords (bind to the loopback address,
// or put a proxy in front). Why no library: docs/metrics.md.
//
//   ASSIGN_OR_RETURN(auto address, http::parseAddress("127.0.0.1:9471"));
//   auto server = http::Server::start({.address = address}, [](const http::Request& request) {
//     return http::Response{.body = "ok\n"};
//   });
//
// Threads: the handler runs on the server's own thread; start and destroy from one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "pkg/base/result.h"
#include "pkg/http/address.h"
#include "pkg/http/request.h"

namespace plimsoll::http {

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using Handler = std::function<Response(const Request&)>;

struct ServerOptions {
  Address address;
  int max_connections = 16;  // one more is answered with 503 and closed
  size_t max_head_bytes = 8 << 10;
  std::chrono::milliseconds read_timeout{5'000};    // from accept to the request's end
  std::chrono::milliseconds write_timeout{10'000};  // until the answer is read
  // While the address cannot be bound (another agent has it), how long until the next try. The agent's work
  // does not depend on this server.
  std::chrono::milliseconds retry{10'000};
};

struct ServerStats {
  uint64_t requests = 0;  // answered by the handler
  uint64_t refused = 0;   // too many connections
  uint64_t bad = 0;       // malformed, too large, too slow, or of another method
};

class Server {
 public:
  // An address that is in use is no error: it is tried again. Any other problem of it is.
  static base::Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler);
  ~Server();

  // Where it listens; port 0 was replaced by the one given. Empty while the address cannot be bound.
  std::string boundTo() const;
  ServerStats stats() const;
  size_t connections() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::http
