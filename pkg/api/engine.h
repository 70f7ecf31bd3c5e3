// gRPC itself, kept only as long as somebody is connected: its threads wake several times a second and its
// memory is a good part of the agent's, while most nodes are asked a few times a day. Starting takes about a
// millisecond. Internal to pkg/api.
//
// Threads: setServing() from any, the rest from one.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "pkg/api/connection_list.h"
#include "pkg/api/refuser.h"
#include "pkg/api/server.h"
#include "pkg/api/service.h"
#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::api {

class Engine {
 public:
  // Both must outlive the engine.
  Engine(const ServerOptions& options, AgentService& service);
  ~Engine();

  // Serves the connection, or refuses it in words when there are too many.
  void serve(base::UniqueFd connection);
  // The peer may not use the API.
  void deny(base::UniqueFd connection);

  // Open connections, also those that are being refused.
  size_t connections();
  bool running() const { return server_ || denied_ || overloaded_; }
  // Ends gRPC, calls and all. The next connection starts it again.
  void rest();

  void setServing(const std::string& service, bool serving);

 private:
  base::Status start();
  void refuse(base::UniqueFd connection, std::unique_ptr<Refuser>& refuser, const grpc::Status& status);

  const ServerOptions& options_;
  AgentService& service_;
  ConnectionList connections_, refused_;
  std::unique_ptr<Refuser> denied_, overloaded_;
  std::mutex health_mutex_;
  std::map<std::string, bool> serving_;   // guarded by health_mutex_
  std::unique_ptr<grpc::Server> server_;  // changed under health_mutex_
};

}  // namespace plimsoll::api
