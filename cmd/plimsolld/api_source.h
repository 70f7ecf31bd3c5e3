// What the agent's API shows: the controller's published reports, the events, and a copy of the node's facts
// that the loop renews. Threads: the functions of api::Source from any; the setters from the loop.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/api/source.h"
#include "pkg/control/report_store.h"
#include "pkg/model/rules.h"

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

  // Before the API is served. Without it there is no history.
  void setStateDir(std::string directory) { state_dir_ = std::move(directory); }
  void setRuntime(const model::NodeFacts& facts);
  void setRuntimeProblem(std::string problem);
  void setPolicy(const model::NodePolicy& policy);
  void setConfigProblem(std::string problem);
  // Before anybody asks.
  using ReadStats = std::function<base::Result<model::StatsSample>(const model::ContainerReport&)>;
  void setStatsReader(ReadStats read) { read_stats_ = std::move(read); }
  void setNetworkReader(std::function<model::NetworkStatus()> read) { read_network_ = std::move(read); }

 private:
  const control::ReportStore& store_;
  api::EventRing events_;
  ReadStats read_stats_;
  std::function<model::NetworkStatus()> read_network_;
  std::string state_dir_;
  mutable std::mutex history_mutex_;
  mutable std::mutex mutex_;
  api::NodeInfo node_;  // guarded by mutex_
};

}  // namespace plimsoll::agent
