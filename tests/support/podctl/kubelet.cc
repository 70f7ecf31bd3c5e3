#include "tests/support/podctl/kubelet.h"

#include <algorithm>

namespace plimsoll::podctl {
namespace {

constexpr int64_t kMinShares = 2;
constexpr int64_t kMaxShares = 262144;
constexpr int64_t kPeriodUs = 100000;
constexpr int64_t kMinQuotaUs = 1000;
constexpr int64_t kGuaranteedOomAdj = -997;
constexpr int64_t kBestEffortOomAdj = 1000;

bool given(const std::optional<int64_t>& amount) { return amount && *amount > 0; }

bool guaranteed(const ContainerSpec& c) {
  return given(c.limits.milli_cpu) && given(c.limits.memory) && c.requests.milli_cpu == c.limits.milli_cpu &&
         c.requests.memory == c.limits.memory;
}

bool bestEffort(const ContainerSpec& c) {
  return !given(c.requests.milli_cpu) && !given(c.requests.memory) && !given(c.limits.milli_cpu) &&
         !given(c.limits.memory);
}

int64_t oomScoreAdj(QosClass qos, const ContainerSpec& container, int64_t node_memory_bytes) {
  if (qos == QosClass::Guaranteed) return kGuaranteedOomAdj;
  if (qos == QosClass::BestEffort || node_memory_bytes <= 0) return kBestEffortOomAdj;
  // In floating point, for 1000 times a node's memory in bytes nears int64's end.
  const double share = static_cast<double>(container.requests.memory.value_or(0)) / node_memory_bytes;
  const int64_t adj = 1000 - static_cast<int64_t>(1000 * share);
  // A burstable container never ranks with the guaranteed, nor with those of best effort.
  return std::clamp(adj, 1000 + kGuaranteedOomAdj, kBestEffortOomAdj - 1);
}

}  // namespace

QosClass qosClass(const PodSpec& pod) {
  const auto& all = pod.containers;
  if (std::all_of(all.begin(), all.end(), bestEffort)) return QosClass::BestEffort;
  if (std::all_of(all.begin(), all.end(), guaranteed)) return QosClass::Guaranteed;
  return QosClass::Burstable;
}

std::string cgroupParent(const PodSpec& pod) {
  switch (qosClass(pod)) {
    case QosClass::Guaranteed:
      return "/kubepods/pod" + pod.uid;
    case QosClass::Burstable:
      return "/kubepods/burstable/pod" + pod.uid;
    case QosClass::BestEffort:
      return "/kubepods/besteffort/pod" + pod.uid;
  }
  return {};
}

int64_t cpuShares(int64_t milli_cpu) { return std::clamp(milli_cpu * 1024 / 1000, kMinShares, kMaxShares); }

int64_t cpuQuota(int64_t milli_cpu) {
  return milli_cpu <= 0 ? 0 : std::max(milli_cpu * kPeriodUs / 1000, kMinQuotaUs);
}

ContainerLimits containerLimits(const PodSpec& pod, const ContainerSpec& container,
                                int64_t node_memory_bytes) {
  return {.cpu_shares = cpuShares(container.requests.milli_cpu.value_or(0)),
          .cpu_quota_us = cpuQuota(container.limits.milli_cpu.value_or(0)),
          .cpu_period_us = kPeriodUs,
          .memory_bytes = container.limits.memory.value_or(0),
          .oom_score_adj = oomScoreAdj(qosClass(pod), container, node_memory_bytes),
          .hugepages = container.limits.hugepages};
}

ContainerLimits podLimits(const std::vector<ContainerLimits>& containers) {
  ContainerLimits pod{.cpu_shares = 0};
  bool cpu_bounded = !containers.empty(), memory_bounded = !containers.empty();
  for (const ContainerLimits& c : containers) {
    pod.cpu_shares += c.cpu_shares;
    // Periods may differ after an update; a pod has one.
    if (c.cpu_period_us > 0) pod.cpu_quota_us += c.cpu_quota_us * kPeriodUs / c.cpu_period_us;
    pod.memory_bytes += c.memory_bytes;
    cpu_bounded &= c.cpu_quota_us > 0;
    memory_bounded &= c.memory_bytes > 0;
  }
  pod.cpu_shares = std::clamp(pod.cpu_shares, kMinShares, kMaxShares);
  if (!cpu_bounded) pod.cpu_quota_us = 0;
  if (!memory_bounded) pod.memory_bytes = 0;
  return pod;
}

int64_t cpuWeight(int64_t cpu_shares) {
  return 1 + (std::clamp(cpu_shares, kMinShares, kMaxShares) - 2) * 9999 / 262142;
}

}  // namespace plimsoll::podctl
