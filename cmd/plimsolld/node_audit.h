// Looks after the fact for what the runtime did not tell: by CRI where a socket is given, by the cgroup tree
// where none is. Joins pkg/cri and pkg/cgroup with the agent's picture of the node; decides nothing itself.
// Threads: the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/cgroup/audit.h"
#include "pkg/control/report_store.h"
#include "pkg/cri/auditor.h"

namespace plimsoll::agent {

class NodeAudit final : private cri::Audited {
 public:
  struct Hooks {
    std::function<bool(const std::string& sandbox_id)> knows_pod;
    // Containers that run and that nobody told us of, with their pods; qos is worked out already.
    std::function<void(std::vector<model::PodFacts>, std::vector<model::ContainerFacts>)> discovered;
    // No list has it, and it has no cgroup.
    std::function<void(const std::string& id)> removed;
    std::function<void(model::Event)> tell;
    // nri::Plugin::suspectZombie().
    std::function<bool(std::string_view reason, sys::EventLoop::Clock::time_point happened)> suspect;
  };
  struct Options {
    std::string cri_socket;  // empty: the cgroup tree
    cri::Auditor::Options auditor;
    size_t directories_per_turn = 64;
  };

  // The store and the roots must outlive it.
  NodeAudit(sys::EventLoop& loop, Options options, const control::ReportStore& store,
            cgroup::Hierarchy hierarchy, const sys::HostRoots& roots, Hooks hooks);

  // From NRI: the list was taken in; the link is lost.
  void synchronized();
  void disconnected();

  // nullptr without a CRI socket.
  const cri::Auditor::Stats* criStats() const { return auditor_ ? &auditor_->stats() : nullptr; }

 private:
  bool knowsContainer(const std::string& id) const override { return store_.find(id) != nullptr; }
  std::vector<std::string> knownContainers() const override;
  bool hasCgroup(const std::string& id) const override;
  void missedByRuntime(const std::vector<model::PodFacts>& pods,
                       const std::vector<model::ContainerFacts>& containers) override;
  void vanished(const std::vector<std::string>& ids) override;
  void suspectZombie(std::string_view reason, sys::EventLoop::Clock::time_point created) override;

  void lookAtTreeIn(std::chrono::milliseconds delay);
  void beginTree();
  void stepTree();
  void judgeTree();
  void tellMissed(const std::string& ns, const std::string& pod, const std::string& container,
                  std::string message);

  sys::EventLoop& loop_;
  Options options_;
  const control::ReportStore& store_;
  cgroup::Hierarchy hierarchy_;
  const sys::HostRoots& roots_;
  Hooks hooks_;
  std::unique_ptr<cri::Client> client_;
  std::unique_ptr<cri::Auditor> auditor_;
  // Without CRI. What the tree had that we do not know, and since when we see it.
  std::unique_ptr<cgroup::TreeAudit> tree_;
  std::map<std::string, sys::EventLoop::Clock::time_point> unknown_;
  std::set<std::string> told_;  // of these, those that were told
  sys::EventLoop::Handle timer_;
};

}  // namespace plimsoll::agent
