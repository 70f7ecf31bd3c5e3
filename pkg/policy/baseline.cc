#include "pkg/policy/baseline.h"

#include <algorithm>
#include <cmath>

namespace plimsoll::policy {
namespace {

using model::BaseResources;
using model::kMax;
using model::Number;
using model::Value;

constexpr int64_t kDefaultWeight = 100;

template <typename T>
int64_t limitOr(const std::optional<T>& limit, int64_t otherwise) {
  return limit && *limit > 0 ? static_cast<int64_t>(*limit) : otherwise;
}

// Quota and period as CRI carries them: without a positive quota there is no limit.
Value cpuMax(const BaseResources& base) {
  return model::CpuMax{limitOr(base.cpu_quota_us, kMax), limitOr(base.cpu_period_us, 100'000)};
}

// k8s.io/kubernetes/pkg/kubelet/qos: Guaranteed -997, BestEffort 1000, Burstable 3 to 999 by its memory
// request.
int64_t oomScoreAdj(const model::PodFacts& pod, const BaseResources& base) {
  if (base.oom_score_adj) return *base.oom_score_adj;
  switch (pod.qos) {
    case model::QosClass::Guaranteed:
      return -997;
    case model::QosClass::Burstable:
      return 999;
    case model::QosClass::BestEffort:
      break;
  }
  return 1000;
}

// What the kubelet writes by the file's name (memory QoS, swap). containerd shows it from 2.2 on.
std::optional<Value> unifiedValue(const model::SettingKey& setting, const BaseResources& base) {
  auto it = base.unified.find(setting.file);
  if (it == base.unified.end()) return std::nullopt;
  auto value = model::parseKernelText(*setting.spec, Value{}, it->second);
  if (!value) return std::nullopt;
  return *std::move(value);
}

}  // namespace

int64_t cpuWeightOfShares(uint64_t shares) {
  if (shares == 0) return kDefaultWeight;
  shares = std::clamp<uint64_t>(shares, 2, 262'144);
  const auto linear = static_cast<int64_t>(1 + (shares - 2) * 9999 / 262'142);
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612 - 7.0 / 34;
  const auto logarithmic = static_cast<int64_t>(std::ceil(std::pow(10, exponent)));
  return std::clamp<int64_t>(std::max(linear, logarithmic), 1, 10'000);
}

Value kubeletValue(const model::SettingKey& setting, const model::PodFacts& pod,
                   const model::ContainerFacts& container) {
  const BaseResources& base = container.base;
  if (setting.spec->type == model::ValueType::IoWeight) {
    model::IoWeight weight;
    weight.default_weight = kDefaultWeight;
    return weight;
  }
  // What the kernel gives a process that nobody gave anything else: IOPRIO_BE_NORM, SCHED_OTHER.
  if (setting.spec->type == model::ValueType::IoPriority)
    return model::IoPriority{model::IoPriority::Class::BestEffort, 4};
  if (setting.spec->type == model::ValueType::Scheduler) return model::Scheduler{};
  if (setting.key == "oom.score-adj") return Number{oomScoreAdj(pod, base)};
  if (auto value = unifiedValue(setting, base)) return *value;
  if (setting.key == "cpu.weight") return Number{cpuWeightOfShares(base.cpu_shares.value_or(0))};
  if (setting.key == "cpu.max") return cpuMax(base);
  if (setting.key == "net.weight") return Number{kDefaultWeight};
  if (setting.key == "memory.max") return Number{limitOr(base.memory_limit, kMax)};
  // The kubelet limits the pod's cgroup, which binds whatever is written below.
  if (setting.key == "pids.max") return Number{limitOr(base.pids_limit, kMax)};
  return Number{0};
}

std::optional<Value> certainValue(const model::PlannedSetting& setting, const model::PodFacts& pod,
                                  const model::ContainerFacts& container) {
  const model::SettingKey& key = setting.request.setting;
  const BaseResources& base = container.base;
  if (key.key == "oom.score-adj")
    return base.oom_score_adj ? std::optional(kubeletValue(key, pod, container)) : std::nullopt;
  // What every process has that nobody gave anything else; the kubelet and the runtimes give none.
  if (key.spec->target == model::Target::IoPriority) return model::IoPriority{};
  if (key.spec->target == model::Target::Scheduler) return model::Scheduler{};
  if (key.spec->target != model::Target::CgroupFile) return std::nullopt;
  if (auto value = unifiedValue(key, base)) return value;
  // How runtimes turn shares into a weight depends on their version.
  if (key.key == "cpu.weight" && base.cpu_shares) return std::nullopt;
  // An idle cgroup forgets the weight that the runtime gave it, so that has to be read before.
  if (key.key == "cpu.idle" && setting.value != Value(Number{0})) return std::nullopt;
  for (std::string_view known : {"cpu.weight", "cpu.max", "memory.max", "pids.max"}) {
    if (key.key == known) return kubeletValue(key, pod, container);
  }
  for (std::string_view none :
       {"memory.min", "memory.low", "memory.oom.group", "cpu.idle", "cpu.max.burst", "cpu.uclamp.min"}) {
    if (key.key == none) return Number{0};
  }
  for (std::string_view all : {"memory.high", "memory.zswap.max", "cpu.uclamp.max"}) {
    if (key.key == all) return Number{kMax};
  }
  if (key.key == "io.weight") return kubeletValue(key, pod, container);
  return std::nullopt;
}

}  // namespace plimsoll::policy
