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
  base::Result<model::StatsSample> stats(const model::ContainerReport& report) override;

  void setRuntime(const model::NodeFacts& facts);
  void setRuntimeProblem(std::string problem);
  void setPolicy(const model::NodePolicy& policy);
  void setConfigProblem(std::string problem);
  // Before anybody asks.
  using ReadStats = std::function<base::Result<model::StatsSample>(const model::ContainerReport&)>;
  void setStatsReader(ReadStats read) { read_stats_ = std::move(read); }

 private:
  const control::ReportStore& store_;
  api::EventRing events_;
  ReadStats read_stats_;
  mutable std::mutex mutex_;
  api::NodeInfo node_;  // guarded by mutex_
};

}  // namespace plimsoll::agent
