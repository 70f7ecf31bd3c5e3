#include "cmd/plimsolld/nri_handler.h"

#include <utility>

#include "pkg/base/log.h"

namespace plimsoll::agent {
namespace {

namespace api = nri::api;
namespace log = base::log;

// Only these can matter to us; the rest is other people's and not kept.
bool keepAnnotation(std::string_view key) {
  return key.find("plimsol") != std::string_view::npos || key.ends_with("gress-bandwidth");
}

model::StringMap labelsOf(const google::protobuf::Map<std::string, std::string>& labels) {
  return {labels.begin(), labels.end()};
}

bool hasOwn(const api::PodSandbox& pod, std::string_view type) {
  for (const api::LinuxNamespace& ns : pod.linux().namespaces()) {
    if (ns.type() == type) return true;
  }
  return false;
}

// What this runtime honours in a creation request, of that which not every one does.
std::set<model::Carrier> carriersOf(const nri::RuntimeInfo& runtime) {
  constexpr std::pair<nri::Feature, model::Carrier> kCarriers[] = {
      {nri::Feature::OomScoreAdj, model::Carrier::OomScoreAdj},
      {nri::Feature::Sysctl, model::Carrier::Sysctl},
      {nri::Feature::IoPriority, model::Carrier::IoPriority},
      {nri::Feature::Scheduler, model::Carrier::Scheduler},
      {nri::Feature::Seccomp, model::Carrier::Seccomp},
      {nri::Feature::Namespaces, model::Carrier::Namespace},
  };
  std::set<model::Carrier> carriers;
  for (const auto& [feature, carrier] : kCarriers) {
    if (runtime.supports(feature)) carriers.insert(carrier);
  }
  return carriers;
}

model::ContainerState stateOf(api::ContainerState state) {
  switch (state) {
    case api::CONTAINER_CREATED:
      return model::ContainerState::Created;
    case api::CONTAINER_PAUSED:
      return model::ContainerState::Paused;
    case api::CONTAINER_RUNNING:
      return model::ContainerState::Running;
    case api::CONTAINER_STOPPED:
      return model::ContainerState::Stopped;
    default:
      return model::ContainerState::Unknown;
  }
}

model::BaseResources baseResources(const api::LinuxResources& resources) {
  model::BaseResources base;
  const api::LinuxCPU& cpu = resources.cpu();
  if (cpu.has_shares()) base.cpu_shares = cpu.shares().value();
  if (cpu.has_quota()) base.cpu_quota_us = cpu.quota().value();
  if (cpu.has_period()) base.cpu_period_us = cpu.period().value();
  base.cpuset_cpus = cpu.cpus();
  base.cpuset_mems = cpu.mems();
  if (resources.memory().has_limit()) base.memory_limit = resources.memory().limit().value();
  if (resources.has_pids()) base.pids_limit = resources.pids().limit();
  base.unified = labelsOf(resources.unified());
  return base;
}

template <typename T>
void dropZero(std::optional<T>& value) {
  if (value == T{0}) value.reset();
}

}  // namespace

model::QosClass qosOfCgroupParent(std::string_view cgroup_parent) {
  if (cgroup_parent.find("kubepods") == std::string_view::npos) return model::QosClass::BestEffort;
  if (cgroup_parent.find("besteffort") != std::string_view::npos) return model::QosClass::BestEffort;
  if (cgroup_parent.find("burstable") != std::string_view::npos) return model::QosClass::Burstable;
  return model::QosClass::Guaranteed;
}

model::PodFacts podFacts(const api::PodSandbox& pod) {
  model::PodFacts facts;
  facts.sandbox_id = pod.id();
  facts.name = pod.name();
  facts.ns = pod.namespace_();
  facts.uid = pod.uid();
  facts.labels = labelsOf(pod.labels());
  for (const auto& [key, value] : pod.annotations()) {
    if (keepAnnotation(key)) facts.annotations.emplace(key, value);
  }
  facts.cgroup_parent = pod.linux().cgroup_parent();
  facts.qos = qosOfCgroupParent(facts.cgroup_parent);
  facts.host_network = !hasOwn(pod, "network");
  facts.host_ipc = !hasOwn(pod, "ipc");
  facts.sandbox_pid = pod.pid();
  return facts;
}

model::ContainerFacts containerFacts(const api::Container& container) {
  model::ContainerFacts facts;
  facts.id = container.id();
  facts.name = container.name();
  facts.sandbox_id = container.pod_sandbox_id();
  facts.state = stateOf(container.state());
  facts.cgroups_path = container.linux().cgroups_path();
  facts.pid = container.pid();
  facts.base = baseResources(container.linux().resources());
  if (container.linux().has_oom_score_adj())
    facts.base.oom_score_adj = container.linux().oom_score_adj().value();
  return facts;
}

void addMounts(model::ContainerFacts& facts, const api::Container& container) {
  facts.mounts.reserve(static_cast<size_t>(container.mounts_size()));
  for (const api::Mount& mount : container.mounts()) {
    facts.mounts.push_back({mount.destination(), mount.source(), mount.type()});
  }
}

model::BaseResources resizedResources(const api::LinuxResources& resources) {
  model::BaseResources base = baseResources(resources);
  dropZero(base.cpu_shares);
  dropZero(base.cpu_quota_us);
  dropZero(base.cpu_period_us);
  dropZero(base.memory_limit);
  dropZero(base.pids_limit);
  return base;
}

nri::EventMask NriHandler::configure(const nri::RuntimeInfo& runtime) {
  controller_.setRuntime(runtime.name, runtime.version, nri::toString(runtime.level), carriersOf(runtime));
  log::info("Registered with the runtime",
            {{"runtime", runtime.name}, {"version", runtime.version}, {"nri", nri::toString(runtime.level)}});
  using nri::Event;
  // As few as will do: every event is a round trip that the whole node's container starts wait for.
  return {Event::RunPodSandbox, Event::CreateContainer,     Event::StartContainer,  Event::UpdateContainer,
          Event::StopContainer, Event::PostUpdateContainer, Event::RemoveContainer, Event::RemovePodSandbox};
}

nri::Result<std::vector<api::ContainerUpdate>> NriHandler::synchronize(const nri::Snapshot& snapshot,
                                                                       const nri::CallInfo&) {
  std::vector<model::PodFacts> pods;
  pods.reserve(snapshot.pods.size());
  for (const api::PodSandbox* pod : snapshot.pods) pods.push_back(podFacts(*pod));
  std::vector<model::ContainerFacts> containers;
  containers.reserve(snapshot.containers.size());
  for (const api::Container* container : snapshot.containers)
    containers.push_back(containerFacts(*container));
  log::info("Synchronising with the runtime", {{"pods", pods.size()}, {"containers", containers.size()}});
  controller_.synchronize(std::move(pods), std::move(containers));
  return std::vector<api::ContainerUpdate>{};
}

void NriHandler::connected() {
  log::info("Events are flowing");
  if (notices_.connected) notices_.connected();
}

void NriHandler::disconnected(std::string_view reason) {
  log::warn("Lost the runtime; containers keep their settings", {{"reason", reason}});
  if (notices_.disconnected) notices_.disconnected(reason);
}

void NriHandler::missed(nri::Event event, const api::PodSandbox& pod, const api::Container& container,
                        std::chrono::nanoseconds waited) {
  log::warn("Too busy to answer in time; the runtime went on without us, and we look after it now",
            {{"event", nri::eventName(event)},
             {"pod", pod.namespace_() + "/" + pod.name()},
             {"container", container.name()},
             {"waited_ms", std::chrono::duration_cast<std::chrono::milliseconds>(waited).count()}});
}

void NriHandler::learnPod(const api::PodSandbox& pod) {
  if (!controller_.knowsPod(pod.id())) controller_.podStarted(podFacts(pod));
}

nri::Status NriHandler::runPodSandbox(const api::PodSandbox& pod) {
  // Also so that a pod which waits for its image is not taken for one that nobody told of.
  learnPod(pod);
  return base::ok();
}

nri::Result<api::CreateContainerResponse> NriHandler::createContainer(const api::PodSandbox& pod,
                                                                      const api::Container& container,
                                                                      const nri::CallInfo&) {
  learnPod(pod);
  model::ContainerFacts facts = containerFacts(container);
  // CRI-O leaves these empty at creation.
  if (facts.sandbox_id.empty()) facts.sandbox_id = pod.id();
  if (controller_.needsMounts(pod.id())) addMounts(facts, container);
  control::CreateDecision decision = controller_.containerCreating(std::move(facts));
  if (decision.rejection) return base::error(base::ErrorCode::FailedPrecondition, *decision.rejection);
  return adjustment(decision);
}

nri::Status NriHandler::startContainer(const api::PodSandbox& pod, const api::Container& container) {
  if (!controller_.knowsContainer(container.id())) {
    // Created while we were away. Too late to carry anything; all of it is written now.
    learnPod(pod);
    controller_.containerCreating(containerFacts(container));
  }
  return controller_.containerStarting(container.id(), container.pid(), container.linux().cgroups_path());
}

nri::Result<api::UpdateContainerResponse> NriHandler::updateContainer(const api::PodSandbox&,
                                                                      const api::Container& container,
                                                                      const api::LinuxResources& resources,
                                                                      const nri::CallInfo&) {
  controller_.containerUpdating(container.id(), resizedResources(resources));
  // No update of ours in the answer: containerd would replace the kubelet's whole request by it.
  return api::UpdateContainerResponse{};
}

nri::Status NriHandler::postUpdateContainer(const api::PodSandbox&, const api::Container& container) {
  controller_.containerUpdated(container.id());
  return base::ok();
}

nri::Result<api::StopContainerResponse> NriHandler::stopContainer(const api::PodSandbox&,
                                                                  const api::Container& container,
                                                                  const nri::CallInfo&) {
  controller_.containerStopped(container.id());
  return api::StopContainerResponse{};
}

nri::Status NriHandler::removeContainer(const api::PodSandbox&, const api::Container& container) {
  controller_.containerRemoved(container.id());
  return base::ok();
}

nri::Status NriHandler::removePodSandbox(const api::PodSandbox& pod) {
  controller_.podRemoved(pod.id());
  return base::ok();
}

}  // namespace plimsoll::agent
