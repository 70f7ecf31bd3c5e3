// The agent comes and goes while traffic flows: not a packet uncounted or without its class, no debt
// forgiven.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/traffic.h"
#include "tests/bpf/net.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::Direction;
using bpfobj::Link;
using bpfobj::Program;
using bpfobj::Traffic;

// A bpffs that only this thread sees, until the end of `work`.
void withBpffs(const std::function<void(const std::string&)>& work) {
  std::thread worker([&work] {
    char path[] = "/tmp/plimsoll-bpffs-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("bpf", path, "bpf", 0, nullptr), 0);
    work(path);
    umount2(path, MNT_DETACH);
    rmdir(path);
  });
  worker.join();
}

// One life of the agent: loads, takes over what is pinned or attaches and pins it, and is gone.
void agentLife(const std::string& bpffs, const Node& node, uint64_t pod_cgroup) {
  auto traffic = Traffic::load({.bpffs = bpffs});
  ASSERT_TRUE(traffic) << traffic.error().message;
  auto slot =
      traffic->putEntity(pod_cgroup, {.class_id = kClassHigh, .egress = bpfobj::limitFor(100'000'000, 0)});
  ASSERT_TRUE(slot);
  ASSERT_TRUE(traffic->putLink(node.pod_link, {*slot, kClassHigh, 1, kLinkPod}));
  ASSERT_TRUE(traffic->putLink(node.uplink, {0, 0, 0, kLinkUplink}));
  struct Place {
    Program program;
    uint32_t ifindex;
    Direction direction;
    const char* pin;
  };
  for (const Place& place : {Place{Program::UplinkOut, node.uplink, Direction::Egress, "/up"},
                             Place{Program::PodOut, node.pod_link, Direction::Ingress, "/pod"}}) {
    std::string pin = traffic->pinFolder() + place.pin;
    if (auto known = Link::openPinned(pin)) {
      ASSERT_TRUE(known->update(*traffic->program(place.program)));
      continue;
    }
    node.host.run([&] {
      auto link = Link::attachTcx(*traffic->program(place.program), place.ifindex, place.direction);
      ASSERT_TRUE(link) << link.error().message;
      ASSERT_TRUE(link->pin(pin));
    });
  }
}

TEST(Upgrade, TenLivesOfTheAgentUnderTraffic) {
  if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
  Node node;
  if (!node.ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
  auto probe = Traffic::load({});
  ASSERT_TRUE(probe) << probe.error().message;
  bool tcx = true;
  node.host.run([&] {
    auto link = Link::attachTcx(*probe->program(Program::PodOut), node.pod_link, Direction::Ingress);
    tcx = link || link.error().code != base::ErrorCode::Unimplemented;
  });
  if (!tcx) GTEST_SKIP() << "needs TCX links (Linux 6.6)";
  TestCgroup pod("upgrade");
  Sink sink(node.peer, Transport::Udp);
  base::UniqueFd socket = connectTo(node.pod, sink, Transport::Udp);
  sendFor(socket.get(), std::chrono::milliseconds(20), 10);  // neighbours are known from here on
  withBpffs([&](const std::string& bpffs) {
    agentLife(bpffs, node, pod.id());
    if (::testing::Test::HasFatalFailure()) return;
    SteadySender sender(socket.get());
    for (int life = 0; life < 10; ++life) agentLife(bpffs, node, pod.id());
    const uint64_t sent = sender.stop();
    auto traffic = Traffic::load({.bpffs = bpffs});
    ASSERT_TRUE(traffic);
    TrafficEntity entity = traffic->entity(*traffic->findEntity(pod.id()));
    uint64_t at_uplink = traffic->uplinkCounts(0)->classes[kClassHigh].packets;
    EXPECT_GT(sent, 1000u);
    EXPECT_GE(entity.egress.packets, sent);
    EXPECT_LE(entity.egress.packets, sent + 20) << "but for the kernel's own few packets";
    EXPECT_GE(at_uplink, sent);
    EXPECT_EQ(traffic->entities().size(), 1u);
  });
}

TEST(Upgrade, AProgramOnACgroupStillKnowsItsEntity) {
  if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
  Node node;
  if (!node.ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
  TestCgroup container("upgrade-cgroup");
  Sink sink(node.peer, Transport::Udp);
  container.enter();
  base::UniqueFd socket = connectTo(node.host, sink, Transport::Udp);
  base::UniqueFd cgroup(open(container.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  withBpffs([&](const std::string& bpffs) {
    std::string pin;
    uint32_t slot = 0;
    auto sendTen = [&] {
      for (int i = 0; i < 10; ++i) (void)!send(socket.get(), "x", 1, 0);
    };
    {
      auto first = Traffic::load({.bpffs = bpffs});
      ASSERT_TRUE(first) << first.error().message;
      slot = *first->putEntity(container.id(), {});
      auto link = Link::attachCgroup(*first->program(Program::CgroupOut), cgroup.get(),
                                     bpfobj::CgroupHook::SkbEgress);
      ASSERT_TRUE(link) << link.error().message;
      ASSERT_TRUE(first->putAttached(container.id(), {slot, 0}));
      pin = first->pinFolder() + "/cgroup";
      ASSERT_TRUE(link->pin(pin));
    }
    sendTen();
    auto second = Traffic::load({.bpffs = bpffs});
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_EQ(second->entity(slot).egress.packets, 10u) << "counted with nobody there";
    auto link = Link::openPinned(pin);
    ASSERT_TRUE(link) << link.error().message;
    ASSERT_TRUE(link->update(*second->program(Program::CgroupOut)));
    sendTen();
    EXPECT_EQ(second->entity(slot).egress.packets, 20u);
    EXPECT_TRUE(second->putAttached(container.id(), {slot, 0}));
  });
}

}  // namespace
}  // namespace plimsoll::testing
