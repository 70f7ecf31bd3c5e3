#include "cmd/plimsolld/observed_handler.h"

#include <utility>

namespace plimsoll::agent {

namespace api = nri::api;
using metrics::NriRequest;

template <typename Run>
auto ObservedHandler::observed(NriRequest request, Run run) {
  struct Scope {
    ObservedHandler& handler;
    NriRequest request;
    metrics::Stopwatch watch;
    ~Scope() {
      handler.metrics_.nriRequest(request, watch.elapsed());
      handler.state_.handlerLeft();
    }
  };
  // The names are string literals.
  state_.handlerEntered(metrics::nriRequestName(request).data(), budget_);
  const Scope scope{*this, request, {}};
  return run();
}

nri::EventMask ObservedHandler::configure(const nri::RuntimeInfo& runtime) {
  budget_ = runtime.request_timeout.value_or(kDefaultBudget);
  return NriHandler::configure(runtime);
}

nri::Result<std::vector<api::ContainerUpdate>> ObservedHandler::synchronize(const nri::Snapshot& snapshot,
                                                                            const nri::CallInfo& call) {
  return observed(NriRequest::Synchronize, [&] { return NriHandler::synchronize(snapshot, call); });
}

nri::Result<api::CreateContainerResponse> ObservedHandler::createContainer(const api::PodSandbox& pod,
                                                                           const api::Container& container,
                                                                           const nri::CallInfo& call) {
  return observed(NriRequest::CreateContainer, [&] {
    auto answer = NriHandler::createContainer(pod, container, call);
    if (answer && created_) created_(container.id(), pod.pid());
    return answer;
  });
}

nri::Result<api::UpdateContainerResponse> ObservedHandler::updateContainer(
    const api::PodSandbox& pod, const api::Container& container, const api::LinuxResources& resources,
    const nri::CallInfo& call) {
  return observed(NriRequest::UpdateContainer,
                  [&] { return NriHandler::updateContainer(pod, container, resources, call); });
}

nri::Result<api::StopContainerResponse> ObservedHandler::stopContainer(const api::PodSandbox& pod,
                                                                       const api::Container& container,
                                                                       const nri::CallInfo& call) {
  return observed(NriRequest::StopContainer, [&] { return NriHandler::stopContainer(pod, container, call); });
}

nri::Status ObservedHandler::startContainer(const api::PodSandbox& pod, const api::Container& container) {
  return observed(NriRequest::StartContainer, [&] { return NriHandler::startContainer(pod, container); });
}

nri::Status ObservedHandler::runPodSandbox(const api::PodSandbox& pod) {
  return observed(NriRequest::RunPodSandbox, [&] { return NriHandler::runPodSandbox(pod); });
}

nri::Status ObservedHandler::stopPodSandbox(const api::PodSandbox& pod) {
  return observed(NriRequest::StopPodSandbox, [&] { return NriHandler::stopPodSandbox(pod); });
}

nri::Status ObservedHandler::removePodSandbox(const api::PodSandbox& pod) {
  return observed(NriRequest::RemovePodSandbox, [&] { return NriHandler::removePodSandbox(pod); });
}

nri::Status ObservedHandler::postUpdateContainer(const api::PodSandbox& pod,
                                                 const api::Container& container) {
  return observed(NriRequest::PostUpdateContainer,
                  [&] { return NriHandler::postUpdateContainer(pod, container); });
}

nri::Status ObservedHandler::removeContainer(const api::PodSandbox& pod, const api::Container& container) {
  return observed(NriRequest::RemoveContainer, [&] { return NriHandler::removeContainer(pod, container); });
}

}  // namespace plimsoll::agent
