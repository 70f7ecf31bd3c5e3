// What the agent's API shows: the controller's published reports, the events, and a copy of the node's facts
// that the loop renews. Threads: the functions of api::Source from any; the setters from the loop.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/api/source.h"
#include "pkg/control/report_store.h"
#include "pkg/model/rules.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::agent {

class ApiSource : public api::Source {
 public:
  ApiSource(const control::ReportStore& store, api::NodeInfo node) : store_(store), node_(std::move(node)) {}

  api::NodeInfo node() const override;
  std::vector<api::ReportPtr> containers() const override { return store_.all(); }
  api::EventRing& events() override { return events_; }
  // Reads the journal's file, for one caller at a time: it takes the file's size in memory.
  base::Result<std::vector<journal::Record>> history(const journal::HistoryQuery& query) const override;
  base::Result<model::StatsSample> stats(const model::ContainerReport& report) override;
  base::Result<std::vector<model::ContainerReport>> simulate(std::string_view manifest,
                                                             const std::string& ns) const override;
  base::Result<std::vector<api::CgroupTexts>> cgroups(const model::ContainerReport& report,
                                                      const std::vector<std::string>& files,
                                                      bool above) const override;
  base::Result<model::Topology> topology() const override;
  std::vector<api::NamedText> diagnostics() const override;

  // Before the API is served. Without it there is no history.
  void setStateDir(std::string directory) { state_dir_ = std::move(directory); }
  // Before the API is served. Without them cgroups and the topology are not shown.
  void setRoots(sys::HostRoots roots) { roots_ = std::move(roots); }
  void setRuntime(const model::NodeFacts& facts);
  void setRuntimeProblem(std::string problem);
  void setPolicy(const model::NodePolicy& policy);
  void setConfigProblem(std::string problem);
  // Before anybody asks.
  using ReadStats = std::function<base::Result<model::StatsSample>(const model::ContainerReport&)>;
  void setStatsReader(ReadStats read) { read_stats_ = std::move(read); }
  // The metrics as text, and before anybody asks.
  void setMetricsReader(std::function<std::string()> read) { read_metrics_ = std::move(read); }
  void setNetworkReader(std::function<model::NetworkStatus()> read) { read_network_ = std::move(read); }

 private:
  const control::ReportStore& store_;
  api::EventRing events_;
  ReadStats read_stats_;
  std::function<model::NetworkStatus()> read_network_;
  std::function<std::string()> read_metrics_;
  std::string state_dir_;
  sys::HostRoots roots_;
  mutable std::mutex history_mutex_;
  mutable std::mutex mutex_;
  api::NodeInfo node_;  // guarded by mutex_
  // Guarded by mutex_; kept alive by whoever simulates with it while a newer one comes.
  std::shared_ptr<const model::NodePolicy> policy_;
};

}  // namespace plimsoll::agent
