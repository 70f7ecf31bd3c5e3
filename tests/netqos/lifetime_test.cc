// What the engine leaves when it goes, and what the next one finds: no packet without its class, no rate
// forgotten, and after a release nothing of ours at all.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/bpfobj/link.h"
#include "pkg/netqos/release.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Mode;
using netqos::ReleaseMode;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Lifetime : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("lifetime");
    first_.emplace(*pod_, "first", &node_->pod);
    second_.emplace(*pod_, "second", &node_->pod);
  }
  netqos::Options options(const std::string& bpffs) const {
    netqos::Options out = optionsFor(bpffs);
    out.allow_tcx = GetParam();
    return out;
  }
  void ask(Engine& engine) {
    ASSERT_EQ(apply(engine, first_->subject(), "net.priority", "high"), "Applied");
    ASSERT_EQ(apply(engine, first_->subject(), "net.egress.rate", "400M"), "Applied");
    ASSERT_EQ(apply(engine, first_->subject(), "net.pod.ingress.rate", "500M"), "Applied");
    ASSERT_EQ(apply(engine, second_->subject(), "net.ingress.rate", "300M"), "Applied");
  }
  // An agent of its own that asks and then is killed.
  void lifeEndingInKill(const std::string& bpffs) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
      auto engine = Engine::start(options(bpffs));
      bool fine = engine && apply(**engine, first_->subject(), "net.priority", "high") == "Applied" &&
                  apply(**engine, first_->subject(), "net.egress.rate", "400M") == "Applied";
      (void)!write(ready[1], fine ? "y" : "n", 1);
      for (;;) pause();
    }
    char said = 0;
    ASSERT_EQ(read(ready[0], &said, 1), 1);
    EXPECT_EQ(said, 'y');
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
  }
  // Everything that could still show a trace of us.
  std::string traces() const {
    std::string out = outputOf(
        "tc qdisc show; for d in pod0 up0; do tc filter show dev $d ingress; tc filter show dev $d "
        "egress; done; command -v bpftool > /dev/null || exit; bpftool net; bpftool cgroup tree " +
        cgroup2Mount() + " | grep plm_");
    for (uint32_t device : {node_->pod_link, node_->uplink})
      for (auto direction : {bpfobj::Direction::Ingress, bpfobj::Direction::Egress})
        for (uint32_t id : bpfobj::tcxPrograms(device, direction).value_or(std::vector<uint32_t>()))
          out += "program " + std::to_string(id) + " on device " + std::to_string(device) + "\n";
    for (const TestContainer* container : {&*first_, &*second_}) {
      base::UniqueFd cgroup(open(container->cgroup.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      for (auto hook :
           {bpfobj::CgroupHook::SkbIngress, bpfobj::CgroupHook::SkbEgress, bpfobj::CgroupHook::SockOps})
        for (uint32_t id : bpfobj::cgroupPrograms(cgroup.get(), hook).value_or(std::vector<uint32_t>()))
          out += "program " + std::to_string(id) + " on " + container->cgroup.path() + "\n";
    }
    return out;
  }

  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> first_, second_;
};

TEST_P(Lifetime, KilledAgentsLeaveNoPacketWithoutItsClass) {
  onNode(node_->host, [&](const std::string& bpffs) {
    lifeEndingInKill(bpffs);
    first_->cgroup.enter();
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    SteadySender sender(socket.get());
    for (int life = 0; life < 5; ++life) lifeEndingInKill(bpffs);
    const uint64_t sent = sender.stop();
    auto engine = Engine::start(options(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_GT(sent, 1000u);
    auto counts = (*engine)->countsOf(first_->cgroup.id());
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->egress.packets, sent);
    EXPECT_EQ((*engine)->report().uplinks[0].classes[1].packets, sent);
    EXPECT_EQ(show(**engine, first_->subject(), "net.egress.rate"), "400000000");
    EXPECT_EQ((*engine)->report().pods, 1u);
  });
}

TEST_P(Lifetime, AnotherLayoutTakesOverUnderTraffic) {
  onNode(node_->host, [&](const std::string& bpffs) {
    {
      auto engine = Engine::start(options(bpffs));
      ASSERT_TRUE(engine) << engine.error().message;
      ask(**engine);
    }
    first_->cgroup.enter();
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    SteadySender sender(socket.get());
    usleep(100'000);
    for (uint32_t schema : {901, 902, 903}) {
      netqos::Options next = options(bpffs);
      next.schema = schema;
      auto engine = Engine::start(next);
      ASSERT_TRUE(engine) << engine.error().message;
      usleep(50'000);
    }
    const uint64_t sent = sender.stop();
    netqos::Options last = options(bpffs);
    last.schema = 903;
    auto engine = Engine::start(last);
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_GT(sent, 1000u);
    EXPECT_EQ((*engine)->countsOf(first_->cgroup.id())->egress.packets, sent);
    EXPECT_EQ((*engine)->report().uplinks[0].classes[1].packets, sent);
    EXPECT_EQ(show(**engine, first_->subject(), "net.egress.rate"), "400000000");
    EXPECT_EQ(show(**engine, first_->subject(), "net.pod.ingress.rate"), "500000000");
    EXPECT_EQ(show(**engine, second_->subject(), "net.ingress.rate"), "300000000");
    EXPECT_EQ(outputOf("ls " + bpffs + "/plimsoll"), "v903\n");
  });
}

TEST_P(Lifetime, AnotherLineIsTakenOverUnderTraffic) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(options(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    ask(**engine);
    first_->cgroup.enter();
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    SteadySender sender(socket.get());
    netqos::LineOptions line = options(bpffs).line;
    for (uint64_t megabits : {0, 1000, 100, 0, 5000}) {
      line.bits_per_second = megabits * 1'000'000;
      EXPECT_TRUE((*engine)->configure(line));
      usleep(40'000);
    }
    const uint64_t sent = sender.stop();
    EXPECT_GT(sent, 200u);
    EXPECT_EQ((*engine)->countsOf(first_->cgroup.id())->egress.packets, sent);
    EXPECT_EQ((*engine)->report().uplinks[0].classes[1].packets, sent);
    line.uplinks = {"lo"};
    EXPECT_TRUE((*engine)->configure(line));
    EXPECT_EQ(bpfobj::tcxPrograms(node_->uplink, bpfobj::Direction::Egress).value_or(std::vector<uint32_t>()),
              std::vector<uint32_t>());
    EXPECT_EQ(outputOf("tc filter show dev up0 egress"), "");
  });
}

TEST_P(Lifetime, ReleaseLeavesTheNodeAsItWas) {
  onNode(node_->host, [&](const std::string& bpffs) {
    const std::string before = traces();
    bool paces = false;
    {
      auto engine = Engine::start(options(bpffs));
      ASSERT_TRUE(engine) << engine.error().message;
      ask(**engine);
      paces = (*engine)->report().pacing;
    }
    Sink sink(node_->peer, Transport::Tcp);
    first_->cgroup.enter();
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Tcp);
    auto pacing = [&socket] {
      uint32_t rate = 0;
      socklen_t size = sizeof(rate);
      getsockopt(socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size);
      return rate;
    };
    EXPECT_EQ(pacing() < ~0u, paces);
    const std::string during = traces();
    EXPECT_NE(during, before);
    auto would = netqos::release(options(bpffs), ReleaseMode::DryRun);
    EXPECT_GT(would.size(), 5u);
    EXPECT_EQ(traces(), during) << "a dry run changes nothing";
    auto done = netqos::release(options(bpffs), ReleaseMode::Release);
    EXPECT_EQ(done.size(), would.size());
    for (const auto& row : done) EXPECT_EQ(row.problem, "") << row.what;
    EXPECT_EQ(traces(), before);
    EXPECT_EQ(pacing(), ~0u);
    EXPECT_NE(access((bpffs + "/plimsoll").c_str(), F_OK), 0);
    EXPECT_THAT(netqos::release(options(bpffs), ReleaseMode::Release), IsEmpty()) << "twice is as once";
    EXPECT_EQ(traces(), before);
    sendFor(socket.get(), std::chrono::milliseconds(20));
    EXPECT_EQ(pacing(), ~0u);
  });
}

TEST_P(Lifetime, ReleaseLeavesWhatOthersMade) {
  onNode(node_->host, [&](const std::string& bpffs) {
    outputOf(
        "tc qdisc add dev pod0 clsact; tc filter add dev pod0 ingress prio 7 protocol all matchall action "
        "ok");
    const std::string before = traces();
    {
      auto engine = Engine::start(options(bpffs));
      ASSERT_TRUE(engine) << engine.error().message;
      ask(**engine);
    }
    for (const auto& row : netqos::release(options(bpffs), ReleaseMode::Release))
      EXPECT_EQ(row.problem, "") << row.what;
    EXPECT_EQ(traces(), before);
  });
}

TEST_P(Lifetime, WhatAJournalSeesAfterwardsAreDefaults) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto access = netqos::releasedAccess(options(bpffs).roots, {"/gone", 1});
    EXPECT_TRUE(access->gone());
    EXPECT_EQ(access->read(testing_support::planned("net.egress.rate", "1M")).value(), "max");
    EXPECT_TRUE(access->write(testing_support::planned("net.egress.rate", "max")));
    EXPECT_FALSE(access->write(testing_support::planned("net.egress.rate", "1M")));
  });
}

INSTANTIATE_TEST_SUITE_P(By, Lifetime, ::testing::Bool(),
                         [](const auto& p) { return p.param ? std::string("Tcx") : std::string("Classic"); });

}  // namespace
}  // namespace plimsoll::testing
