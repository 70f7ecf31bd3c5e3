#include "cmd/plimsolld/node_audit.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "cmd/plimsolld/nri_handler.h"

namespace plimsoll::agent {

NodeAudit::NodeAudit(sys::EventLoop& loop, Options options, const control::ReportStore& store,
                     cgroup::Hierarchy hierarchy, const sys::HostRoots& roots, Hooks hooks)
    : loop_(loop),
      options_(std::move(options)),
      store_(store),
      hierarchy_(std::move(hierarchy)),
      roots_(roots),
      hooks_(std::move(hooks)) {
  if (options_.cri_socket.empty()) return;
  client_ = std::make_unique<cri::Client>(loop_, cri::ClientOptions{.socket = options_.cri_socket});
  cri::Audited& picture = *this;
  auditor_ = std::make_unique<cri::Auditor>(loop_, *client_, picture, options_.auditor);
}

void NodeAudit::synchronized() {
  if (auditor_) return auditor_->synchronized();
  unknown_.clear();
  lookAtTreeIn(options_.auditor.after_synchronize);
}

void NodeAudit::disconnected() {
  if (auditor_) auditor_->disconnected();
  timer_.cancel();
  tree_.reset();
}

std::vector<std::string> NodeAudit::knownContainers() const {
  std::vector<std::string> ids;
  for (const control::ReportPtr& report : store_.all()) ids.push_back(report->container.id);
  return ids;
}

bool NodeAudit::hasCgroup(const std::string& id) const {
  control::ReportPtr report = store_.find(id);
  // Without a path there is nothing to look for, and what cannot be looked for is kept.
  if (!report || report->cgroup_path.empty()) return true;
  struct stat found {};
  return lstat((roots_.cgroup + report->cgroup_path).c_str(), &found) == 0 || errno != ENOENT;
}

void NodeAudit::missedByRuntime(const std::vector<model::PodFacts>& pods,
                                const std::vector<model::ContainerFacts>& containers) {
  std::map<std::string, const model::PodFacts*> by_sandbox;
  for (const model::PodFacts& pod : pods) by_sandbox[pod.sandbox_id] = &pod;
  for (const model::ContainerFacts& container : containers) {
    auto pod = by_sandbox.find(container.sandbox_id);
    bool has_pod = pod != by_sandbox.end();
    tellMissed(has_pod ? pod->second->ns : "", has_pod ? pod->second->name : "", container.name,
               "it ran without Plimsoll's settings until now: the runtime did not tell of container " +
                   container.id);
  }
  std::vector<model::PodFacts> found = pods;
  for (model::PodFacts& pod : found) pod.qos = qosOfCgroupParent(pod.cgroup_parent);
  hooks_.discovered(std::move(found), containers);
}

void NodeAudit::vanished(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) hooks_.removed(id);
}

void NodeAudit::suspectZombie(std::string_view reason, sys::EventLoop::Clock::time_point created) {
  hooks_.suspect(reason, created);
}

void NodeAudit::tellMissed(const std::string& ns, const std::string& pod, const std::string& container,
                           std::string message) {
  model::Event event;
  event.type = model::Event::Type::Warning;
  event.reason = "MissedByRuntime";
  event.ns = ns;
  event.pod = pod;
  event.container = container;
  event.message = std::move(message);
  hooks_.tell(std::move(event));
}

void NodeAudit::lookAtTreeIn(std::chrono::milliseconds delay) {
  timer_ = loop_.after(delay, [this] { beginTree(); });
}

void NodeAudit::beginTree() {
  cgroup::TreeAudit::Options options;
  options.known = [this](std::string_view found) {
    std::string id(found);
    return knowsContainer(id) || hooks_.knows_pod(id);
  };
  tree_ = std::make_unique<cgroup::TreeAudit>(hierarchy_, roots_, std::move(options));
  stepTree();
}

void NodeAudit::stepTree() {
  if (tree_->step(options_.directories_per_turn)) return judgeTree();
  timer_ = loop_.after(sys::EventLoop::Clock::duration::zero(), [this] { stepTree(); });
}

// Once is not enough: it may be on its way to us. What was seen twice is told once.
void NodeAudit::judgeTree() {
  auto now = sys::EventLoop::Clock::now();
  std::map<std::string, sys::EventLoop::Clock::time_point> unknown;
  std::optional<sys::EventLoop::Clock::time_point> newest;
  bool first_time = false;
  std::string evidence;
  for (const cgroup::FoundContainer& found : tree_->unknown()) {
    auto seen = unknown_.find(found.id);
    bool is_new = seen == unknown_.end();
    first_time = first_time || is_new;
    unknown[found.id] = is_new ? now : seen->second;
    if (is_new || told_.contains(found.id)) continue;
    told_.insert(found.id);
    evidence = "container " + found.id + " runs and was not told";
    newest = seen->second;
    tellMissed("", "", found.id, "the runtime did not tell of the container in " + found.path);
  }
  unknown_ = std::move(unknown);
  std::erase_if(told_, [this](const std::string& id) { return !unknown_.contains(id); });
  tree_.reset();
  lookAtTreeIn(first_time ? options_.auditor.after_synchronize : options_.auditor.interval);
  if (newest) hooks_.suspect(evidence, *newest);
}

}  // namespace plimsoll::agent
