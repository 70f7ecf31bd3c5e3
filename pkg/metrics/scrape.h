// The whole text of /metrics: the agent's counters, what the published reports say of the present, the
// process, and, where switched on, series of single containers.
//
// Threads: write() from one thread at a time; it takes no lock of the agent's loop. The functions of Sources
// are called there.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/metrics/exposition.h"
#include "pkg/metrics/metrics.h"
#include "pkg/model/container_stats.h"
#include "pkg/model/plan.h"

namespace plimsoll::metrics {

using ReportPtr = std::shared_ptr<const model::ContainerReport>;

struct NodeNumbers {
  std::string version, kernel, runtime, runtime_version, nri_version;
  // Whether the kernel has what a setting needs; those that are not listed are not known.
  std::vector<std::pair<std::string_view, bool>> kernel_features;
  uint64_t events_dropped = 0;
  model::NetworkStatus network;
  bool live = true, ready = false;
  struct {
    uint64_t answered = 0, refused = 0, bad = 0;
  } http;
};

struct Sources {
  // Every container known, in the order of namespace, pod, container name.
  std::function<std::vector<ReportPtr>()> reports;
  std::function<NodeNumbers()> node;
  // nullopt: gone, or cannot be read.
  std::function<std::optional<model::ContainerStats>(const model::ContainerReport&)> stats;
};

class Scrape {
 public:
  Scrape(const Metrics& metrics, Sources sources) : metrics_(metrics), sources_(std::move(sources)) {}

  // Series of single containers: 0 none, else of at most so many. Any thread.
  void setPerContainer(int most) { most_containers_.store(most, std::memory_order_relaxed); }

  std::string write();

 private:
  const Metrics& metrics_;
  const Sources sources_;
  std::atomic<int> most_containers_{0};
  size_t last_size_ = 0;
  double last_seconds_ = 0;
};

// ---- the parts of it

void writeRecorded(Writer& writer, const Metrics& metrics);
void writeNode(Writer& writer, const NodeNumbers& node);
void writeNetwork(Writer& writer, const model::NetworkStatus& network);
void writeReports(Writer& writer, const std::vector<ReportPtr>& reports);
void writeProcess(Writer& writer);

// Containers with settings that run, one of each name (the youngest).
struct ContainerSeries {
  ReportPtr report;
  model::ContainerStats stats;
};
struct PerContainer {
  std::vector<ContainerSeries> series;
  size_t left_out = 0;  // beyond `most`
};
PerContainer collectContainers(const std::vector<ReportPtr>& reports, size_t most,
                               const decltype(Sources::stats)& stats);
void writeContainers(Writer& writer, const PerContainer& containers);

}  // namespace plimsoll::metrics
