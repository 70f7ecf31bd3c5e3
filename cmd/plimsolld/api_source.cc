#include "cmd/plimsolld/api_source.h"

#include <utility>

namespace plimsoll::agent {

api::NodeInfo ApiSource::node() const {
  std::unique_lock lock(mutex_);
  api::NodeInfo node = node_;
  lock.unlock();
  if (read_network_) node.network = read_network_();
  return node;
}

base::Result<model::StatsSample> ApiSource::stats(const model::ContainerReport& report) {
  return read_stats_ ? read_stats_(report) : api::Source::stats(report);
}

base::Result<std::vector<journal::Record>> ApiSource::history(const journal::HistoryQuery& query) const {
  if (state_dir_.empty()) return Source::history(query);
  std::lock_guard lock(history_mutex_);
  return journal::history(state_dir_, query);
}

void ApiSource::setRuntime(const model::NodeFacts& facts) {
  std::lock_guard lock(mutex_);
  node_.facts = facts;
  node_.runtime_connected = true;
  node_.runtime_problem.clear();
}

void ApiSource::setRuntimeProblem(std::string problem) {
  std::lock_guard lock(mutex_);
  node_.runtime_connected = false;
  node_.runtime_problem = std::move(problem);
}

void ApiSource::setPolicy(const model::NodePolicy& policy) {
  std::lock_guard lock(mutex_);
  node_.config_generation = policy.generation;
  node_.config_problem.clear();
  node_.classes.clear();
  for (const auto& [name, definition] : policy.classes) node_.classes.push_back(name);
  node_.rules = static_cast<int>(policy.rules.size());
}

void ApiSource::setConfigProblem(std::string problem) {
  std::lock_guard lock(mutex_);
  node_.config_problem = std::move(problem);
}

}  // namespace plimsoll::agent
