#include "cmd/plimsolld/simulate.h"

#include "pkg/annotation/annotation.h"
#include "pkg/annotation/manifest.h"
#include "pkg/policy/policy.h"

namespace plimsoll::agent {
namespace {

using base::Result;

constexpr size_t kLargestManifest = 1 << 20;

// Devices are known once a container is there.
policy::Devices unknownDevices(const model::PodIntent& intent, std::string_view container,
                               const model::NodePolicy& rules) {
  policy::Devices devices;
  for (const model::Request* wish : policy::wishes(intent, container, rules)) {
    for (const model::DeviceRef& device : model::devicesOf(wish->value)) {
      devices.emplace_back(device,
                           base::error(base::ErrorCode::FailedPrecondition,
                                       "which device this is shows only when the container is there"));
    }
  }
  return devices;
}

model::ContainerReport plan(const annotation::ManifestPod& found, const model::PodIntent& intent,
                            const model::ContainerFacts& container, const model::NodePolicy& rules,
                            const model::NodeFacts& node) {
  model::ContainerReport report;
  report.container = container;
  report.container.state = model::ContainerState::Unknown;
  const policy::Devices devices = unknownDevices(intent, container.name, rules);
  report.plan = policy::makePlan({intent, found.pod, container, node, rules, devices});
  report.pod = found.pod;
  report.pod.name = found.kind + "/" + found.pod.name;
  report.pod.annotations.clear();
  report.config_generation = rules.generation;
  return report;
}

}  // namespace

Result<std::vector<model::ContainerReport>> simulate(std::string_view manifest, const std::string& ns,
                                                     const model::NodePolicy& policy,
                                                     const model::NodeFacts& node) {
  ASSIGN_OR_RETURN(std::vector<annotation::ManifestPod> pods, annotation::podsOf(manifest, kLargestManifest));
  std::vector<model::ContainerReport> reports;
  for (annotation::ManifestPod& found : pods) {
    if (found.pod.ns.empty()) found.pod.ns = ns;
    const model::PodIntent intent = annotation::parsePod(found.pod.annotations);
    for (const model::ContainerFacts& container : found.containers)
      reports.push_back(plan(found, intent, container, policy, node));
  }
  return reports;
}

}  // namespace plimsoll::agent
