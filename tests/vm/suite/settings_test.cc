// What annotated containers get from a real kernel through a real containerd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kRules[] = R"(
rules:
- name: test-may-all
  match: {namespaces: [test]}
  settings: [{key: "*"}]
)";

class Settings : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure(kRules);
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }

  void expectSetting(const std::string& id, const std::string& key, v1::SettingState state, v1::Stage stage) {
    v1::Setting seen = node().setting(id, key);
    EXPECT_EQ(seen.state(), state) << seen.DebugString();
    EXPECT_EQ(seen.stage(), stage) << seen.DebugString();
  }
};

TEST_F(Settings, TheFirstInstructionAlreadyRunsUnderThem) {
  auto spec = node().pod(
      "first",
      "plimsoll.dev/cpu.weight: '321', plimsoll.dev/memory.high: 48Mi, plimsoll.dev/pids.max: '50', "
      "plimsoll.dev/rlimit.nofile: '777:888', plimsoll.dev/oom.score-adj: '500', "
      "plimsoll.dev/cpu.max: '300m 50ms'");
  spec.containers[0].command = {"sh", "-c",
                                "cd /sys/fs/cgroup; echo weight=$(cat cpu.weight) high=$(cat memory.high) "
                                "pids=$(cat pids.max) cpu=$(cat cpu.max) nofile=$(ulimit -n):$(ulimit -H -n) "
                                "oom=$(cat /proc/self/oom_score_adj); exec sleep 3600"};
  auto pod = node().run(spec);
  ASSERT_TRUE(pod.allStarted());
  std::string id = node().idOf(pod);
  std::string log;
  ASSERT_TRUE(eventually([&] { return !(log = node().pods().log(id).value_or("")).empty(); }));
  // NRI carries the OOM score since 0.7; containerd 1.7.24 speaks 0.6.1, and there it is written at
  // StartContainer, where lowering it takes a capability.
  const bool carried = node().nriMinor() >= 8;
  const auto profiles = securityProfiles();
  const bool may_lower = std::find(profiles.begin(), profiles.end(), "processes") != profiles.end();
  EXPECT_THAT(log, HasSubstr("weight=321 high=50331648 pids=50 cpu=15000 50000 nofile=777:888"));
  if (carried || may_lower) {
    EXPECT_THAT(log, HasSubstr(" oom=500"));
    expectSetting(id, "oom.score-adj", v1::SETTING_STATE_APPLIED,
                  carried ? v1::STAGE_CREATE : v1::STAGE_START);
  } else {
    EXPECT_EQ(node().setting(id, "oom.score-adj").state(), v1::SETTING_STATE_FAILED);
  }
  for (const char* key : {"memory.high", "pids.max", "cpu.max", "rlimit.nofile"}) {
    expectSetting(id, key, v1::SETTING_STATE_APPLIED, v1::STAGE_CREATE);
  }
  // Which weight the runtime makes of the kubelet's shares is read before it is overwritten.
  expectSetting(id, "cpu.weight", v1::SETTING_STATE_APPLIED, v1::STAGE_START);
}

TEST_F(Settings, APlainPodIsLeftAlone) {
  auto pod = node().run(node().pod("plain", ""));
  auto report = node().container(node().idOf(pod));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->settings_size(), 0);
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.high"), "max");
}

TEST_F(Settings, ClassesAreBundles) {
  auto batch = node().run(node().pod("batch", "plimsoll.dev/class: batch"));
  auto critical = node().run(node().pod("critical", "plimsoll.dev/class: latency-critical"));
  for (const auto& [pod, name] : {std::pair(batch, "batch"), std::pair(critical, "latency-critical")}) {
    auto report = node().container(node().idOf(pod));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->class_name(), name);
    EXPECT_GT(report->settings_size(), 0);
    for (const v1::Setting& setting : report->settings()) {
      EXPECT_TRUE(setting.state() == v1::SETTING_STATE_APPLIED ||
                  setting.state() == v1::SETTING_STATE_UNSUPPORTED)
          << setting.DebugString();
    }
  }
}

TEST_F(Settings, ThePerContainerWishWins) {
  auto pod = node().run(
      node().pod("specific", "plimsoll.dev/memory.high: 32Mi, app.plimsoll.dev/memory.high: 40Mi"));
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.high"), "41943040");
}

TEST_F(Settings, WhatTheKernelRoundsIsShownWithBothValues) {
  auto pod = node().run(node().pod("rounded", "plimsoll.dev/memory.high: '20000001'"));
  v1::Setting seen = node().setting(node().idOf(pod), "memory.high");
  EXPECT_EQ(seen.state(), v1::SETTING_STATE_ADJUSTED) << seen.DebugString();
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.high"), "19996672");
  EXPECT_NE(seen.desired(), seen.actual());
  EXPECT_EQ(seen.stage(), v1::STAGE_CREATE);
  EXPECT_EQ(seen.found(), "max") << "what a new cgroup has";
}

TEST_F(Settings, AParentThatBindsIsNamed) {
  auto spec =
      node().pod("moot", "plimsoll.dev/memory.max: 512Mi",
                 "resources: {requests: {memory: 64Mi, cpu: 100m}, limits: {memory: 64Mi, cpu: 100m}}");
  auto pod = node().run(spec);
  v1::Setting seen = node().setting(node().idOf(pod), "memory.max");
  EXPECT_EQ(seen.state(), v1::SETTING_STATE_MOOT) << seen.DebugString();
  EXPECT_THAT(seen.binding(), AllOf(HasSubstr(pod.cgroup + "/memory.max"), HasSubstr("64Mi")));
}

TEST_F(Settings, IoLimitsByMountedPathReachTheRightDisk) {
  auto spec = node().pod("disk", "plimsoll.dev/io.max: 'path:/data rbps=10M wiops=500'");
  spec.containers[0].mounts.push_back({.mount_path = "/data", .host_path = "/data"});
  auto pod = node().run(spec);
  v1::Setting seen = node().setting(node().idOf(pod), "io.max");
  EXPECT_EQ(seen.state(), v1::SETTING_STATE_APPLIED) << seen.DebugString();
  EXPECT_EQ(seen.stage(), v1::STAGE_START);
  EXPECT_THAT(fileText(node().cgroupOf(pod) + "/io.max"),
              AllOf(HasSubstr("rbps=10000000"), HasSubstr("wiops=500"), HasSubstr("wbps=max")));
}

TEST_F(Settings, HugePagesSwapAndOomGroup) {
  auto pod = node().run(node().pod("pages",
                                   "plimsoll.dev/hugetlb.2MB.max: 4Mi, plimsoll.dev/memory.swap.max: 8Mi, "
                                   "plimsoll.dev/memory.oom.group: 'true'"));
  std::string cgroup = node().cgroupOf(pod);
  EXPECT_EQ(fileText(cgroup + "/hugetlb.2MB.max"), "4194304");
  EXPECT_EQ(fileText(cgroup + "/memory.swap.max"), "8388608");
  EXPECT_EQ(fileText(cgroup + "/memory.oom.group"), "1");
}

TEST_F(Settings, AProtectionThatThePodsCgroupDoesNotGrantIsMoot) {
  auto pod = node().run(node().pod("protected", "plimsoll.dev/memory.low: 16Mi"));
  v1::Setting seen = node().setting(node().idOf(pod), "memory.low");
  EXPECT_EQ(seen.state(), v1::SETTING_STATE_MOOT) << seen.DebugString();
  EXPECT_THAT(seen.binding(), HasSubstr("memory.low"));
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.low"), "16777216");
}

TEST_F(Settings, AnUnknownKeyNamesTheRightOne) {
  auto pod = node().run(node().pod("typo", "plimsoll.dev/memory.hihg: 64Mi, plimsoll.dev/pids.max: '40'"));
  auto report = node().container(node().idOf(pod));
  ASSERT_TRUE(report);
  ASSERT_EQ(report->problems_size(), 1);
  EXPECT_EQ(report->problems(0).suggestion(), "memory.high");
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/pids.max"), "40");
}

TEST_F(Settings, WithoutARuleWhatHurtsNeighboursIsRefused) {
  auto pod = node().run(node().pod("greedy", "plimsoll.dev/memory.min: 16Mi, plimsoll.dev/cpu.weight: '9000'",
                                   "", "elsewhere"));
  ASSERT_TRUE(pod.allStarted());
  std::string id = node().idOf(pod);
  EXPECT_EQ(node().setting(id, "memory.min").state(), v1::SETTING_STATE_REFUSED);
  EXPECT_EQ(node().setting(id, "cpu.weight").state(), v1::SETTING_STATE_REFUSED);
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.min"), "0");
  bool told = false;
  for (const v1::Event& event : node().events())
    told = told || (event.reason() == "SettingRefused" && event.pod() == "greedy");
  EXPECT_TRUE(told);
}

TEST_F(Settings, OnErrorRejectRefusesWithTheReasonInTheRuntimesError) {
  auto pod = node().run(
      node().pod("strict", "plimsoll.dev/memory.min: 16Mi, plimsoll.dev/on-error: reject", "", "elsewhere"));
  ASSERT_EQ(pod.containers.size(), 1U);
  ASSERT_TRUE(pod.containers[0].error);
  EXPECT_THAT(pod.containers[0].error->message,
              AllOf(HasSubstr("strict"), HasSubstr("memory.min"), HasSubstr("rule")));
}

TEST_F(Settings, AResizeKeepsOurValuesAndTakesTheKubeletsOthers) {
  auto spec =
      node().pod("resized", "plimsoll.dev/memory.high: 48Mi, plimsoll.dev/cpu.idle: 'true'",
                 "resources: {requests: {cpu: 100m, memory: 32Mi}, limits: {cpu: 200m, memory: 64Mi}}");
  auto started = node().run(spec);
  std::string cgroup = node().cgroupOf(started);
  ASSERT_EQ(fileText(cgroup + "/cpu.idle"), "1");
  auto pod = node().pods().find("test", "resized");
  ASSERT_TRUE(pod);
  auto container = node().pods().findContainer(*pod, "app");
  ASSERT_TRUE(container);
  podctl::ContainerLimits wanted = node().client().containerDetail(container->id)->limits;
  wanted.cpu_quota_us = 40000;
  wanted.cpu_shares = 300;
  wanted.memory_bytes = 96LL << 20;
  auto resized = node().pods().resize(*pod, *container, wanted);
  ASSERT_TRUE(resized) << resized.error().message;
  EXPECT_TRUE(eventually([&] { return fileText(cgroup + "/cpu.idle") == "1"; }));
  EXPECT_EQ(fileText(cgroup + "/memory.high"), "50331648");
  EXPECT_EQ(fileText(cgroup + "/memory.max"), "100663296");
  EXPECT_EQ(fileText(cgroup + "/cpu.max"), "40000 100000");
  v1::Setting idle = node().setting(container->id, "cpu.idle");
  EXPECT_EQ(idle.state(), v1::SETTING_STATE_APPLIED) << idle.DebugString();
}

TEST_F(Settings, ABadConfigurationLeavesTheOldOneInForce) {
  node().configure("rulez: []\n");
  ASSERT_TRUE(eventually([] {
    auto info = node().node();
    return info && !info->configuration().problem().empty();
  }));
  EXPECT_THAT(node().node()->configuration().problem(), HasSubstr("rulez"));
  auto pod = node().run(node().pod("still", "plimsoll.dev/cpu.weight: '500'"));
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/cpu.weight"), "500");
  node().configure(kRules);
  ASSERT_TRUE(eventually([] {
    auto info = node().node();
    return info && info->configuration().problem().empty();
  }));
}

TEST_F(Settings, AForeignWriteIsPutRightOrLeftToTheKubelet) {
  auto pod = node().run(node().pod("drift", "plimsoll.dev/memory.high: 48Mi, plimsoll.dev/pids.max: '50'"));
  const std::string high = node().cgroupOf(pod) + "/memory.high", pids = node().cgroupOf(pod) + "/pids.max";
  ASSERT_EQ(fileText(high), "50331648");
  std::ofstream(high) << "max";
  EXPECT_TRUE(eventually([&] { return fileText(high) == "50331648"; }));
  std::ofstream(pids) << "max";
  EXPECT_TRUE(eventually(
      [&] { return node().setting(node().idOf(pod), "pids.max").state() == v1::SETTING_STATE_DRIFTED; }));
  EXPECT_EQ(fileText(pids), "max");
}

}  // namespace
}  // namespace plimsoll::vm
