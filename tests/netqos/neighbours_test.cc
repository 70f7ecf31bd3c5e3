// Others on the same paths: what they take away is put back, but not for ever; what they made is left; what
// they are is said.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "pkg/bpfobj/link.h"
#include "pkg/netqos/hooks.h"
#include "pkg/netqos/probe.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Finding;
using netqos::Mode;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class Neighbours : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("neighbours");
    first_.emplace(*pod_, "first", &node_->pod);
  }
  // Somebody who ends the link that a pin names, whoever holds it.
  static void takeAway(const std::string& pin) {
    auto link = bpfobj::Link::openPinned(pin);
    ASSERT_TRUE(link) << link.error().message;
    ASSERT_TRUE(link->detach());
  }
  std::string podPin(const std::string& bpffs) const {
    return bpffs + "/plimsoll/v1/device-" + std::to_string(node_->pod_link) + "-pod_out";
  }
  uint64_t countTen(Engine& engine) {
    first_->cgroup.enter();
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd socket = connectTo(node_->pod, sink, Transport::Udp);
    uint64_t before = engine.countsOf(first_->cgroup.id())->egress.packets;
    for (int i = 0; i < 10; ++i) send(socket.get(), "x", 1, 0);
    usleep(20'000);
    return engine.countsOf(first_->cgroup.id())->egress.packets - before;
  }
  // Wire bytes that reached the container of what the peer sent it.
  double receivedInASecond() {
    first_->cgroup.enter();
    Sink sink(node_->pod, Transport::Udp);
    node_->peer.run([&] {
      base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_port = htons(sink.port());
      inet_pton(AF_INET, "10.1.1.2", &address.sin_addr);
      if (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
        sendFor(socket.get(), std::chrono::milliseconds(1000), 1000);
    });
    return static_cast<double>(sink.bytes()) * 1042 / 1000;
  }
  // Who else is there is looked at seldom.
  static void lookAround(Engine& engine) {
    for (int i = 0; i < 4; ++i) engine.reconcile();
  }
  // A program of somebody else that gives `verdict`.
  static base::UniqueFd verdictProgram(int verdict) {
    const bpf_insn code[] = {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict},
                             {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    return base::UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other_agent", "GPL", code, 2, nullptr));
  }

  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> first_;
};

TEST_F(Neighbours, WhatIsTakenAwayIsPutBackThreeTimesAMinuteAndThenLeft) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    if ((*engine)->report().mode != Mode::LinkTcx) GTEST_SKIP() << "needs TCX";
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    for (int i = 0; i < 3; ++i) {
      takeAway(podPin(bpffs));
      EXPECT_EQ((*engine)->reconcile().repaired, 1u);
      EXPECT_EQ(countTen(**engine), 10u);
    }
    takeAway(podPin(bpffs));
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    EXPECT_EQ((*engine)->report().stepped_back, 1u);
    EXPECT_EQ((*engine)->report().repairs, 3u);
    auto mode = (*engine)->modeOf(first_->cgroup.id());
    EXPECT_EQ(mode.mode, Mode::Cgroup) << "the next best";
    EXPECT_THAT(mode.reason, HasSubstr("somebody else took plm_pod_out away"));
    EXPECT_EQ(countTen(**engine), 10u);
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).mode, Mode::Cgroup);
  });
}

TEST_F(Neighbours, AfterTenMinutesAPlaceIsTriedAgain) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto traffic = bpfobj::Traffic::load({.bpffs = bpffs});
    ASSERT_TRUE(traffic) << traffic.error().message;
    auto rtnl = rtnl::Socket::open();
    ASSERT_TRUE(rtnl);
    netqos::CgroupTree tree(cgroup2Mount());
    if (!bpfobj::hasTcx(*traffic->program(bpfobj::Program::PodOut))) GTEST_SKIP() << "needs TCX";
    netqos::Hooks hooks(*traffic, *rtnl, tree, true, traffic->pinFolder());
    const netqos::Place place{bpfobj::Program::PodOut, node_->pod_link, {}};
    ASSERT_TRUE(hooks.ensure(place));
    for (int i = 0; i < 4; ++i) {
      takeAway(podPin(bpffs));
      hooks.check(place);
    }
    EXPECT_TRUE(hooks.standsBack(place));
    EXPECT_FALSE(hooks.ensure(place));
    EXPECT_TRUE(hooks.remove(place)) << "and still it is known whose the place is";
    const auto now = netqos::Hooks::Clock::now();
    hooks.forgive(now + std::chrono::minutes(9));
    EXPECT_FALSE(hooks.ensure(place));
    hooks.forgive(now + std::chrono::minutes(11));
    EXPECT_TRUE(hooks.ensure(place));
    EXPECT_EQ(hooks.howAttached(place), "tcx");
    EXPECT_TRUE(hooks.remove(place));
  });
}

TEST_F(Neighbours, ARemovedPinIsPutBackToo) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    if ((*engine)->report().mode != Mode::LinkTcx) GTEST_SKIP() << "needs TCX";
    unlink(podPin(bpffs).c_str());
    unlink((bpffs + "/plimsoll/v1/device-" + std::to_string(node_->uplink) + "-uplink_out").c_str());
    unlink((bpffs + "/plimsoll/v1/cgroup-" + std::to_string(first_->cgroup.id()) + "-sockops").c_str());
    usleep(100'000);  // the kernel ends them a little later
    EXPECT_EQ((*engine)->reconcile().repaired, 3u);
    EXPECT_EQ(countTen(**engine), 10u);
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
  });
}

TEST_F(Neighbours, AClassicFilterIsPutBackAndAnothersInItsPlaceIsLeft) {
  onNode(node_->host, [&](const std::string& bpffs) {
    netqos::Options options = optionsFor(bpffs);
    options.allow_tcx = false;
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    outputOf("tc qdisc del dev pod0 clsact");
    EXPECT_EQ((*engine)->reconcile().repaired, 1u);
    EXPECT_EQ(countTen(**engine), 10u);
    outputOf("tc qdisc del dev pod0 clsact; tc qdisc add dev pod0 clsact");
    base::UniqueFd other = verdictProgram(-1);
    ASSERT_TRUE(bpfobj::attachClassic({node_->pod_link, bpfobj::Direction::Ingress}, other.get()));
    (*engine)->reconcile();
    EXPECT_THAT(outputOf("tc filter show dev pod0 ingress"), HasSubstr("other_agent"));
    auto mode = (*engine)->modeOf(first_->cgroup.id());
    EXPECT_EQ(mode.mode, Mode::Cgroup);
    EXPECT_THAT(mode.reason, HasSubstr("another's"));
    EXPECT_EQ(countTen(**engine), 10u);
  });
}

TEST_F(Neighbours, AProgramThatMayEndTheClassicChainLeavesUsTheCgroup) {
  onNode(node_->host, [&](const std::string& bpffs) {
    base::UniqueFd other = verdictProgram(0);
    ASSERT_TRUE(bpfobj::ensureClsact(node_->pod_link));
    ASSERT_TRUE(bpfobj::attachClassic({node_->pod_link, bpfobj::Direction::Ingress, 1, 1}, other.get()));
    netqos::Options options = optionsFor(bpffs);
    options.allow_tcx = false;
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    auto mode = (*engine)->modeOf(first_->cgroup.id());
    EXPECT_EQ(mode.mode, Mode::Cgroup);
    EXPECT_THAT(mode.reason, HasSubstr("may end the chain"));
    EXPECT_EQ(countTen(**engine), 10u);
  });
}

TEST_F(Neighbours, DecoysKeepEveryPacketAndAreNamedWhereTheyStandBeforeUs) {
  onNode(node_->host, [&](const std::string& bpffs) {
    base::UniqueFd after = verdictProgram(-1), before = verdictProgram(-1);
    auto later = bpfobj::Link::attachTcx(after.get(), node_->pod_link, bpfobj::Direction::Ingress);
    if (!later) GTEST_SKIP() << later.error().message;
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    lookAround(**engine);
    EXPECT_THAT((*engine)->report().findings, Not(Contains(Field(&Finding::where, "pod0"))));
    auto first = bpfobj::Link::attachTcx(before.get(), node_->pod_link, bpfobj::Direction::Ingress);
    ASSERT_TRUE(first);
    lookAround(**engine);
    EXPECT_THAT((*engine)->report().findings, Contains(Field(&Finding::what, "program other_agent")));
    EXPECT_EQ(countTen(**engine), 10u);
    EXPECT_EQ(bpfobj::tcxPrograms(node_->pod_link, bpfobj::Direction::Ingress)->size(), 3u);
  });
}

TEST_F(Neighbours, TheBandwidthPluginsQueuesAreLeftAndNamed) {
  onNode(node_->host, [&](const std::string& bpffs) {
    const std::string made = outputOf(
        "tc qdisc add dev pod0 root tbf rate 100mbit burst 128kb latency 25ms; tc qdisc add dev pod0 "
        "ingress");
    const std::string before = outputOf("tc qdisc show dev pod0");
    if (before.find("tbf") == std::string::npos) GTEST_SKIP() << "no tbf here: " << made;
    for (bool tcx : {true, false}) {
      netqos::Options options = optionsFor(bpffs);
      options.allow_tcx = tcx;
      auto engine = Engine::start(options);
      ASSERT_TRUE(engine) << engine.error().message;
      ASSERT_EQ(apply(**engine, first_->subject(), "net.pod.ingress.rate", "50M"), "Applied");
      lookAround(**engine);
      EXPECT_THAT((*engine)->report().findings, Contains(Field(&Finding::what, "tbf")));
      EXPECT_THAT((*engine)->report().findings, Contains(Field(&Finding::what, "ingress qdisc")));
      EXPECT_EQ(countTen(**engine), 10u);
      ASSERT_EQ(apply(**engine, first_->subject(), "net.pod.ingress.rate", "1M"), "Applied");
      EXPECT_NEAR(receivedInASecond(), 125'000, 25'000) << (tcx ? "at the link" : "at the cgroup");
      ASSERT_EQ(apply(**engine, first_->subject(), "net.pod.ingress.rate", "max"), "Applied");
      EXPECT_EQ(outputOf("tc qdisc show dev pod0"), before);
      EXPECT_EQ(outputOf("tc filter show dev pod0 ingress"), "");
    }
    EXPECT_EQ(outputOf("tc qdisc del dev pod0 root; tc qdisc del dev pod0 ingress"), "");
  });
}

TEST_F(Neighbours, UnderCiliumIngressIsHeldAtTheCgroup) {
  onNode(node_->host, [&](const std::string& bpffs) {
    mkdir((bpffs + "/tc").c_str(), 0700);
    mkdir((bpffs + "/tc/globals").c_str(), 0700);
    mkdir((bpffs + "/tc/globals/cilium_throttle").c_str(), 0700);
    EXPECT_THAT(netqos::probe(optionsFor(bpffs)).findings,
                Contains(Field(&Finding::what, "cilium's bandwidth manager")));
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_EQ(apply(**engine, first_->subject(), "net.pod.ingress.rate", "50M"), "Applied");
    EXPECT_THAT((*engine)->report().findings, Contains(Field(&Finding::what, "cilium")));
    std::vector<std::string> programs;
    for (const auto& attached : (*engine)->modeOf(first_->cgroup.id()).attached)
      programs.push_back(attached.program);
    EXPECT_THAT(programs, Contains("plm_cg_in"));
    EXPECT_THAT(programs, Not(Contains("plm_pod_in")));
    EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).mode, (*engine)->report().mode);
  });
}

class Ends : public Neighbours, public ::testing::WithParamInterface<bool> {
 protected:
  netqos::Options options(const std::string& bpffs, std::vector<std::string> uplinks = {"up0"}) const {
    netqos::Options out = optionsFor(bpffs, std::move(uplinks));
    out.allow_tcx = GetParam();
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(By, Ends, ::testing::Values(true, false),
                         [](const auto& way) { return way.param ? "Tcx" : "Classic"; });

TEST_P(Ends, WhatEndsIsForgotten) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(options(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    const std::string before = outputOf("ls " + bpffs + "/plimsoll/v1 | grep -v plm_");
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    outputOf("ip link del pod0");
    (*engine)->onEvents();
    EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).attached.size(), 2u) << "those of the cgroup";
    (*engine)->reconcile();
    EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).mode, Mode::Cgroup);
    first_.reset();
    EXPECT_EQ((*engine)->reconcile().forgotten, 1u);
    EXPECT_EQ((*engine)->report().containers, 0u);
    pod_.reset();
    EXPECT_EQ((*engine)->reconcile().forgotten, 1u);
    EXPECT_EQ((*engine)->report().pods, 0u);
    EXPECT_EQ(outputOf("ls " + bpffs + "/plimsoll/v1 | grep -v plm_"), before);
  });
}

TEST_F(Neighbours, ALinkThatComesLaterTakesOverFromTheCgroup) {
  onNode(node_->host, [&](const std::string& bpffs) {
    outputOf("ip link del pod0");
    auto engine = Engine::start(optionsFor(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    if ((*engine)->report().mode != Mode::LinkTcx) GTEST_SKIP() << "needs TCX";
    ASSERT_EQ(apply(**engine, first_->subject(), "net.priority", "high"), "Applied");
    EXPECT_EQ((*engine)->modeOf(first_->cgroup.id()).mode, Mode::Cgroup);
    EXPECT_EQ(outputOf("ip link add pod0 type veth peer name eth0 netns " + node_->pod.path() +
                       "; ip addr add 10.1.1.1/24 dev pod0; ip link set pod0 up"),
              "");
    node_->pod.shell(
        "PATH=$PATH:/usr/sbin:/sbin; ip addr add 10.1.1.2/24 dev eth0; ip link set eth0 up; "
        "ip route add default via 10.1.1.1");
    (*engine)->onEvents();
    const auto mode = (*engine)->modeOf(first_->cgroup.id());
    EXPECT_EQ(mode.mode, Mode::LinkTcx) << mode.reason;
    EXPECT_EQ(mode.attached.size(), 3u) << "the cgroup's egress program is not needed any more";
    EXPECT_EQ(countTen(**engine), 10u);
  });
}

TEST_P(Ends, AnUplinkThatComesLaterIsFoundByItsName) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto engine = Engine::start(options(bpffs, {"up0", "later0"}));
    ASSERT_TRUE(engine) << engine.error().message;
    auto problems = [&] {
      std::string all;
      for (const auto& uplink : (*engine)->report().uplinks) all += uplink.problem;
      return all;
    };
    EXPECT_THAT(problems(), HasSubstr("there is no device of this name"));
    outputOf("ip link add later0 type veth peer name later1; ip link set later0 up");
    (*engine)->onEvents();
    EXPECT_EQ(problems(), "");
    EXPECT_EQ((*engine)->report().uplinks.size(), 2u);
    outputOf("ip link del later0");
    (*engine)->onEvents();
    (*engine)->reconcile();
    EXPECT_THAT(problems(), HasSubstr("there is no device of this name"));
  });
}

TEST_F(Neighbours, ProbeSaysTheModeAndChangesNothing) {
  onNode(node_->host, [&](const std::string& bpffs) {
    auto report = netqos::probe(optionsFor(bpffs));
    EXPECT_TRUE(report.mode == Mode::LinkTcx || report.mode == Mode::LinkClassic);
    ASSERT_EQ(report.uplinks.size(), 1u);
    EXPECT_EQ(report.uplinks[0].device, "up0");
    EXPECT_EQ(report.uplinks[0].queue, "noqueue");
    EXPECT_NE(access((bpffs + "/plimsoll").c_str(), F_OK), 0);
    netqos::Options nowhere = optionsFor("/tmp");
    EXPECT_THAT(netqos::probe(nowhere).findings, Contains(Field(&Finding::what, "bpffs")));
  });
}

TEST_F(Neighbours, ProbeSaysThatItIsNotInTheNodesNamespace) {
  onNode(node_->host, [&](const std::string& bpffs) {
    netqos::Options options = optionsFor(bpffs);
    options.roots.proc = bpffs + "-proc";
    std::filesystem::create_directories(options.roots.proc + "/1/ns");
    const std::string ns = options.roots.proc + "/1/ns/net";
    std::filesystem::create_symlink("/proc/thread-self/ns/net", ns);
    EXPECT_THAT(netqos::probe(options).findings, Not(Contains(Field(&Finding::what, "network namespace"))));
    unlink(ns.c_str());
    std::filesystem::create_symlink("/proc/thread-self/ns/mnt", ns);
    EXPECT_THAT(netqos::probe(options).findings, Contains(Field(&Finding::what, "network namespace")));
    std::filesystem::remove_all(options.roots.proc);
  });
}

}  // namespace
}  // namespace plimsoll::testing
