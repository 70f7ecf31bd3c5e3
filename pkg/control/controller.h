// The reconciler: events in, policy asked, plan applied, state kept. The only composer of the mechanisms.
//
// Level-triggered: an event only says "look again", and running twice changes nothing. It answers from
// memory; what needs time (a list of all containers, a reload) is queued and done in slices between events.
// It knows no protocol: cmd/plimsolld turns NRI's messages into these calls.
//
// Threads: everything on the loop's thread. Other threads read ReportStore.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/cgroup/file_watch.h"
#include "pkg/control/applier.h"
#include "pkg/control/create_decision.h"
#include "pkg/control/fights.h"
#include "pkg/control/narrator.h"
#include "pkg/control/report_store.h"
#include "pkg/model/plan.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::control {

class Controller {
 public:
  struct Options {
    // The longest time one slice of queued work may take before events get their turn.
    std::chrono::microseconds slice{2000};
    // Sweeps read back what was set. Their distance follows from their cost, within these bounds.
    std::chrono::milliseconds sweep_min{10'000};
    std::chrono::milliseconds sweep_max{600'000};
    double sweep_cpu_share = 0.0005;
    // How long a container that went away without a word is kept before it is forgotten.
    std::chrono::milliseconds forget_after{60'000};
    // After the runtime announced a resize, how long to wait for its notice that it is done.
    std::chrono::milliseconds resize_recheck{1'000};
    // After somebody wrote to a file of ours, how long to wait for the rest of what he writes.
    std::chrono::milliseconds drift_delay{20};
  };

  // All references outlive this.
  Controller(sys::EventLoop& loop, Options options, Applier& applier, model::NodeFacts node,
             model::NodePolicy policy, ReportStore& store, metrics::Metrics& metrics, EventSink sink);

  // The node's owner changed the rules: every container is planned again.
  void setNodePolicy(model::NodePolicy policy);
  // A runtime is connected; what its NRI can carry may differ from the last one's.
  void setRuntime(const std::string& name, const std::string& version, const std::string& nri_version,
                  std::set<model::Carrier> carriers);
  // Whether the node's owner wants traffic control, and why it cannot be had all the same. In force with the
  // next setNodePolicy().
  void setTraffic(bool wanted, std::string problem) {
    node_.traffic = wanted;
    node_.traffic_problem = std::move(problem);
  }
  const model::NodeFacts& node() const { return node_; }

  // Whether podStarted() was called for this sandbox; if so its facts need not be gathered again.
  bool knowsPod(const std::string& sandbox_id) const {
    auto it = pods_.find(sandbox_id);
    return it != pods_.end() && !it->second.facts.name.empty();
  }
  // Reads its annotations at once, so that the creation of its first container need not.
  void podStarted(model::PodFacts facts);
  void podRemoved(const std::string& sandbox_id);

  // All that runs, as the runtime sees it. Returns at once; the work is queued. What is known and not listed
  // is kept until its cgroup is gone, since one list alone may be wrong.
  void synchronize(std::vector<model::PodFacts> pods, std::vector<model::ContainerFacts> containers);
  // Some that run and that nobody told of; what is not among them stays as it is.
  void discovered(std::vector<model::PodFacts> pods, std::vector<model::ContainerFacts> containers);

  // Whether planning a container of this pod takes its mounts: somebody names a device by path or volume. For
  // a container that runs they are read from its process.
  bool needsMounts(const std::string& sandbox_id) { return namesDevices(podOf(sandbox_id)); }
  bool knowsContainer(const std::string& id) const { return containers_.contains(id); }
  CreateDecision containerCreating(model::ContainerFacts facts);
  // Cgroup and process exist, no user code has run. An error means: it must not start.
  base::Status containerStarting(const std::string& id, int64_t pid, const std::string& cgroups_path);
  // The runtime is about to write the kubelet's new values; `base` holds only what the kubelet changes.
  void containerUpdating(const std::string& id, const model::BaseResources& base);
  void containerUpdated(const std::string& id);
  void containerStopped(const std::string& id);
  void containerRemoved(const std::string& id);

  // Containers with queued work; 0: every container is as it should be, as far as known.
  size_t pending() const { return queue_.size(); }

 private:
  struct Pod {
    model::PodFacts facts;
    std::optional<model::PodIntent> intent;  // parsed when its first container needs it
    bool names_devices = false;              // with the intent
    bool had_container = false;
  };
  struct Entry {
    ReportPtr report;  // published; a change makes a new one
    std::optional<ContainerHandle> handle;
    bool converged = false;  // by this agent, once
    bool planned = false;    // false: plan before converging
    bool withdraw = false;   // what the journal has and the plan does not is to be put back
    bool queued = false;
    bool written = false;  // somebody wrote to a file of ours, and we shall look
    Fights fights;
    std::vector<std::string> watched;  // files
    std::optional<sys::EventLoop::Clock::time_point> gone_since;
    sys::EventLoop::Handle recheck;
  };
  using Draft =
      std::shared_ptr<model::ContainerReport>;  // becomes the entry's and the store's when published

  void know(model::PodFacts facts);
  Pod& podOf(const std::string& sandbox_id);
  bool namesDevices(const Pod& pod) const { return pod.names_devices || policy_names_devices_; }
  Draft newReport(model::ContainerFacts facts);
  static void mergeBase(model::BaseResources& base, const model::BaseResources& change);
  void plan(model::ContainerReport& report, bool keep_states);
  // Plans again what is not planned.
  void replan(Entry& entry, model::ContainerReport& draft);
  void publish(Entry& entry, Draft draft);
  // Told once the answer that is being made is out: the runtime, and every pod start of the node, waits for
  // that.
  void tellLater(ReportPtr report);
  void tellPlans();
  // Brings the kernel to the plan; publishes and tells what changed.
  void converge(Entry& entry, Draft draft, Applier::When when);
  // Opens the container's cgroup; what keeps it from that goes into the report.
  bool hold(Entry& entry, model::ContainerReport& draft);
  void markGone(Entry& entry);
  void process(const std::string& id, Applier::When when = Applier::When::Late);
  void enqueue(const std::string& id);
  void armQueue();
  void runQueue();
  void armSweep();
  void sweepSlice();
  void look(Entry& entry);
  // What to do about each setting that drifted.
  void settleDrift(Entry& entry, model::ContainerReport& draft, const model::ContainerReport& before);
  void somebodyWrote(const std::string& id);
  void watch(Entry& entry);
  void unwatch(Entry& entry);
  void forget();
  // Records of containers and pods that nobody knows any more, and whose place is gone.
  void closeRecords();

  sys::EventLoop& loop_;
  Options options_;
  Applier& applier_;
  model::NodeFacts node_;
  model::NodePolicy policy_;
  bool policy_names_devices_;
  ReportStore& store_;
  metrics::Metrics& metrics_;
  Narrator narrator_;
  std::unique_ptr<cgroup::FileWatch> file_watch_;  // nullptr: not to be had here
  std::unordered_map<std::string, Pod> pods_;
  std::unordered_map<std::string, Entry> containers_;
  std::vector<ReportPtr> untold_;  // plans made, not yet told
  std::deque<std::string> queue_;
  std::vector<std::string> written_;    // containers with files that somebody wrote to
  std::vector<std::string> sweep_ids_;  // still to be looked at in this sweep
  std::chrono::nanoseconds sweep_cost_{0};
  sys::EventLoop::Handle tell_timer_;
  sys::EventLoop::Handle queue_timer_;
  sys::EventLoop::Handle sweep_timer_;
  sys::EventLoop::Handle written_timer_;
};

}  // namespace plimsoll::control
