// What the agent's API reads: the node, the reports of its containers, and its events. Whoever owns that
// state (cmd/plimsolld; a fake in tests) implements Source.
//
// Threads: gRPC's threads call every function here, several at once. They must return from memory (history():
// or from a bounded file), without waiting for the agent's loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/api/event_ring.h"
#include "pkg/base/result.h"
#include "pkg/journal/journal.h"
#include "pkg/model/container_stats.h"
#include "pkg/model/facts.h"
#include "pkg/model/network_status.h"
#include "pkg/model/plan.h"
#include "pkg/model/topology.h"

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

// A small text with a name: a kernel file, a part of a bug report.
struct NamedText {
  std::string name;
  std::string text;
  std::string problem;  // it could not be read: why
};

struct CgroupTexts {
  std::string path;              // below the cgroup mount, "/" for the root
  std::vector<NamedText> files;  // those that are there
};

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
  // What would be planned for the pods of a manifest by the configuration in force; their names are the
  // objects' ("Deployment/web"). InvalidArgument: it cannot be read.
  virtual base::Result<std::vector<model::ContainerReport>> simulate(std::string_view manifest,
                                                                     const std::string& ns) const {
    (void)manifest, (void)ns;
    return base::error(base::ErrorCode::Unimplemented, "this agent does not simulate");
  }
  // Reads the kernel: these files of the container's cgroup, and with `above` of all above it; the root is
  // the first. isGone(): the cgroup went away.
  virtual base::Result<std::vector<CgroupTexts>> cgroups(const model::ContainerReport& report,
                                                         const std::vector<std::string>& files,
                                                         bool above) const {
    (void)report, (void)files, (void)above;
    return base::error(base::ErrorCode::Unimplemented, "this agent does not read cgroups");
  }
  // Reads the kernel.
  virtual base::Result<model::Topology> topology() const {
    return base::error(base::ErrorCode::Unimplemented, "this agent does not read the topology");
  }
  virtual std::vector<NamedText> diagnostics() const { return {}; }
};

}  // namespace plimsoll::api
