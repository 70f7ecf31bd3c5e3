// plm_pod_out by BPF_PROG_TEST_RUN: the packet's socket is one that the kernel makes in the cgroup of this
// process, its device is lo.
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::EntitySpec;
using bpfobj::Limit;
using bpfobj::Program;
using bpfobj::Traffic;
using std::chrono::milliseconds;

constexpr uint32_t kLo = 1;

class PodOut : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    auto loaded = Traffic::load({});
    ASSERT_TRUE(loaded) << loaded.error().message;
    traffic_.emplace(std::move(*loaded));
    pod_.emplace("pod");
    container_.emplace(pod_->path() + "/container");
    container_->enter();
    pod_slot_ = put(*pod_, {});
    link(pod_slot_);
  }

  uint32_t put(const TestCgroup& cgroup, const EntitySpec& spec) {
    auto slot = traffic_->putEntity(cgroup.id(), spec);
    EXPECT_TRUE(slot);
    return slot.value_or(0);
  }
  void link(uint32_t pod) {
    TrafficLink link = {pod, kClassNormal, container_->level(), kLinkPod};
    ASSERT_TRUE(traffic_->putLink(kLo, link));
  }
  RunResult run(const Bytes& packet, const RunContext& context = {}) {
    return runProgram(*traffic_->program(Program::PodOut), packet, context);
  }
  TrafficFlow sent(uint32_t slot) { return traffic_->entity(slot).egress; }
  TrafficEvents events(uint32_t slot) { return traffic_->details(slot).egress_events; }

  std::optional<Traffic> traffic_;
  std::optional<TestCgroup> pod_, container_;
  uint32_t pod_slot_ = 0;
};

TEST_F(PodOut, ChargesTheContainerThatOpenedTheSocket) {
  uint32_t slot = put(*container_, {.parent = pod_slot_});
  Bytes packet = buildPacket({});
  RunResult result = run(packet);
  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.verdict, TC_ACT_UNSPEC);
  EXPECT_EQ(result.packet, packet);
  EXPECT_EQ(sent(slot).bytes, packet.size());
  EXPECT_EQ(sent(slot).packets, 1u);
  EXPECT_EQ(sent(pod_slot_).packets, 0u);
}

TEST_F(PodOut, ChargesTheContainerOfAProcessDeeperBelowIt) {
  uint32_t slot = put(*container_, {.parent = pod_slot_});
  TestCgroup below(container_->path() + "/service");
  below.enter();
  run(buildPacket({}));
  EXPECT_EQ(sent(slot).packets, 1u);
}

TEST_F(PodOut, ChargesThePodForAContainerThatIsNotKnown) {
  run(buildPacket({}));
  EXPECT_EQ(sent(pod_slot_).packets, 1u);
}

TEST_F(PodOut, LetsThePacketGoOnWhereNothingIsKnown) {
  Bytes packet = buildPacket({});
  traffic_->removeEntity(pod_->id());
  link(0);
  EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC);
  traffic_->removeLink(kLo);
  EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC);
  EXPECT_EQ(sent(pod_slot_).packets, 0u);
}

struct WireCase {
  const char* name;
  PacketSpec packet;
  RunContext context;
  uint64_t extra;  // beyond the packet's own length
};

TEST_F(PodOut, CountsTheHeadersOfEverySegment) {
  const WireCase cases[] = {
      {"one segment", {.payload = 1448}, {.gso_segs = 1, .gso_size = 1448}, 0},
      {"IPv4", {.payload = 3000}, {.gso_segs = 3, .gso_size = 1000}, 2 * (14 + 20 + 32)},
      {"IPv4 with options",
       {.options_words = 2, .payload = 3000},
       {.gso_segs = 3, .gso_size = 1000},
       2 * (14 + 28 + 32)},
      {"IPv6", {.version = 6, .payload = 3000}, {.gso_segs = 3, .gso_size = 1000}, 2 * (14 + 40 + 32)},
      {"behind a tag",
       {.vlan_tags = 1, .payload = 3000},
       {.gso_segs = 3, .gso_size = 1000},
       2 * (18 + 20 + 32)},
      {"UDP", {.tcp = false, .payload = 3000}, {.gso_segs = 4, .gso_size = 750}, 3 * (14 + 20 + 8)},
  };
  for (const WireCase& wire : cases) {
    SCOPED_TRACE(wire.name);
    TrafficFlow before = sent(pod_slot_);
    Bytes packet = buildPacket(wire.packet);
    ASSERT_EQ(run(packet, wire.context).error, 0);
    EXPECT_EQ(sent(pod_slot_).bytes - before.bytes, packet.size() + wire.extra);
    EXPECT_EQ(sent(pod_slot_).packets - before.packets, wire.context.gso_segs);
  }
}

TEST_F(PodOut, WritesDscpAndLeavesEcnAndChecksumRight) {
  put(*pod_, {.dscp = 46});
  for (int version : {4, 6}) {
    for (int tags : {0, 1, 2}) {
      SCOPED_TRACE("IPv" + std::to_string(version) + ", tags " + std::to_string(tags));
      Bytes packet = buildPacket({.version = version, .traffic_class = 0x2a, .vlan_tags = tags});
      RunResult result = run(packet);
      ASSERT_EQ(result.packet.size(), packet.size());
      EXPECT_EQ(trafficClassOf(result.packet), 46 << 2 | 2);
      EXPECT_TRUE(version == 6 || ipChecksumRight(result.packet));
      EXPECT_EQ(Bytes(result.packet.end() - 1000, result.packet.end()), Bytes(1000, 0x5a));
    }
  }
}

TEST_F(PodOut, PassesWhateverIsNoWholePacket) {
  put(*pod_, {.dscp = 46});
  PacketSpec garbage{.version = 0};
  std::vector<Bytes> packets = {buildPacket(garbage), Bytes(14, 0xff), Bytes(60, 0), Bytes(14, 0x08)};
  Bytes cut = buildPacket({.payload = 0});
  for (size_t size = 14; size < cut.size(); ++size)
    packets.emplace_back(cut.begin(), cut.begin() + static_cast<long>(size));
  packets.push_back(buildPacket({.vlan_tags = 4}));
  packets.push_back(buildPacket({.later_fragment = true}));
  packets.push_back(wrapInVxlan(buildPacket({})));
  for (const Bytes& packet : packets) {
    RunResult result = run(packet, {.gso_segs = 3, .gso_size = 100});
    EXPECT_TRUE(result.error != 0 || result.verdict == TC_ACT_UNSPEC) << packet.size();
  }
}

TEST_F(PodOut, DropsBeyondTheToleranceAndChargesNothingForIt) {
  // 1 kB/s, 3000 bytes of tolerance: 1114 bytes three times, not a fourth time.
  put(*pod_, {.egress = {1000, 2000, milliseconds(100), milliseconds(1000)}});
  Bytes packet = buildPacket({.payload = 1048});
  ASSERT_EQ(packet.size(), 1114u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC) << i;
  uint64_t tat = traffic_->entity(pod_slot_).egress.tat;
  EXPECT_EQ(run(packet).verdict, TC_ACT_SHOT);
  EXPECT_EQ(run(packet).verdict, TC_ACT_SHOT);
  EXPECT_EQ(traffic_->entity(pod_slot_).egress.tat, tat);
  EXPECT_NEAR(static_cast<double>(tat - monotonicNow()), 3 * 1114 * 1e6, 3e8) << "less what passed meanwhile";
  EXPECT_EQ(events(pod_slot_).drop_packets, 2u);
  EXPECT_EQ(events(pod_slot_).drop_bytes, 2 * 1114u);
  EXPECT_EQ(sent(pod_slot_).packets, 3u);
}

TEST_F(PodOut, MarksBeforeItDropsWhereThePacketCanBeMarked) {
  put(*pod_, {.egress = {10'000, 0, milliseconds(10), milliseconds(900)}});
  for (int version : {4, 6}) {
    for (uint8_t ecn : {0, 1, 2, 3}) {
      Bytes packet = buildPacket({.version = version, .traffic_class = ecn});
      run(packet);
      RunResult result = run(packet);
      EXPECT_EQ(result.verdict, TC_ACT_UNSPEC);
      EXPECT_EQ(trafficClassOf(result.packet), ecn == 0 ? 0 : 3) << "IPv" << version << " ecn " << int{ecn};
      traffic_->removeEntity(pod_->id());
      pod_slot_ = put(*pod_, {.egress = {10'000, 0, milliseconds(10), milliseconds(900)}});
      link(pod_slot_);
    }
  }
}

TEST_F(PodOut, AsksThePodToo) {
  uint32_t slot =
      put(*container_, {.parent = pod_slot_, .egress = {1'000'000, 0, milliseconds(1), milliseconds(1)}});
  put(*pod_, {.egress = {1'000, 0, milliseconds(1), milliseconds(1)}});
  Bytes packet = buildPacket({});
  EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC);
  usleep(10'000);
  uint64_t tat = traffic_->entity(slot).egress.tat;
  EXPECT_EQ(run(packet).verdict, TC_ACT_SHOT);
  EXPECT_EQ(traffic_->entity(slot).egress.tat, tat) << "the pod's refusal must be no debt of the container";
  EXPECT_EQ(events(slot).drop_packets, 1u);
}

TEST_F(PodOut, GivesASmallPacketTwiceTheTolerance) {
  put(*pod_, {.egress = {1000, 0, milliseconds(800), milliseconds(800)}});
  Bytes packet = buildPacket({}), small = buildPacket({.payload = 10});
  EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC);
  EXPECT_EQ(run(packet).verdict, TC_ACT_SHOT);
  EXPECT_EQ(run(small).verdict, TC_ACT_UNSPEC);
}

TEST_F(PodOut, KeepsDebtAcrossAChangeOfRateButNotForANewOwner) {
  put(*pod_, {.egress = {10'000, 0, milliseconds(1), milliseconds(1)}});
  Bytes packet = buildPacket({});
  run(packet);
  uint32_t generation = traffic_->details(pod_slot_).generation;
  uint64_t tat = traffic_->entity(pod_slot_).egress.tat;
  put(*pod_, {.egress = {20'000, 0, milliseconds(1), milliseconds(1)}});
  EXPECT_EQ(traffic_->entity(pod_slot_).egress.tat, tat);
  EXPECT_EQ(run(packet).verdict, TC_ACT_SHOT);

  traffic_->removeEntity(pod_->id());
  usleep(1'100'000);  // the slot's quarantine
  uint32_t again = put(*pod_, {.egress = {10'000, 0, milliseconds(1), milliseconds(1)}});
  link(again);
  EXPECT_EQ(run(packet).verdict, TC_ACT_UNSPEC);
  EXPECT_EQ(sent(again).packets, 1u);
  EXPECT_TRUE(again != pod_slot_ || traffic_->details(again).generation == generation + 1);
}

TEST_F(PodOut, DelaysInsteadWhereEveryQueueIsAnFq) {
  put(*pod_, {.flags = kEntityEdt, .egress = {10'000, 0, milliseconds(500), milliseconds(500)}});
  Bytes packet = buildPacket({.payload = 934});
  run(packet);
  uint64_t before = monotonicNow();
  RunResult second = run(packet);
  EXPECT_EQ(second.verdict, TC_ACT_UNSPEC);
  EXPECT_NEAR(static_cast<double>(second.tstamp) - static_cast<double>(before), 1e8, 1e7);
  EXPECT_EQ(events(pod_slot_).delayed, 1u);
}

TEST_F(PodOut, OnlyCountsWhereItIsToldToObserve) {
  put(*pod_, {.flags = kEntityObserve, .egress = {1'000, 0, milliseconds(1), milliseconds(1)}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(buildPacket({})).verdict, TC_ACT_UNSPEC);
  EXPECT_EQ(sent(pod_slot_).packets, 5u);
}

}  // namespace
}  // namespace plimsoll::testing
