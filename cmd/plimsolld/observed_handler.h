// The NRI handler, measured: how long each request took, and whether one is being handled right now, for
// metrics and health. Threads: the loop's.
#pragma once

#include <functional>
#include <string>

#include "cmd/plimsolld/nri_handler.h"
#include "pkg/health/agent_state.h"
#include "pkg/metrics/metrics.h"

namespace plimsoll::agent {

class ObservedHandler : public NriHandler {
 public:
  // A container was accepted, and will start soon; the pid is its sandbox's, 0: not known.
  using Created = std::function<void(const std::string& container_id, int64_t sandbox_pid)>;
  ObservedHandler(control::Controller& controller, Notices notices, metrics::Metrics& metrics,
                  health::AgentState& state, Created created)
      : NriHandler(controller, std::move(notices)),
        metrics_(metrics),
        state_(state),
        created_(std::move(created)) {}

  nri::EventMask configure(const nri::RuntimeInfo& runtime) override;
  nri::Result<std::vector<nri::api::ContainerUpdate>> synchronize(const nri::Snapshot& snapshot,
                                                                  const nri::CallInfo& call) override;
  nri::Result<nri::api::CreateContainerResponse> createContainer(const nri::api::PodSandbox& pod,
                                                                 const nri::api::Container& container,
                                                                 const nri::CallInfo& call) override;
  nri::Result<nri::api::UpdateContainerResponse> updateContainer(const nri::api::PodSandbox& pod,
                                                                 const nri::api::Container& container,
                                                                 const nri::api::LinuxResources& resources,
                                                                 const nri::CallInfo& call) override;
  nri::Result<nri::api::StopContainerResponse> stopContainer(const nri::api::PodSandbox& pod,
                                                             const nri::api::Container& container,
                                                             const nri::CallInfo& call) override;
  nri::Status startContainer(const nri::api::PodSandbox& pod, const nri::api::Container& container) override;
  nri::Status runPodSandbox(const nri::api::PodSandbox& pod) override;
  nri::Status stopPodSandbox(const nri::api::PodSandbox& pod) override;
  nri::Status removePodSandbox(const nri::api::PodSandbox& pod) override;
  nri::Status postUpdateContainer(const nri::api::PodSandbox& pod,
                                  const nri::api::Container& container) override;
  nri::Status removeContainer(const nri::api::PodSandbox& pod, const nri::api::Container& container) override;

 private:
  // What runtimes give where they do not say (containerd and CRI-O, both).
  static constexpr std::chrono::milliseconds kDefaultBudget{2000};

  template <typename Run>
  auto observed(metrics::NriRequest request, Run run);

  metrics::Metrics& metrics_;
  health::AgentState& state_;
  Created created_;
  std::chrono::nanoseconds budget_{kDefaultBudget};
};

}  // namespace plimsoll::agent
