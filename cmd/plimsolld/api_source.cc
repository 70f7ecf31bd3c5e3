#include "cmd/plimsolld/api_source.h"

#include <utility>

#include "cmd/plimsolld/simulate.h"
#include "cmd/plimsolld/tree.h"
#include "pkg/sys/file.h"
#include "pkg/topology/read.h"

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

base::Result<std::vector<model::ContainerReport>> ApiSource::simulate(std::string_view manifest,
                                                                      const std::string& ns) const {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<const model::NodePolicy> policy = policy_;
  const model::NodeFacts facts = node_.facts;
  lock.unlock();
  if (!policy) return Source::simulate(manifest, ns);
  return agent::simulate(manifest, ns, *policy, facts);
}

base::Result<std::vector<api::CgroupTexts>> ApiSource::cgroups(const model::ContainerReport& report,
                                                               const std::vector<std::string>& files,
                                                               bool above) const {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::open(roots_));
  return readTree(hierarchy, report.cgroup_path, files, above);
}

base::Result<model::Topology> ApiSource::topology() const { return topology::readTopology(roots_.sys); }

std::vector<api::NamedText> ApiSource::diagnostics() const {
  std::vector<api::NamedText> texts;
  if (read_metrics_) texts.push_back({"metrics.txt", read_metrics_(), ""});
  const std::string file = node().config_file;
  if (file.empty()) return texts;
  auto config = sys::readFile(file);
  if (config) {
    texts.push_back({"config.yaml", std::move(*config), ""});
  } else {
    texts.push_back({"config.yaml", "", config.error().message});
  }
  return texts;
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
  auto copy = std::make_shared<const model::NodePolicy>(policy);
  std::lock_guard lock(mutex_);
  policy_ = std::move(copy);
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
