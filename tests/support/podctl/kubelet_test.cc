#include "tests/support/podctl/kubelet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::podctl {
namespace {

constexpr int64_t kMi = 1 << 20;

Amounts amounts(int64_t milli_cpu, int64_t memory) {
  return {.milli_cpu = milli_cpu, .memory = memory, .hugepages = {}};
}

PodSpec podOf(std::vector<std::pair<Amounts, Amounts>> requests_and_limits) {
  PodSpec pod{.name = "p", .uid = "u"};
  for (auto& [requests, limits] : requests_and_limits) {
    ContainerSpec c;
    c.requests = requests;
    c.limits = limits;
    pod.containers.push_back(c);
  }
  return pod;
}

TEST(Kubelet, QosClassAndCgroupParent) {
  const Amounts none, some = amounts(100, 32 * kMi), more = amounts(200, 64 * kMi);
  EXPECT_EQ(cgroupParent(podOf({{none, none}})), "/kubepods/besteffort/podu");
  EXPECT_EQ(cgroupParent(podOf({{some, some}, {more, more}})), "/kubepods/podu");
  EXPECT_EQ(cgroupParent(podOf({{some, more}})), "/kubepods/burstable/podu");
  EXPECT_EQ(qosClass(podOf({{some, some}, {none, none}})), QosClass::Burstable);
  EXPECT_EQ(qosClass(podOf({{some, none}})), QosClass::Burstable);
}

TEST(Kubelet, SharesQuotaAndWeight) {
  EXPECT_EQ(cpuShares(0), 2);
  EXPECT_EQ(cpuShares(1000), 1024);
  EXPECT_EQ(cpuShares(100), 102);
  EXPECT_EQ(cpuShares(1000000), 262144);
  EXPECT_EQ(cpuQuota(0), 0);
  EXPECT_EQ(cpuQuota(500), 50000);
  EXPECT_EQ(cpuQuota(1), 1000) << "the kernel's smallest";
  EXPECT_EQ(cpuWeight(2), 1);
  EXPECT_EQ(cpuWeight(1024), 39);
  EXPECT_EQ(cpuWeight(262144), 10000);
}

TEST(Kubelet, OutOfMemoryScoreFollowsTheClass) {
  const int64_t node = 1024 * kMi;
  auto score = [&](const PodSpec& pod) {
    return containerLimits(pod, pod.containers[0], node).oom_score_adj;
  };
  const Amounts none, some = amounts(100, 512 * kMi), huge = amounts(100, 1024 * kMi);
  EXPECT_EQ(score(podOf({{none, none}})), 1000);
  EXPECT_EQ(score(podOf({{some, some}})), -997);
  EXPECT_EQ(score(podOf({{some, none}})), 500);
  EXPECT_EQ(score(podOf({{huge, none}})), 3);
  EXPECT_EQ(score(podOf({{amounts(100, 1), none}})), 999);
}

TEST(Kubelet, PodIsBoundedOnlyWhenEachContainerIs) {
  ContainerLimits bounded{.cpu_shares = 102, .cpu_quota_us = 50000, .memory_bytes = 64 * kMi};
  ContainerLimits open{.cpu_shares = 102};
  EXPECT_EQ(podLimits({bounded, bounded}).cpu_quota_us, 100000);
  EXPECT_EQ(podLimits({bounded, bounded}).memory_bytes, 128 * kMi);
  EXPECT_EQ(podLimits({bounded, bounded}).cpu_shares, 204);
  EXPECT_EQ(podLimits({bounded, open}).cpu_quota_us, 0);
  EXPECT_EQ(podLimits({bounded, open}).memory_bytes, 0);
  ContainerLimits other_period = bounded;
  other_period.cpu_period_us = 50000;
  EXPECT_EQ(podLimits({other_period}).cpu_quota_us, 100000);
}

}  // namespace
}  // namespace plimsoll::podctl
