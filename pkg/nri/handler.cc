#include "pkg/nri/handler.h"

namespace plimsoll::nri {

std::chrono::nanoseconds CallInfo::remaining() const {
  if (budget.count() <= 0) return std::chrono::nanoseconds::max();
  return budget - (std::chrono::steady_clock::now() - received);
}

EventMask Handler::configure(const RuntimeInfo&) { return {}; }

Result<std::vector<api::ContainerUpdate>> Handler::synchronize(const Snapshot&, const CallInfo&) {
  return std::vector<api::ContainerUpdate>{};
}

void Handler::disconnected(std::string_view) {}
void Handler::missed(Event, const api::PodSandbox&, const api::Container&, std::chrono::nanoseconds) {}

Result<api::CreateContainerResponse> Handler::createContainer(const api::PodSandbox&, const api::Container&,
                                                              const CallInfo&) {
  return api::CreateContainerResponse{};
}

Result<api::UpdateContainerResponse> Handler::updateContainer(const api::PodSandbox&, const api::Container&,
                                                              const api::LinuxResources&, const CallInfo&) {
  return api::UpdateContainerResponse{};
}

Result<api::StopContainerResponse> Handler::stopContainer(const api::PodSandbox&, const api::Container&,
                                                          const CallInfo&) {
  return api::StopContainerResponse{};
}

Status Handler::startContainer(const api::PodSandbox&, const api::Container&) { return base::ok(); }

Result<api::ValidateContainerAdjustmentResponse> Handler::validateContainerAdjustment(
    const api::ValidateContainerAdjustmentRequest&, const CallInfo&) {
  return api::ValidateContainerAdjustmentResponse{};
}

Status Handler::updatePodSandbox(const api::UpdatePodSandboxRequest&) { return base::ok(); }
Status Handler::runPodSandbox(const api::PodSandbox&) { return base::ok(); }
Status Handler::stopPodSandbox(const api::PodSandbox&) { return base::ok(); }
Status Handler::removePodSandbox(const api::PodSandbox&) { return base::ok(); }
Status Handler::postUpdatePodSandbox(const api::PodSandbox&) { return base::ok(); }
Status Handler::postCreateContainer(const api::PodSandbox&, const api::Container&) { return base::ok(); }
Status Handler::postStartContainer(const api::PodSandbox&, const api::Container&) { return base::ok(); }
Status Handler::postUpdateContainer(const api::PodSandbox&, const api::Container&) { return base::ok(); }
Status Handler::removeContainer(const api::PodSandbox&, const api::Container&) { return base::ok(); }

}  // namespace plimsoll::nri
