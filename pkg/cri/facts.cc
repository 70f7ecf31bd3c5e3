#include "pkg/cri/facts.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

namespace plimsoll::cri {
namespace {

using nlohmann::json;

model::StringMap mapOf(const google::protobuf::Map<std::string, std::string>& map) {
  return {map.begin(), map.end()};
}

model::ContainerState stateOf(api::ContainerState state) {
  switch (state) {
    case api::CONTAINER_CREATED:
      return model::ContainerState::Created;
    case api::CONTAINER_RUNNING:
      return model::ContainerState::Running;
    case api::CONTAINER_EXITED:
      return model::ContainerState::Stopped;
    default:
      return model::ContainerState::Unknown;
  }
}

// info["info"]; null where there is none or it is no JSON.
json infoOf(const google::protobuf::Map<std::string, std::string>& info) {
  auto it = info.find("info");
  if (it == info.end()) return {};
  json document = json::parse(it->second, nullptr, false);
  return document.is_discarded() ? json() : document;
}

// Below, one name each; null where the way there is another.
const json& at(const json& value, std::initializer_list<const char*> names) {
  static const json none;
  const json* here = &value;
  for (const char* name : names) {
    if (!here->is_object()) return none;
    auto next = here->find(name);
    if (next == here->end()) return none;
    here = &*next;
  }
  return *here;
}

std::string textOf(const json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

template <typename T>
std::optional<T> numberOf(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<T>();
}

model::BaseResources baseOf(const json& resources) {
  model::BaseResources base;
  base.cpu_shares = numberOf<uint64_t>(at(resources, {"cpu", "shares"}));
  base.cpu_quota_us = numberOf<int64_t>(at(resources, {"cpu", "quota"}));
  base.cpu_period_us = numberOf<uint64_t>(at(resources, {"cpu", "period"}));
  base.cpuset_cpus = textOf(at(resources, {"cpu", "cpus"}));
  base.cpuset_mems = textOf(at(resources, {"cpu", "mems"}));
  base.memory_limit = numberOf<int64_t>(at(resources, {"memory", "limit"}));
  base.pids_limit = numberOf<int64_t>(at(resources, {"pids", "limit"}));
  const json& unified = at(resources, {"unified"});
  if (!unified.is_object()) return base;
  for (const auto& [file, value] : unified.items()) base.unified.emplace(file, textOf(value));
  return base;
}

std::vector<model::MountFacts> mountsOf(const json& mounts) {
  std::vector<model::MountFacts> out;
  if (!mounts.is_array()) return out;
  for (const json& mount : mounts) {
    out.push_back(
        {textOf(at(mount, {"destination"})), textOf(at(mount, {"source"})), textOf(at(mount, {"type"}))});
  }
  return out;
}

// A pod with the node's network has no namespace of that kind among those of its sandbox.
std::optional<bool> hostNetworkOf(const json& spec) {
  const json& namespaces = at(spec, {"linux", "namespaces"});
  if (!namespaces.is_array()) return std::nullopt;
  return std::none_of(namespaces.begin(), namespaces.end(),
                      [](const json& ns) { return textOf(at(ns, {"type"})) == "network"; });
}

}  // namespace

model::PodFacts podFacts(const api::PodSandbox& pod) {
  model::PodFacts facts;
  facts.sandbox_id = pod.id();
  facts.name = pod.metadata().name();
  facts.ns = pod.metadata().namespace_();
  facts.uid = pod.metadata().uid();
  facts.labels = mapOf(pod.labels());
  facts.annotations = mapOf(pod.annotations());
  return facts;
}

ListedContainer containerFacts(const api::Container& container) {
  ListedContainer listed;
  listed.facts.id = container.id();
  listed.facts.name = container.metadata().name();
  listed.facts.sandbox_id = container.pod_sandbox_id();
  listed.facts.state = stateOf(container.state());
  listed.created =
      std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(container.created_at())));
  return listed;
}

void addPodStatus(model::PodFacts& facts, const api::PodSandboxStatusResponse& status) {
  facts.host_network = status.status().linux().namespaces().options().network() == api::NODE;
  json info = infoOf(status.info());
  facts.cgroup_parent = textOf(at(info, {"config", "linux", "cgroup_parent"}));
  const json& spec = at(info, {"runtimeSpec"});
  // CRI-O shows no configuration of the pod, and keeps this for itself.
  if (facts.cgroup_parent.empty())
    facts.cgroup_parent = textOf(at(spec, {"annotations", "io.kubernetes.cri-o.CgroupParent"}));
  if (auto host = hostNetworkOf(spec)) facts.host_network = *host;
}

void addContainerStatus(model::ContainerFacts& facts, const api::ContainerStatusResponse& status) {
  facts.state = stateOf(status.status().state());
  json info = infoOf(status.info());
  facts.pid = numberOf<int64_t>(at(info, {"pid"})).value_or(0);  // 0 is "not known" there
  const json& spec = at(info, {"runtimeSpec"});
  facts.cgroups_path = textOf(at(spec, {"linux", "cgroupsPath"}));
  facts.base = baseOf(at(spec, {"linux", "resources"}));
  facts.base.oom_score_adj = numberOf<int64_t>(at(spec, {"process", "oomScoreAdj"}));
  facts.mounts = mountsOf(at(spec, {"mounts"}));
}

}  // namespace plimsoll::cri
