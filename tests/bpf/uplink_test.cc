// plm_uplink_out by BPF_PROG_TEST_RUN: which class, which priority, and the shared virtual queue.
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include <array>
#include <optional>

#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::Program;
using bpfobj::Traffic;
using bpfobj::UplinkSpec;
using std::chrono::milliseconds;

constexpr uint32_t kLo = 1, kPodLink = 77;
constexpr std::array<uint32_t, kTrafficClasses> kPriorities{7, 6, 0, 2};

class Uplink : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    auto loaded = Traffic::load({});
    ASSERT_TRUE(loaded) << loaded.error().message;
    traffic_.emplace(std::move(*loaded));
    ASSERT_TRUE(traffic_->putLink(kLo, {3, 0, 0, kLinkUplink}));
    spec_.flags = kUplinkPriority | kUplinkEcn;
    spec_.host_class = kClassSystem;
    spec_.default_class = kClassNormal;
    for (int i = 0; i < kTrafficClasses; ++i) spec_.classes[i].priority = kPriorities[i];
    put();
  }
  void put() { ASSERT_TRUE(traffic_->putUplink(3, spec_)); }
  // The class comes by the way that a pod's link gives it.
  RunResult sendAs(uint8_t class_id, const PacketSpec& packet = {}) {
    EXPECT_TRUE(traffic_->putLink(kPodLink, {0, class_id, 0, kLinkPod}));
    return run(packet, {.ingress_ifindex = kPodLink});
  }
  RunResult run(const PacketSpec& packet, const RunContext& context = {}) {
    RunResult result = runProgram(*traffic_->program(Program::UplinkOut), buildPacket(packet), context);
    EXPECT_EQ(result.error, 0);
    return result;
  }
  // A line so slow that it does not drain beside the test, whatever the machine's pauses: a packet of 1000
  // bytes and its headers is 1.07 s of it.
  void limitToOnePacketPerSecond(milliseconds drop = milliseconds(100)) {
    spec_.bytes_per_second = 1000;
    for (uint8_t held : {kClassNormal, kClassBestEffort}) {
      spec_.classes[held].mark = milliseconds(20);
      spec_.classes[held].drop = drop;
    }
    put();
  }
  void fill(uint8_t class_id, int packets) {
    for (int i = 0; i < packets; ++i) sendAs(class_id);
  }
  TrafficCounts counts(int class_id) { return traffic_->uplinkCounts(3)->classes[class_id]; }

  std::optional<Traffic> traffic_;
  UplinkSpec spec_;
};

TEST_F(Uplink, WritesThePriorityOfTheClass) {
  for (uint8_t class_id = 0; class_id < kTrafficClasses; ++class_id) {
    RunResult result = sendAs(class_id);
    EXPECT_EQ(result.verdict, TC_ACT_UNSPEC);
    EXPECT_EQ(result.priority, kPriorities[class_id]);
    EXPECT_EQ(counts(class_id).packets, 1u);
  }
}

TEST_F(Uplink, KnowsHostSocketsByTheirCgroupAndForwardedOnesByDefault) {
  EXPECT_EQ(run({}).priority, kPriorities[kClassSystem]) << "a host socket in no known cgroup";
  EXPECT_EQ(run({}, {.ingress_ifindex = 99}).priority, kPriorities[kClassNormal])
      << "forwarded, from nobody known";
  TestCgroup cgroup("uplink");
  TestCgroup below(cgroup.path() + "/below");
  cgroup.enter();
  ASSERT_TRUE(traffic_->putEntity(cgroup.id(), {.class_id = kClassBestEffort}));
  EXPECT_EQ(run({}).priority, kPriorities[kClassBestEffort]);
  below.enter();
  EXPECT_EQ(run({}).priority, kPriorities[kClassSystem]);
  TrafficConfig config = {};
  config.host_levels[0] = cgroup.level();
  traffic_->configure(config);
  EXPECT_EQ(run({}).priority, kPriorities[kClassBestEffort]);
}

TEST_F(Uplink, LeavesAloneWhatItIsNotToldAbout) {
  spec_.flags = 0;
  put();
  EXPECT_EQ(sendAs(kClassHigh).priority, 0u);
  traffic_->removeLink(kLo);
  EXPECT_EQ(run({}).verdict, TC_ACT_UNSPEC);
  ASSERT_TRUE(traffic_->putLink(kLo, {kTrafficUplinks, 0, 0, kLinkUplink}));
  EXPECT_EQ(run({}).verdict, TC_ACT_UNSPEC) << "an uplink beyond the array";
}

TEST_F(Uplink, HoldsBestEffortToTheLineMarkingBeforeDropping) {
  spec_.bytes_per_second = 100'000;  // a packet is 10.7 ms of it
  spec_.classes[kClassBestEffort].mark = milliseconds(200);
  spec_.classes[kClassBestEffort].drop = milliseconds(1000);
  put();
  int passed = 0, marked = 0;
  for (int i = 0; i < 300; ++i) {
    RunResult result = sendAs(kClassBestEffort, {.traffic_class = 2});
    if (result.verdict == TC_ACT_SHOT) break;
    ++passed;
    marked += trafficClassOf(result.packet) == 3;
  }
  EXPECT_NEAR(passed, 95, 25);  // a second of the line, and what drained meanwhile
  EXPECT_NEAR(passed - marked, 20, 8);
  EXPECT_EQ(counts(kClassBestEffort).events.marks, static_cast<uint64_t>(marked));
  EXPECT_EQ(counts(kClassBestEffort).events.drop_packets, 1u);
}

TEST_F(Uplink, UrgentClassesTakeTheirRoomFromThoseBelow) {
  limitToOnePacketPerSecond(milliseconds(10'000));
  fill(kClassHigh, 200);  // clamped, never refused
  EXPECT_EQ(counts(kClassHigh).packets, 200u);
  EXPECT_EQ(counts(kClassHigh).events.drop_packets, 0u);
  EXPECT_EQ(trafficClassOf(sendAs(kClassNormal, {.traffic_class = 2}).packet), 3)
      << "held by the class above";
  EXPECT_EQ(trafficClassOf(sendAs(kClassBestEffort, {.traffic_class = 2}).packet), 3);
}

TEST_F(Uplink, ClassesBelowDoNotTouchThoseAbove) {
  limitToOnePacketPerSecond();
  fill(kClassBestEffort, 1);
  EXPECT_EQ(sendAs(kClassBestEffort).verdict, TC_ACT_SHOT);
  EXPECT_EQ(trafficClassOf(sendAs(kClassNormal, {.traffic_class = 2}).packet), 2);
  EXPECT_EQ(sendAs(kClassHigh).verdict, TC_ACT_UNSPEC);
}

TEST_F(Uplink, AMinimumSharePassesWhateverStandsAbove) {
  spec_.classes[kClassBestEffort].share_bytes_per_second = 100;
  spec_.classes[kClassBestEffort].share_burst_bytes = 3'000;
  limitToOnePacketPerSecond();
  fill(kClassNormal, 1);
  fill(kClassHigh, 1);
  // More than the line is taken: only the share is left, its burst of 3000 bytes and the packet that crosses
  // it.
  int passed = 0;
  for (int i = 0; i < 20; ++i) passed += sendAs(kClassBestEffort).verdict == TC_ACT_UNSPEC;
  EXPECT_EQ(passed, 3);
}

TEST_F(Uplink, NeverDropsTheTiny) {
  limitToOnePacketPerSecond();
  fill(kClassBestEffort, 1);
  EXPECT_EQ(sendAs(kClassBestEffort).verdict, TC_ACT_SHOT);
  EXPECT_EQ(sendAs(kClassBestEffort, {.payload = 0}).verdict, TC_ACT_UNSPEC);
}

TEST_F(Uplink, DelaysBestEffortWhereEveryQueueIsAnFq) {
  spec_.flags |= kUplinkEdt;
  spec_.bytes_per_second = 100'000;  // a packet is 10.7 ms of it
  spec_.classes[kClassBestEffort].drop = milliseconds(1000);
  put();
  fill(kClassBestEffort, 20);
  uint64_t before = monotonicNow();
  RunResult result = sendAs(kClassBestEffort);
  EXPECT_GT(result.tstamp, before + 50'000'000);
  EXPECT_LT(result.tstamp, before + 250'000'000);
}

}  // namespace
}  // namespace plimsoll::testing
