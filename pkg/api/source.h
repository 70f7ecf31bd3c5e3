// What the agent's API reads: the node, the reports of its containers, and its events. Whoever owns that
// state (cmd/plimsolld; a fake in tests) implements Source.
//
// Threads: gRPC's threads call every function here, several at once. They must return from memory (history():
// or from a bounded file), without waiting for the agent's loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pkg/api/event_ring.h"
#include "pkg/base/result.h"
#include "pkg/journal/journal.h"
#include "pkg/model/container_stats.h"
#include "pkg/model/facts.h"
#include "pkg/model/network_status.h"
#include "pkg/model/plan.h"

namespace plimsoll::api {

struct NodeInfo {
  std::string name;
  std::string agent_version;
  std::chrono::system_clock::time_point started_at{};
  model::NodeFacts facts;

  bool runtime_connected = false;
  std::string runtime_problem;  // not connected: why, for people

  std::string config_file;  // empty: built-in classes, no rules
  int64_t config_generation = 0;
  std::string config_problem;  // the last load failed, the one before stays in force: why
  std::vector<std::string> classes;
  int rules = 0;

  model::NetworkStatus network;

  // Settings that this kernel or runtime cannot do: key and reason.
  std::vector<std::pair<std::string, std::string>> unsupported;
};

using ReportPtr = std::shared_ptr<const model::ContainerReport>;

class Source {
 public:
  virtual ~Source() = default;

  virtual NodeInfo node() const = 0;
  // Every container known, ordered by namespace, pod, container name, id. Null pointers are not allowed.
  virtual std::vector<ReportPtr> containers() const = 0;
  // Lives as long as the source.
  virtual EventRing& events() = 0;
  // What the journal holds. Unimplemented: there is none.
  virtual base::Result<std::vector<journal::Record>> history(const journal::HistoryQuery& query) const {
    (void)query;
    return base::error(base::ErrorCode::Unimplemented, "this agent keeps no journal");
  }
  // What the kernel counts of a container. The one function that may read the kernel; bounded by a cache.
  virtual base::Result<model::StatsSample> stats(const model::ContainerReport& report) {
    (void)report;
    return base::error(base::ErrorCode::Unimplemented, "this agent does not read containers' counters");
  }
};

}  // namespace plimsoll::api
