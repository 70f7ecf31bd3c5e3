// Attaching ahead of the first setting, beside what the agent does meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/bpfobj/link.h"
#include "pkg/netqos/hooks.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Mode;

class Prepare : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("prepare");
    first_.emplace(*pod_, "first", &node_->pod);
    onNode(node_->host, [&](const std::string& bpffs) {
      auto engine = Engine::start(optionsFor(bpffs));
      tcx_ = engine && (*engine)->report().mode == Mode::LinkTcx;
    });
    if (!tcx_) GTEST_SKIP() << "needs TCX";
  }
  size_t attached() const {
    auto ids = bpfobj::tcxPrograms(node_->pod_link, bpfobj::Direction::Ingress);
    return ids ? ids->size() : 0;
  }
  // Until what was begun is done; a second is far more than a grace period takes.
  bool becomes(size_t count) const {
    for (int i = 0; i < 100 && attached() != count; ++i) usleep(10'000);
    return attached() == count;
  }
  uint64_t countTen(Engine& engine) {
    first_->cgroup.enter();
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    const uint64_t before = engine.countsOf(first_->cgroup.id())->egress.packets;
    for (int i = 0; i < 10; ++i) send(socket.get(), "x", 1, 0);
    usleep(20'000);
    return engine.countsOf(first_->cgroup.id())->egress.packets - before;
  }

  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> first_;
  bool tcx_ = false;
};

TEST_F(Prepare, TheFirstSettingFindsItDoneOrWaitsForTheRest) {
  for (int wait : {0, 100'000}) {
    onNode(node_->host, [&](const std::string& bpffs) {
      auto engine = Engine::start(optionsFor(bpffs));
      ASSERT_TRUE(engine) << engine.error().message;
      (*engine)->prepare(first_->process.pid());
      (*engine)->prepare(first_->process.pid());  // of the pod's second container
      usleep(wait);
      ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
      EXPECT_EQ(attached(), 1u);
      EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).mode, Mode::LinkTcx);
      EXPECT_EQ(countTen(**engine), 10u);
      EXPECT_EQ((*engine)->reconcile().repaired, 0u);
      (*engine)->prepare(first_->process.pid());
      EXPECT_EQ(attached(), 1u);
      ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "normal"), "Applied");
      EXPECT_EQ(attached(), 0u) << "nothing is asked any more";
    });
  }
}

TEST_F(Prepare, WhatNobodyClaimsIsTakenBack) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto traffic = bpfobj::Traffic::load({.bpffs = bpffs});
    ASSERT_TRUE(traffic) << traffic.error().message;
    auto rtnl = rtnl::Socket::open();
    ASSERT_TRUE(rtnl);
    netqos::CgroupTree tree(cgroup2Mount());
    netqos::Hooks hooks(*traffic, *rtnl, tree, true, traffic->pinFolder());
    const netqos::Place place{bpfobj::Program::PodOut, node_->pod_link, {}};
    hooks.prepare(place);
    EXPECT_TRUE(becomes(1));
    const auto now = netqos::Hooks::Clock::now();
    hooks.dropUnclaimed(now);
    EXPECT_EQ(attached(), 1u);
    hooks.dropUnclaimed(now + std::chrono::minutes(2));
    EXPECT_EQ(attached(), 0u);
    EXPECT_NE(access((traffic->pinFolder() + "/" + place.pin()).c_str(), F_OK), 0);
    hooks.prepare(place);
    ASSERT_TRUE(hooks.ensure(place));
    hooks.dropUnclaimed(netqos::Hooks::Clock::now() + std::chrono::minutes(2));
    EXPECT_EQ(attached(), 1u) << "claimed";
    EXPECT_TRUE(hooks.remove(place));
  });
}

TEST_F(Prepare, AnAgentThatEndsMeanwhileLeavesNothingBehind) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    (*engine)->prepare(first_->process.pid());
    engine->reset();
    EXPECT_EQ(attached(), 1u) << "what was begun is finished first";
    engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ(attached(), 0u);
  });
}

TEST_F(Prepare, WithoutALinkNothingHappens) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    (*engine)->prepare(getpid());
    (*engine)->prepare(0x7fffffff);  // nobody
    TestContainer host(*pod_, "host", &node_->host);
    (*engine)->prepare(host.process.pid());
    engine->reset();
    EXPECT_EQ(attached(), 0u);
  });
}

}  // namespace
}  // namespace plimsoll::testing
