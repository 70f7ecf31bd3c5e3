#include "pkg/annotation/manifest.h"

#include <algorithm>
#include <optional>

#include "pkg/annotation/collector.h"
#include "pkg/annotation/manifest_kinds.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {

using base::Result;
using yaml::Node;

Holds holds(std::string_view kind) {
  if (kind == "Pod") return Holds::Pod;
  for (std::string_view workload : {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet",
                                    "ReplicationController", "Job", "PodTemplate"}) {
    if (kind == workload) return Holds::Template;
  }
  if (kind == "CronJob") return Holds::CronTemplate;
  if (kind.ends_with("List")) return Holds::Objects;
  return Holds::Nothing;
}

const Node* podIn(const Node& object, std::string_view kind) {
  switch (holds(kind)) {
    case Holds::Pod:
      return &object;
    case Holds::Template:
      return kind == "PodTemplate" ? object.find("template") : object.at({"spec", "template"});
    case Holds::CronTemplate:
      return object.at({"spec", "jobTemplate", "spec", "template"});
    default:
      return nullptr;
  }
}

std::string textAt(const Node& node, std::initializer_list<std::string_view> path) {
  const Node* found = node.at(path);
  return found != nullptr && found->isScalar() ? plainText(found->text) : std::string();
}

yaml::Options manifestOptions(size_t max_bytes) {
  return {.max_bytes = max_bytes, .max_depth = 64, .max_nodes = max_bytes / 6 + 1000, .allow_anchors = true};
}

namespace {

// One container's requests and limits; nullopt: none, or not a quantity.
struct Resources {
  std::optional<int64_t> cpu_request, cpu_limit;  // thousandths of a CPU
  std::optional<int64_t> memory_request, memory_limit;
};

std::optional<int64_t> quantityAt(const Node& container, std::string_view part, std::string_view resource,
                                  int64_t scale) {
  const Node* found = container.at({"resources", part, resource});
  if (found == nullptr || !found->isScalar()) return std::nullopt;
  const auto quantity = model::parseQuantity(found->text, scale);
  if (!quantity) return std::nullopt;
  return *quantity;
}

Resources resourcesOf(const Node& container) {
  Resources out{quantityAt(container, "requests", "cpu", 1000), quantityAt(container, "limits", "cpu", 1000),
                quantityAt(container, "requests", "memory", 1), quantityAt(container, "limits", "memory", 1)};
  // The API server's default.
  if (!out.cpu_request) out.cpu_request = out.cpu_limit;
  if (!out.memory_request) out.memory_request = out.memory_limit;
  return out;
}

// As the kubelet makes them of requests and limits (k8s.io/kubernetes/pkg/kubelet/cm, MilliCPUToShares and
// MilliCPUToQuota).
model::BaseResources baseOf(const Resources& resources) {
  constexpr int64_t kPeriod = 100'000, kLeastQuota = 1'000, kLeastShares = 2;
  model::BaseResources base;
  base.cpu_shares =
      static_cast<uint64_t>(std::max(kLeastShares, resources.cpu_request.value_or(0) * 1024 / 1000));
  if (resources.cpu_limit && *resources.cpu_limit > 0) {
    base.cpu_period_us = kPeriod;
    base.cpu_quota_us = std::max(kLeastQuota, *resources.cpu_limit * kPeriod / 1000);
  }
  if (resources.memory_limit && *resources.memory_limit > 0) base.memory_limit = resources.memory_limit;
  return base;
}

model::QosClass qosOf(const std::vector<Resources>& all) {
  bool any = false, guaranteed = !all.empty();
  for (const Resources& each : all) {
    any |= each.cpu_request.has_value() || each.memory_request.has_value();
    guaranteed &= each.cpu_limit && each.memory_limit && each.cpu_request == each.cpu_limit &&
                  each.memory_request == each.memory_limit;
  }
  if (guaranteed) return model::QosClass::Guaranteed;
  return any ? model::QosClass::Burstable : model::QosClass::BestEffort;
}

void putTexts(const Node* map, model::StringMap& out) {
  if (map == nullptr) return;
  for (const yaml::Entry& entry : map->entries) {
    if (entry.value.isScalar()) out.emplace(entry.key, entry.value.text);
  }
}

ManifestPod readPod(const Node& object, const Node& pod, const std::string& kind) {
  ManifestPod out;
  out.kind = kind;
  out.pod.name = textAt(object, {"metadata", "name"});
  if (out.pod.name.empty()) out.pod.name = textAt(object, {"metadata", "generateName"});
  out.pod.ns = textAt(object, {"metadata", "namespace"});
  putTexts(pod.at({"metadata", "annotations"}), out.pod.annotations);
  putTexts(pod.at({"metadata", "labels"}), out.pod.labels);
  out.pod.service_account = textAt(pod, {"spec", "serviceAccountName"});
  if (out.pod.service_account->empty()) out.pod.service_account = "default";
  out.pod.host_network = textAt(pod, {"spec", "hostNetwork"}) == "true";
  out.pod.host_ipc = textAt(pod, {"spec", "hostIPC"}) == "true";
  std::vector<Resources> resources;
  for (std::string_view list : {"initContainers", "containers"}) {
    const Node* containers = pod.at({"spec", list});
    if (containers == nullptr) continue;
    for (const Node& container : containers->items) {
      resources.push_back(resourcesOf(container));
      model::ContainerFacts facts;
      facts.name = textAt(container, {"name"});
      facts.base = baseOf(resources.back());
      if (!facts.name.empty()) out.containers.push_back(std::move(facts));
    }
  }
  out.pod.qos = qosOf(resources);
  return out;
}

void collect(const Node& object, int depth, std::vector<ManifestPod>& out) {
  const std::string kind = textAt(object, {"kind"});
  if (const Node* pod = podIn(object, kind)) out.push_back(readPod(object, *pod, kind));
  if (holds(kind) != Holds::Objects || depth >= kDeepestList) return;
  if (const Node* items = object.find("items")) {
    for (const Node& item : items->items) collect(item, depth + 1, out);
  }
}

}  // namespace

Result<std::vector<ManifestPod>> podsOf(std::string_view text, size_t max_bytes) {
  ASSIGN_OR_RETURN(const std::vector<Node> documents, yaml::parseAll(text, manifestOptions(max_bytes)));
  std::vector<ManifestPod> out;
  for (const Node& document : documents) collect(document, 0, out);
  return out;
}

}  // namespace plimsoll::annotation
