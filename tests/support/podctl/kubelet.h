// What the kubelet computes from a pod before it speaks to the runtime: QoS class, cgroup parent, and the
// kernel's numbers for container and pod. Pure functions.
//
// Source: Kubernetes 1.33, pkg/kubelet/cm/helpers_linux.go,
// pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, pkg/kubelet/qos/policy.go; the cgroupfs driver's
// names. Not the kubelet: no admission, no restarts, no probes, and the burstable tier's own cpu.weight is
// left alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/podctl/pod.h"

namespace plimsoll::podctl {

enum class QosClass { Guaranteed, Burstable, BestEffort };

QosClass qosClass(const PodSpec& pod);

// "/kubepods/burstable/pod<uid>": below the cgroup root, as the cgroupfs driver names it.
std::string cgroupParent(const PodSpec& pod);

// The runtime's units; zero is "no limit".
struct ContainerLimits {
  int64_t cpu_shares = 2;
  int64_t cpu_quota_us = 0;
  int64_t cpu_period_us = 100000;
  int64_t memory_bytes = 0;
  int64_t oom_score_adj = 0;
  std::map<std::string, int64_t> hugepages;
};

int64_t cpuShares(int64_t milli_cpu);
int64_t cpuQuota(int64_t milli_cpu);  // microseconds in 100 ms

ContainerLimits containerLimits(const PodSpec& pod, const ContainerSpec& container,
                                int64_t node_memory_bytes);

// The pod's own cgroup: shares add up; a quota or memory limit stands only when each container has one.
ContainerLimits podLimits(const std::vector<ContainerLimits>& containers);

// cpu.weight (1 to 10000) for v1 shares (2 to 262144), by the linear rule of KEP-2254.
int64_t cpuWeight(int64_t cpu_shares);

}  // namespace plimsoll::podctl
