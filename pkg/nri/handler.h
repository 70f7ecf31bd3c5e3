// What a plugin does with NRI's events. Derive from Handler, override what you need, give it to a Plugin
// (plugin.h).
//
// Calls come on the event loop's thread, one at a time, and answer at once, from memory. The runtime holds a
// lock of the whole node until the answer is there: a handler's time is every pod's start time, and an answer
// later than the runtime's time-out (2 s) costs the connection while the pod goes on without us. Messages are
// the caller's and end with the call.
//
// What an error does differs by event and is the runtime's decision; it stands at each function.
#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/nri/events.h"
#include "pkg/nri/runtime_info.h"
#include "proto/nri/v1alpha1/nri.pb.h"

namespace plimsoll::nri {

using base::Result;
using base::Status;

struct CallInfo {
  std::chrono::steady_clock::time_point received;  // when the request was complete
  std::chrono::nanoseconds budget{0};  // what the runtime gives us from then on; 0: it did not say

  // What is left of the budget; the largest duration if there is none. Negative when overdue.
  std::chrono::nanoseconds remaining() const;
};

// Everything the runtime has at the time of registration. Containers that are being created right now may be
// missing: never take a pod for gone because it is not here.
struct Snapshot {
  std::span<const api::PodSandbox* const> pods;
  std::span<const api::Container* const> containers;
};

class Handler {
 public:
  virtual ~Handler() = default;

  // The runtime knows us. Returns the events to send; those this runtime does not have are taken off. An
  // empty set would mean "all" to NRI, so an empty set here asks for RemovePodSandbox, the rarest.
  virtual EventMask configure(const RuntimeInfo& runtime);

  // All pods and containers, after registration and after each reconnection. May change running containers.
  // An error is logged and answered as "no updates": a failed Synchronize can leave a dead link behind.
  virtual Result<std::vector<api::ContainerUpdate>> synchronize(const Snapshot& snapshot,
                                                                const CallInfo& call);

  // Events are sent from now on, until disconnected(). `reason` is a sentence for a log.
  virtual void connected() {}
  virtual void disconnected(std::string_view reason);
  // The runtime says that it ends (containerd never does).
  virtual void shutdown() {}

  // A request waited for us for more than half of the runtime's time-out, so it was answered with nothing at
  // once. The event's own function is called right after this, with nobody waiting for what it returns: a
  // creation went on without an adjustment, a start was not refused.
  virtual void missed(Event event, const api::PodSandbox& pod, const api::Container& container,
                      std::chrono::nanoseconds waited);

  // An error fails the operation, with its message in the runtime's error. No container process exists yet.
  virtual Result<api::CreateContainerResponse> createContainer(const api::PodSandbox& pod,
                                                               const api::Container& container,
                                                               const CallInfo& call);

  // An error fails the kubelet's update. An answer with an update for this container replaces the kubelet's
  // whole request, so answer without one if nothing is to change. `resources`: 0 means the kubelet set
  // nothing.
  virtual Result<api::UpdateContainerResponse> updateContainer(const api::PodSandbox& pod,
                                                               const api::Container& container,
                                                               const api::LinuxResources& resources,
                                                               const CallInfo& call);

  // The container is dead already; others may be updated. Its errors are logged here and answered as "no
  // updates".
  virtual Result<api::StopContainerResponse> stopContainer(const api::PodSandbox& pod,
                                                           const api::Container& container,
                                                           const CallInfo& call);

  // The cgroup and the process exist, its first instruction has not run. An error fails the start.
  virtual Status startContainer(const api::PodSandbox& pod, const api::Container& container);

  // NRI 0.10 and later; `request.adjust` is the sum of all plugins. An error or `reject` fails the creation,
  // and so does being late or gone: alone among the events, this one fails closed (seen with NRI 0.12.2). Ask
  // for it only if that is what you want.
  virtual Result<api::ValidateContainerAdjustmentResponse> validateContainerAdjustment(
      const api::ValidateContainerAdjustmentRequest& request, const CallInfo& call);

  // An error fails the kubelet's pod resize. NRI 0.10 and later, containerd 2.3 and later.
  virtual Status updatePodSandbox(const api::UpdatePodSandboxRequest& request);

  // An error is logged here and never sent: some releases of containerd leak a record that keeps them from
  // starting again (containerd#13609).
  virtual Status runPodSandbox(const api::PodSandbox& pod);

  // Notices. An error is logged here and not sent: the runtime would only log it, and plugins behind us would
  // never hear of the event.
  virtual Status stopPodSandbox(const api::PodSandbox& pod);
  virtual Status removePodSandbox(const api::PodSandbox& pod);
  virtual Status postUpdatePodSandbox(const api::PodSandbox& pod);
  virtual Status postCreateContainer(const api::PodSandbox& pod, const api::Container& container);
  virtual Status postStartContainer(const api::PodSandbox& pod, const api::Container& container);
  virtual Status postUpdateContainer(const api::PodSandbox& pod, const api::Container& container);
  virtual Status removeContainer(const api::PodSandbox& pod, const api::Container& container);
};

}  // namespace plimsoll::nri
