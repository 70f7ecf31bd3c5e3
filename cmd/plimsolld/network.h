// Traffic control of this node: starts and stops the engine (pkg/netqos) as the configuration says, keeps it
// reconciled, gives control its settings, and shows what it does.
//
// Threads: everything on the loop's, but status() and stats(), which may be called from any. Those wait for
// at most one attachment to a pod.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pkg/config/network.h"
#include "pkg/control/traffic.h"
#include "pkg/model/network_status.h"
#include "pkg/model/plan.h"
#include "pkg/netqos/cgroup_tree.h"
#include "pkg/netqos/engine.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::agent {

class Network final : public control::Traffic {
 public:
  struct Options {
    sys::HostRoots roots;
    std::string bpffs = "/sys/fs/bpf";
    // The engine came or went by itself; plans are to be made anew.
    std::function<void()> changed;
    // There is no engine though one is wanted, or there is one after all. Each told once.
    std::function<void(model::Event)> tell;
  };
  Network(sys::EventLoop& loop, Options options);

  // The first and every later one. Switched off, everything that was attached is taken away.
  void configure(const config::NetworkConfig& config);
  bool wanted() const { return config_.enabled; }
  const std::string& problem() const { return problem_; }  // why there is no engine; empty: there is one

  base::Result<std::unique_ptr<mechanism::Access>> open(const control::TrafficSubject& subject,
                                                        control::TrafficOf of,
                                                        control::TrafficUse use) override;

  // A container is being created whose plan has settings of traffic; `pid` is in its pod's network namespace.
  // Begins with what they need as soon as the loop is free, so that the runtime is answered first.
  void prepare(pid_t pid);

  model::NetworkStatus status() const;
  // nullopt: nothing is asked for it.
  std::optional<model::TrafficStats> stats(const model::ContainerReport& report) const;

 private:
  void start();
  void stop();
  void watch();
  void tick();
  void setProblem(std::string problem);
  void failed(const std::string& problem);

  sys::EventLoop& loop_;
  const Options options_;
  const netqos::CgroupTree tree_;
  mutable std::mutex mutex_;  // the engine takes one caller at a time; written under it, besides:
  config::NetworkConfig config_;
  std::string problem_;
  std::unique_ptr<netqos::Engine> engine_;
  std::vector<pid_t> to_prepare_;
  sys::EventLoop::Handle events_, timer_, prepare_timer_;
};

netqos::LineOptions lineOf(const config::NetworkConfig& config);

// ---- what the engine says, as plain values
model::FlowStats statsOf(const netqos::FlowCounts& counts);
model::NetworkStatus statusOf(const netqos::NodeReport& report);
model::TrafficStats statsOf(const netqos::Counts& counts, const netqos::ModeReport& mode);

}  // namespace plimsoll::agent
