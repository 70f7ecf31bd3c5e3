// The controller's work that waits: what a list of all containers or a reload brings, and the sweep that
// looks for foreign changes. Both run in slices, so that no event waits long.

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "pkg/control/controller.h"

namespace plimsoll::control {

using Clock = sys::EventLoop::Clock;

void Controller::discovered(std::vector<model::PodFacts> pods,
                            std::vector<model::ContainerFacts> containers) {
  for (model::PodFacts& pod : pods) {
    if (!knowsPod(pod.sandbox_id)) know(std::move(pod));
  }
  for (model::ContainerFacts& facts : containers) {
    std::string id = facts.id;
    auto known = containers_.find(id);
    // Newer runtimes list the values that a plugin asked for at creation, ours too: they are no base to judge
    // by.
    facts.base.unified.clear();
    facts.base.oom_score_adj.reset();
    if (known == containers_.end()) {
      publish(containers_[id], newReport(std::move(facts)));
    } else {
      auto draft = std::make_shared<model::ContainerReport>(*known->second.report);
      draft->container.state = facts.state;
      draft->container.pid = facts.pid;
      // The kubelet may have resized it while nobody listened.
      mergeBase(draft->container.base, facts.base);
      known->second.planned = false;
      publish(known->second, std::move(draft));
    }
    enqueue(id);
  }
}

void Controller::synchronize(std::vector<model::PodFacts> pods,
                             std::vector<model::ContainerFacts> containers) {
  std::unordered_set<std::string> listed;
  for (const model::ContainerFacts& facts : containers) listed.insert(facts.id);
  for (const model::PodFacts& facts : pods) listed.insert(facts.sandbox_id);
  std::erase_if(
      pods_, [&listed](const auto& pod) { return !pod.second.had_container && !listed.contains(pod.first); });
  discovered(std::move(pods), std::move(containers));
  for (auto& [id, entry] : containers_) {
    if (!listed.contains(id)) {
      // Stopped, or in the making while the list was written. The sweep tells which by its cgroup.
      markGone(entry);
    }
  }
  armSweep();
}

void Controller::enqueue(const std::string& id) {
  auto it = containers_.find(id);
  if (it == containers_.end() || it->second.queued) return;
  it->second.queued = true;
  queue_.push_back(id);
  if (!queue_timer_.active()) armQueue();
}

void Controller::armQueue() {
  queue_timer_ = loop_.after(Clock::duration::zero(), [this] { runQueue(); });
}

void Controller::runQueue() {
  Clock::time_point end = Clock::now() + options_.slice;
  while (!queue_.empty() && Clock::now() < end) {
    std::string id = std::move(queue_.front());
    queue_.pop_front();
    auto it = containers_.find(id);
    if (it == containers_.end()) continue;
    it->second.queued = false;
    process(id);
  }
  if (queue_.empty()) {
    queue_timer_.cancel();
  } else {
    armQueue();
  }
}

void Controller::armSweep() {
  using namespace std::chrono;
  nanoseconds distance = options_.sweep_min;
  if (options_.sweep_cpu_share > 0) {
    nanoseconds by_cost(
        static_cast<int64_t>(static_cast<double>(sweep_cost_.count()) / options_.sweep_cpu_share));
    distance = std::clamp<nanoseconds>(by_cost, options_.sweep_min, options_.sweep_max);
  }
  sweep_timer_ = loop_.after(distance, [this] {
    sweep_cost_ = nanoseconds::zero();
    sweep_ids_.clear();
    for (const auto& [id, entry] : containers_) {
      const bool looks = !entry.report->plan.settings.empty() || entry.gone_since || entry.withdraw;
      if (looks) sweep_ids_.push_back(id);
    }
    sweepSlice();
  });
}

void Controller::sweepSlice() {
  Clock::time_point start = Clock::now();
  while (!sweep_ids_.empty() && Clock::now() - start < options_.slice) {
    std::string id = std::move(sweep_ids_.back());
    sweep_ids_.pop_back();
    auto it = containers_.find(id);
    if (it == containers_.end()) continue;
    look(it->second);
  }
  const bool last = sweep_ids_.empty();
  if (last) {
    forget();
    closeRecords();
  }
  sweep_cost_ += Clock::now() - start;
  if (last) return armSweep();
  sweep_timer_ = loop_.after(Clock::duration::zero(), [this] { sweepSlice(); });
}

void Controller::look(Entry& entry) {
  // Between the runtime's two notices of a resize some of our values are taken back on purpose.
  if (entry.recheck.active() && !entry.planned) return;
  if (!entry.handle) {
    auto handle = applier_.open(entry.report->pod, entry.report->container);
    if (!handle) return;
    entry.handle = std::move(*handle);
    // Found after all: whatever could not be done without it is done now.
    enqueue(entry.report->container.id);
  }
  auto draft = std::make_shared<model::ContainerReport>(*entry.report);
  ReportPtr before = entry.report;
  if (applier_.observe(*entry.handle, *draft) == Applier::Outcome::Gone) {
    markGone(entry);
    return;
  }
  entry.gone_since.reset();
  // Tried again what could not be put back.
  if (entry.withdraw) enqueue(entry.report->container.id);
  if (draft->plan.settings.empty()) return;
  settleDrift(entry, *draft, *before);
  applier_.retry(*entry.handle, *draft);
  publish(entry, std::move(draft));
  narrator_.settled(*before, *entry.report);
}

void Controller::forget() {
  Clock::time_point now = Clock::now();
  for (auto it = containers_.begin(); it != containers_.end();) {
    const Entry& entry = it->second;
    bool waited = entry.gone_since && now - *entry.gone_since >= options_.forget_after;
    // Its cgroup may only be where nobody looked for it: a container whose process lives is not forgotten.
    if (!waited || applier_.processLives(entry.report->container)) {
      ++it;
      continue;
    }
    narrator_.gone(*entry.report);
    applier_.forget(*entry.report);
    store_.erase(it->first);
    it = containers_.erase(it);
  }
  std::unordered_set<std::string_view> used;
  for (const auto& [id, entry] : containers_) used.insert(entry.report->container.sandbox_id);
  // One without a container yet may be waiting for an image; its end is told, or shows in the next list.
  std::erase_if(pods_,
                [&used](const auto& pod) { return pod.second.had_container && !used.contains(pod.first); });
}

}  // namespace plimsoll::control
