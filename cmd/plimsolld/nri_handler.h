// NRI's messages turned into the controller's calls, and its decisions into NRI's answers. No decision is
// made here. Threads: the loop's.
#pragma once

#include <functional>

#include "pkg/control/controller.h"
#include "pkg/nri/handler.h"

namespace plimsoll::agent {

model::PodFacts podFacts(const nri::api::PodSandbox& pod);
// Without the mounts, which few containers need and all have many of.
model::ContainerFacts containerFacts(const nri::api::Container& container);
void addMounts(model::ContainerFacts& facts, const nri::api::Container& container);
// What a resize changes: NRI shows every field, and 0 where the kubelet set nothing.
model::BaseResources resizedResources(const nri::api::LinuxResources& resources);
nri::api::CreateContainerResponse adjustment(const control::CreateDecision& decision);
// The kubelet puts each QoS class under its own cgroup; pods outside kubepods count as best effort.
model::QosClass qosOfCgroupParent(std::string_view cgroup_parent);

class NriHandler : public nri::Handler {
 public:
  // For whoever shows the connection's state; each may be empty.
  struct Notices {
    std::function<void()> connected;  // events are flowing
    std::function<void(std::string_view reason)> disconnected;
  };

  NriHandler(control::Controller& controller, Notices notices)
      : controller_(controller), notices_(std::move(notices)) {}

  nri::EventMask configure(const nri::RuntimeInfo& runtime) override;
  nri::Result<std::vector<nri::api::ContainerUpdate>> synchronize(const nri::Snapshot& snapshot,
                                                                  const nri::CallInfo& call) override;
  void connected() override;
  void disconnected(std::string_view reason) override;
  // The event itself follows, so that the container converges all the same; here it is only told.
  void missed(nri::Event event, const nri::api::PodSandbox& pod, const nri::api::Container& container,
              std::chrono::nanoseconds waited) override;
  nri::Status runPodSandbox(const nri::api::PodSandbox& pod) override;
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
  nri::Status removePodSandbox(const nri::api::PodSandbox& pod) override;
  nri::Status postUpdateContainer(const nri::api::PodSandbox& pod,
                                  const nri::api::Container& container) override;
  nri::Status removeContainer(const nri::api::PodSandbox& pod, const nri::api::Container& container) override;

 private:
  // A pod is told once; its annotations do not change in the runtime.
  void learnPod(const nri::api::PodSandbox& pod);

  control::Controller& controller_;
  Notices notices_;
};

}  // namespace plimsoll::agent
