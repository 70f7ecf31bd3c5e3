#include "pkg/netqos/queues.h"

#include <linux/pkt_sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/netqos/place_files.h"
#include "pkg/netqos/queue_kinds.h"

namespace plimsoll::netqos {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using rtnl::Queue;

constexpr std::string_view kMarker = "queue";

uint32_t majorOf(uint32_t handle) { return TC_H_MAJ(handle); }

const Queue* rootOf(const std::vector<Queue>& all, uint32_t ifindex) {
  auto root = std::find_if(all.begin(), all.end(), [ifindex](const Queue& queue) {
    return queue.ifindex == ifindex && queue.parent == TC_H_ROOT;
  });
  return root == all.end() ? nullptr : &*root;
}

bool within(const Queue& queue, const Queue& root) {
  return queue.ifindex == root.ifindex && queue.parent != TC_H_ROOT &&
         majorOf(queue.parent) == majorOf(root.handle);
}

bool holds(const Queue& queue) {
  const QueueKind* kind = queueKind(queue.kind);
  return kind != nullptr && kind->holds(queue.options);
}

std::string markerOf(uint32_t ifindex, const std::string& former) {
  return std::string(kMarker) + "-" + std::to_string(ifindex) + "-" + former;
}

void removeMarkers(const std::string& folder, uint32_t ifindex) {
  for (const QueueMarker& marker : queueMarkers(folder))
    if (marker.ifindex == ifindex) rmdir((folder + "/" + marker.name).c_str());
}

}  // namespace

std::vector<QueueMarker> queueMarkers(const std::string& folder) {
  std::vector<QueueMarker> out;
  for (const std::string& name : namesIn(folder)) {
    const std::vector<std::string_view> parts = base::split(name, '-');
    if (parts.size() != 3 || parts[0] != kMarker) continue;
    if (auto ifindex = base::parseInt<uint32_t>(parts[1]))
      out.push_back({*ifindex, std::string(parts[2]), name});
  }
  return out;
}

bool isOurQueue(const Queue& root, const std::vector<Queue>& all) {
  if (root.handle != kOurQueue) return false;
  if (root.kind != "mq") return holds(root);
  // One that the kernel put there by itself is not somebody's.
  return std::all_of(all.begin(), all.end(), [&root](const Queue& queue) {
    return !within(queue, root) || queue.handle == 0 || holds(queue);
  });
}

Status putBackQueue(const rtnl::Socket& rtnl, const std::string& folder, uint32_t ifindex) {
  ASSIGN_OR_RETURN(const std::vector<Queue> all, rtnl.queues());
  const Queue* root = rootOf(all, ifindex);
  if (root != nullptr && isOurQueue(*root, all)) {
    Status removed = rtnl.removeRootQueue(ifindex, kOurQueue);
    // EINVAL: somebody was quicker, it has another handle by now.
    if (!removed && !removed.error().isGone() && removed.error().sys_errno != EINVAL) return removed;
  }
  removeMarkers(folder, ifindex);
  return base::ok();
}

void Queues::settle(const std::vector<rtnl::Device>& wanted) {
  if (wanted.empty() && states_.empty() && looked_) return;
  auto all = rtnl_.queues();
  if (!all) {
    base::log::warn("Queues cannot be listed", {{"error", all.error().message}});
    return;
  }
  looked_ = true;
  std::set<uint32_t> stale;
  for (const Queue& queue : *all)
    if (queue.parent == TC_H_ROOT && queue.handle == kOurQueue) stale.insert(queue.ifindex);
  for (const QueueMarker& marker : queueMarkers(folder_)) stale.insert(marker.ifindex);
  for (const rtnl::Device& device : wanted) {
    stale.erase(device.ifindex);
    State& state = states_[device.ifindex];
    state.device = device.name;
    settleOne(state, device.ifindex, *all);
  }
  for (uint32_t ifindex : stale) {
    Status back = putBackQueue(rtnl_, folder_, ifindex);
    if (!back) base::log::warn("A queue could not be put back", {{"error", back.error().message}});
  }
  std::erase_if(states_, [&wanted](const auto& entry) {
    return std::none_of(wanted.begin(), wanted.end(),
                        [&entry](const rtnl::Device& device) { return device.ifindex == entry.first; });
  });
}

void Queues::settleOne(State& state, uint32_t ifindex, const std::vector<Queue>& all) {
  const Queue* root = rootOf(all, ifindex);
  if (root == nullptr) {
    state.problem = "the kernel shows no queue there";
    return;
  }
  if (root->handle == kOurQueue) return keep(state, *root, all);
  if (root->handle == 0) return take(state, *root);
  if (state.ours)
    base::log::warn("Somebody else put his queue in the place of ours; it is left to him",
                    {{"device", state.device}, {"queue", root->kind}});
  state.ours = false;
  state.kind = root->kind;
  state.problem = "it is not the kernel's default, so it is somebody's and stays";
  removeMarkers(folder_, ifindex);
}

void Queues::keep(State& state, const Queue& root, const std::vector<Queue>& all) {
  state.kind = root.kind;
  if (!isOurQueue(root, all)) {
    state.ours = false;
    state.problem = "somebody changed the queue that we made; it is his now and stays";
    return;
  }
  state.ours = true;
  for (const QueueMarker& marker : queueMarkers(folder_))
    if (marker.ifindex == root.ifindex) state.former = marker.former;
  Status filled = root.kind == "mq" ? fillLeaves(state, root.ifindex) : base::ok();
  state.problem = filled ? std::string() : filled.error().message;
}

void Queues::take(State& state, const Queue& root) {
  if (root.kind == "noqueue") {
    state.kind = root.kind;
    state.problem = "the device has no queue of its own; name the one below it in network.uplinks";
    return;
  }
  const bool taken_away = state.ours;
  if (taken_away && !mayRepair(state)) return;
  if (state.repairs.standsBack(Repairs::Clock::now())) return;
  state.kind = state.former = root.kind;
  const std::string marker = folder_ + "/" + markerOf(root.ifindex, root.kind);
  if (!folder_.empty() && mkdir(marker.c_str(), 0700) != 0 && errno != EEXIST) {
    state.problem = base::errnoError(errno, "write down what was there as " + marker).value().message;
    return;
  }
  Status filled = fillRoot(state, root);
  state.ours = filled.has_value();
  state.problem = filled ? std::string() : filled.error().message;
  repaired_ += filled && taken_away;
  if (!filled) removeMarkers(folder_, root.ifindex);
}

bool Queues::mayRepair(State& state) {
  const Repairs::Verdict verdict = state.repairs.ask(Repairs::Clock::now());
  if (verdict != Repairs::Verdict::StepBack) return verdict == Repairs::Verdict::Repair;
  state.ours = false;
  state.problem = "somebody else took our queue away " + Repairs::why();
  base::log::warn("Stepped back from a queue that somebody else claims", {{"device", state.device}});
  return false;
}

Status Queues::fillRoot(State& state, const Queue& root) {
  Queue place{.ifindex = root.ifindex, .handle = kOurQueue, .parent = TC_H_ROOT};
  if (root.kind != "mq") return fill(state, place, root.kind);
  place.kind = "mq";
  for (;;) {
    RETURN_IF_ERROR(rtnl_.addQueue(place));
    Status filled = fillLeaves(state, root.ifindex);
    if (filled) return filled;
    (void)rtnl_.removeRootQueue(root.ifindex, kOurQueue);
    // Aborted: by a kind that is tried no more.
    if (filled.error().code != ErrorCode::Aborted) return filled;
  }
}

// One for each of the device's queues; which of them are in use may change with the device.
Status Queues::fillLeaves(State& state, uint32_t ifindex) {
  ASSIGN_OR_RETURN(const std::vector<Queue> all, rtnl_.queues());
  for (const Queue& leaf : all) {
    if (leaf.ifindex != ifindex || majorOf(leaf.parent) != kOurQueue || leaf.handle != 0) continue;
    const uint32_t number = TC_H_MIN(leaf.parent);
    RETURN_IF_ERROR(fill(
        state, {.ifindex = ifindex, .handle = kOurQueue + (number << 16), .parent = leaf.parent}, leaf.kind));
  }
  return base::ok();
}

Status Queues::fill(State& state, Queue place, std::string_view instead_of) {
  while (!kinds_.empty()) {
    Status tried = tryKind(kinds_.front(), place);
    if (tried) state.kind = kinds_.front();
    const bool unknown = !tried && tried.error().sys_errno == ENOENT;
    const bool bandless = !tried && tried.error().code == ErrorCode::Unimplemented;
    if (!unknown && !bandless) return tried;
    kinds_.erase(kinds_.begin());
    // A queue within others goes with their root only.
    if (bandless && place.parent != TC_H_ROOT) return base::error(ErrorCode::Aborted, tried.error().message);
  }
  return base::error(ErrorCode::Unimplemented,
                     "this kernel has none of the queues that serve classes in their order (fq of Linux "
                     "6.7, prio); the default " +
                         std::string(instead_of) + " stays");
}

Status Queues::tryKind(std::string_view name, Queue place) {
  const QueueKind* kind = queueKind(name);
  if (kind == nullptr) return base::invalidArgument("no queue " + std::string(name));
  place.kind = kind->name;
  place.options = kind->options();
  RETURN_IF_ERROR(rtnl_.addQueue(place));
  ASSIGN_OR_RETURN(const std::vector<Queue> all, rtnl_.queues());
  const bool as_made = std::any_of(all.begin(), all.end(), [&](const Queue& queue) {
    return queue.ifindex == place.ifindex && queue.handle == place.handle && holds(queue);
  });
  if (!as_made) {
    if (place.parent == TC_H_ROOT) (void)rtnl_.removeRootQueue(place.ifindex, place.handle);
    return base::error(ErrorCode::Unimplemented, "this kernel's " + place.kind + " knows no bands");
  }
  // A kernel without fq_codel leaves each band its plain queue.
  for (uint32_t band = 1; band <= kind->bands; ++band)
    (void)rtnl_.addQueue({.ifindex = place.ifindex, .parent = place.handle | band, .kind = "fq_codel"});
  return base::ok();
}

std::vector<Finding> Queues::findings() const {
  std::vector<Finding> out;
  for (const auto& [ifindex, state] : states_) {
    std::string means = state.problem;
    if (state.ours && means.empty()) {
      means = "ours, in the place of the kernel's " + (state.former.empty() ? "default" : state.former) +
              ", which it becomes again when network.manageQdisc goes";
    }
    out.push_back({"queue " + state.kind, state.device, means});
  }
  return out;
}

}  // namespace plimsoll::netqos
