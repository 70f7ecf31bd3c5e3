#include "pkg/policy/stage.h"

#include <algorithm>

#include "pkg/model/value.h"
#include "pkg/policy/baseline.h"

namespace plimsoll::policy {
namespace {

using model::kMax;
using model::PlannedSetting;
using InForce = std::vector<const PlannedSetting*>;

// The runtime's own process is in the cgroup before the container's program is: a Go program with about ten
// threads. Fewer allowed processes than this and it may not get so far.
constexpr int64_t kRuntimeProcesses = 32;
// Likewise for its open files.
constexpr int64_t kRuntimeFiles = 128;
// fs.nr_open as the kernel has it by default: a higher RLIMIT_NOFILE may be refused, even to root.
constexpr int64_t kDefaultNrOpen = 1'048'576;

int64_t numberOf(const PlannedSetting& setting) {
  const auto* number = std::get_if<model::Number>(&setting.value);
  return number ? number->value : kMax;
}

bool plans(const InForce& in_force, std::string_view key) {
  return std::any_of(in_force.begin(), in_force.end(),
                     [key](const PlannedSetting* s) { return s->request.setting.key == key; });
}

// The kernel refuses a burst above the quota. The runtime writes the kubelet's quota before `unified`, so
// against that one the order is certain; a quota of ours in the same map may come later.
bool burstIsCertain(const PlannedSetting& burst, const InForce& in_force,
                    const model::ContainerFacts& container) {
  if (plans(in_force, "cpu.max") || container.base.unified.contains("cpu.max")) return false;
  const int64_t quota = container.base.cpu_quota_us.value_or(0);
  return quota <= 0 || numberOf(burst) <= quota;
}

// Whatever is written at StartContainer is read before: what is not certain to be known otherwise is left to
// that, since it could not be put back.
bool unifiedIsCertain(const PlannedSetting& setting, const InForce& in_force, const model::PodFacts& pod,
                      const model::ContainerFacts& container, const model::NodeFacts& node) {
  if (!certainValue(setting, pod, container)) return false;
  // Not known to exist: runc fails the container for a file that is not there.
  if (!node.cgroup_files.contains(setting.request.setting.file)) return false;
  if (!model::devicesOf(setting.value).empty()) return false;
  if (model::kernelWrites(*setting.request.setting.spec, setting.value).size() != 1) return false;
  const std::string& key = setting.request.setting.key;
  if (key == "cpu.max.burst") return burstIsCertain(setting, in_force, container);
  if (key == "pids.max") return numberOf(setting) >= kRuntimeProcesses;
  // A CPU or memory node that is not online is refused.
  if (key == "cpuset.cpus") return !node.online_cpus.empty();
  if (key == "cpuset.mems") return !node.online_mems.empty();
  return true;
}

bool rlimitIsCertain(const PlannedSetting& setting) {
  const auto* limit = std::get_if<model::Rlimit>(&setting.value);
  if (!limit) return false;
  const std::string& key = setting.request.setting.key;
  if (key == "rlimit.nofile") return limit->soft >= kRuntimeFiles && limit->hard <= kDefaultNrOpen;
  // Go reserves address space in steps that no sensible limit of a container allows for.
  if (key == "rlimit.as" || key == "rlimit.data") return limit->soft == kMax;
  return true;
}

// The kernel's admission test may refuse a real-time policy or a deadline, and the container with it.
bool schedulerIsCertain(const PlannedSetting& setting) {
  const auto* value = std::get_if<model::Scheduler>(&setting.value);
  if (!value) return false;
  return value->policy == model::SchedulingPolicy::Other || value->policy == model::SchedulingPolicy::Batch ||
         value->policy == model::SchedulingPolicy::Idle;
}

bool carried(const PlannedSetting& setting, const InForce& in_force, const model::PodFacts& pod,
             const model::ContainerFacts& container, const model::NodeFacts& node) {
  switch (setting.request.setting.spec->carrier) {
    case model::Carrier::Unified:
      return unifiedIsCertain(setting, in_force, pod, container, node);
    case model::Carrier::OomScoreAdj:
      return node.nri_carriers.contains(model::Carrier::OomScoreAdj) && certainValue(setting, pod, container);
    case model::Carrier::IoPriority:
    case model::Carrier::Seccomp:
    case model::Carrier::Namespace:
      return node.nri_carriers.contains(setting.request.setting.spec->carrier);
    case model::Carrier::Scheduler:
      return node.nri_carriers.contains(model::Carrier::Scheduler) && schedulerIsCertain(setting);
    case model::Carrier::Sysctl:
      return node.nri_carriers.contains(model::Carrier::Sysctl) && !node.may_enter_namespaces;
    case model::Carrier::Rlimit:
      return rlimitIsCertain(setting);
    case model::Carrier::None:
      break;
  }
  return false;
}

bool hasRun(model::ContainerState state) {
  return state == model::ContainerState::Running || state == model::ContainerState::Paused ||
         state == model::ContainerState::Stopped;
}

}  // namespace

model::Stage stageOf(const PlannedSetting& setting, const InForce& in_force, const model::PodFacts& pod,
                     const model::ContainerFacts& container, const model::NodeFacts& node) {
  if (hasRun(container.state)) return model::Stage::Late;
  return carried(setting, in_force, pod, container, node) ? model::Stage::Create : model::Stage::Start;
}

}  // namespace plimsoll::policy
