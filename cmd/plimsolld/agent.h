// The agent put together: roots and node facts, configuration, controller, NRI plugin, API server, on one
// loop. Threads: the one that calls start() and run().
#pragma once

#include <memory>
#include <string>

#include "cmd/plimsolld/options.h"

namespace plimsoll::agent {

class Agent;

struct Started {
  std::unique_ptr<Agent> agent;  // nullptr: could not start
  int exit_code = 0;
  std::string message;  // one sentence on why not, and what to do
};

class Agent {
 public:
  // Everything that can be wrong with host, configuration or sockets is said here, before anything is
  // touched. That the runtime is not there yet is not wrong: it is waited for.
  static Started start(AgentOptions options);
  ~Agent();

  // Until SIGTERM or SIGINT. Containers keep their settings.
  void run();

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace plimsoll::agent
