// A node with a pod of two containers, all programs attached.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/traffic.h"
#include "tests/bpf/net.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {

using bpfobj::CgroupHook;
using bpfobj::Direction;
using bpfobj::EntitySpec;
using bpfobj::Link;
using bpfobj::Program;
using bpfobj::Traffic;

class RealTraffic : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    auto loaded = Traffic::load({});
    ASSERT_TRUE(loaded) << loaded.error().message;
    traffic_.emplace(std::move(*loaded));
    pod_.emplace("real");
    first_.emplace(pod_->path() + "/first");
    second_.emplace(pod_->path() + "/second");
    pod_slot_ = put(*pod_, {});
    ASSERT_TRUE(traffic_->putLink(node_->pod_link, {pod_slot_, kClassNormal, first_->level(), kLinkPod}));
    ASSERT_TRUE(traffic_->putLink(node_->uplink, {0, 0, 0, kLinkUplink}));
    node_->host.run([this] {
      attach(Program::PodOut, node_->pod_link, Direction::Ingress);
      attach(Program::PodIn, node_->pod_link, Direction::Egress);
      attach(Program::UplinkOut, node_->uplink, Direction::Egress);
    });
  }

  // TCX, or a classic filter where the kernel has none.
  void attach(Program program, uint32_t ifindex, Direction direction) {
    int fd = *traffic_->program(program);
    auto link = Link::attachTcx(fd, ifindex, direction);
    if (link) {
      links_.push_back(std::move(*link));
      return;
    }
    ASSERT_EQ(link.error().code, base::ErrorCode::Unimplemented) << link.error().message;
    ASSERT_TRUE(bpfobj::ensureClsact(ifindex));
    auto classic = bpfobj::attachClassic({ifindex, direction}, fd);
    ASSERT_TRUE(classic) << classic.error().message;
  }
  void attachCgroup(Program program, CgroupHook hook, const TestCgroup& cgroup,
                    const TrafficAttached& attached) {
    base::UniqueFd fd(open(cgroup.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto link = Link::attachCgroup(*traffic_->program(program), fd.get(), hook);
    ASSERT_TRUE(link) << link.error().message;
    links_.push_back(std::move(*link));
    auto told = traffic_->putAttached(cgroup.id(), attached);
    ASSERT_TRUE(told) << told.error().message;
  }
  void pace(const TestCgroup& cgroup, uint32_t slot) {
    attachCgroup(Program::SockOps, CgroupHook::SockOps, cgroup, {slot, 0});
  }
  uint32_t put(const TestCgroup& cgroup, const EntitySpec& spec) {
    auto slot = traffic_->putEntity(cgroup.id(), spec);
    EXPECT_TRUE(slot);
    return slot.value_or(0);
  }
  TrafficFlow sent(uint32_t slot) { return traffic_->entity(slot).egress; }
  uint64_t uplinkPackets(int class_id) { return traffic_->uplinkCounts(0)->classes[class_id].packets; }

  std::optional<Node> node_;
  std::optional<Traffic> traffic_;
  std::optional<TestCgroup> pod_, first_, second_;
  std::vector<Link> links_;
  uint32_t pod_slot_ = 0;
};

}  // namespace plimsoll::testing
