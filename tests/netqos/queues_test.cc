// network.manageQdisc with real devices: only the kernel's default gives way, and it comes back. Every kernel
// has pfifo_fast, which stands for the kinds that this one may lack; fq and prio where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/netqos/probe.h"
#include "pkg/netqos/release.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Engine;
using netqos::Finding;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Queues : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    const int made = node_.shell(
        "ip link add up1 type ifb && ip link set up1 up && "
        "ip link add up4 numtxqueues 4 numrxqueues 4 type ifb && ip link set up4 up");
    if (made != 0) GTEST_SKIP() << "needs ip(8) and ifb";
  }
  // The engine is the only one who uses `kinds`.
  static netqos::Options managed(const std::string& bpffs, const std::string& uplink = "up1",
                                 std::vector<std::string> kinds = {"pfifo_fast"}) {
    netqos::Options options = optionsFor(bpffs, {uplink});
    options.line.manage_queue = true;
    options.queue_kinds = std::move(kinds);
    return options;
  }
  // As an operator sees it, without the kernel's reference counts, and without what filters hang on.
  static std::string queues() {
    return outputOf(
        "for d in up1 up4; do tc qdisc show dev $d; done | sed 's/ refcnt [0-9]*//' | grep -v clsact | sort");
  }
  static std::vector<std::string> problems(const netqos::Options& options) {
    std::vector<std::string> out;
    for (const auto& row : netqos::release(options, netqos::ReleaseMode::Release))
      if (!row.problem.empty()) out.push_back(row.what + ": " + row.problem);
    return out;
  }
  static auto finding(const std::string& what, const std::string& means) {
    return Contains(AllOf(Field(&Finding::what, what), Field(&Finding::means, HasSubstr(means))));
  }
  static std::string queuesAfterwards(const netqos::Options& options, const std::string& command) {
    outputOf(command);
    auto engine = Engine::start(options);
    EXPECT_TRUE(engine);
    return queues();
  }

  Namespace node_;
};

TEST_F(Queues, WithoutTheWishNothingIsTouched) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    netqos::Options options = managed(bpffs);
    options.line.manage_queue = false;
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    (*engine)->reconcile();
    EXPECT_EQ(queues(), before);
    EXPECT_THAT(problems(options), IsEmpty());
  });
}

TEST_F(Queues, TheDefaultGivesWayAndComesBackWithTheConfiguration) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    netqos::Options options = managed(bpffs);
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_THAT(queues(), HasSubstr("qdisc pfifo_fast 504c: root"));
    EXPECT_THAT((*engine)->report().findings, finding("queue pfifo_fast", "in the place of the kernel's"));
    EXPECT_THAT(outputOf("ls " + bpffs + "/plimsoll/v*"), HasSubstr("queue-"));
    EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    options.line.manage_queue = false;
    ASSERT_TRUE((*engine)->configure(options.line));
    EXPECT_EQ(queues(), before);
    EXPECT_THAT(outputOf("ls " + bpffs + "/plimsoll/v*"), Not(HasSubstr("queue-")));
    EXPECT_THAT((*engine)->report().findings, Not(finding("queue pfifo_fast", "")));
  });
}

TEST_F(Queues, AnotherUplinkGivesTheFormerItsQueueBack) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = outputOf("tc qdisc show dev up1");
    netqos::Options options = managed(bpffs);
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    options.line.uplinks = {"up4"};
    ASSERT_TRUE((*engine)->configure(options.line));
    EXPECT_EQ(outputOf("tc qdisc show dev up1"), before);
    EXPECT_THAT(outputOf("tc qdisc show dev up4"), HasSubstr("qdisc mq 504c: root"));
  });
}

TEST_F(Queues, EachQueueOfADeviceWithSeveral) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    netqos::Options options = managed(bpffs, "up4");
    {
      auto engine = Engine::start(options);
      ASSERT_TRUE(engine) << engine.error().message;
      for (const char* leaf :
           {"504d: parent 504c:1", "504e: parent 504c:2", "504f: parent 504c:3", "5050: parent 504c:4"})
        EXPECT_THAT(queues(), HasSubstr(std::string("qdisc pfifo_fast ") + leaf));
      EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    }
    EXPECT_THAT(problems(options), IsEmpty());
    EXPECT_EQ(queues(), before);
  });
}

TEST_F(Queues, OutlivesTheAgentAndIsReleasedWithoutOneTwice) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    const std::string former = before.find("qdisc fq_codel") == std::string::npos ? "pfifo_fast" : "fq_codel";
    const netqos::Options options = managed(bpffs);
    ASSERT_TRUE(Engine::start(options));
    const std::string ours = queues();
    ASSERT_NE(ours, before);
    {
      auto again = Engine::start(options);
      ASSERT_TRUE(again);
      EXPECT_EQ(queues(), ours);
      EXPECT_EQ((*again)->report().repairs, 0u);
      EXPECT_THAT((*again)->report().findings, finding("queue pfifo_fast", "kernel's " + former));
    }
    const auto would = netqos::release(options, netqos::ReleaseMode::DryRun);
    EXPECT_THAT(would, Contains(Field(&netqos::Released::what, HasSubstr("which was " + former))));
    EXPECT_EQ(queues(), ours);
    EXPECT_THAT(problems(options), IsEmpty());
    EXPECT_EQ(queues(), before);
    EXPECT_THAT(netqos::release(options, netqos::ReleaseMode::Release), IsEmpty());
  });
}

TEST_F(Queues, WhatAnAgentOfAnotherConfigurationLeftGoesBack) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    netqos::Options options = managed(bpffs);
    ASSERT_TRUE(Engine::start(options));
    options.line.manage_queue = false;
    ASSERT_TRUE(Engine::start(options));
    EXPECT_EQ(queues(), before);
  });
}

TEST_F(Queues, OneThatSomebodyMadeStays) {
  onNode(node_, [&](const std::string& bpffs) {
    outputOf("tc qdisc add dev up1 root handle 1: tbf rate 100mbit burst 128kb latency 25ms");
    const std::string before = queues();
    if (before.find("tbf") == std::string::npos) GTEST_SKIP() << "no tbf here";
    const netqos::Options options = managed(bpffs);
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ(queues(), before);
    EXPECT_THAT((*engine)->report().findings, finding("queue tbf", "somebody's and stays"));
    EXPECT_THAT(problems(options), IsEmpty());
    EXPECT_EQ(queues(), before);
  });
}

TEST_F(Queues, WhoReplacesOursKeepsHisOwn) {
  onNode(node_, [&](const std::string& bpffs) {
    const netqos::Options options = managed(bpffs);
    auto engine = Engine::start(options);
    ASSERT_TRUE(engine) << engine.error().message;
    outputOf("tc qdisc replace dev up1 root handle 1: tbf rate 100mbit burst 128kb latency 25ms");
    const std::string his = queues();
    if (his.find("tbf") == std::string::npos) GTEST_SKIP() << "no tbf here";
    for (int i = 0; i < 5; ++i) (*engine)->reconcile();
    EXPECT_EQ(queues(), his);
    EXPECT_THAT((*engine)->report().findings, finding("queue tbf", "stays"));
    outputOf("tc qdisc del dev up1 root");
    (*engine)->reconcile();
    EXPECT_THAT(queues(), HasSubstr("504c: root")) << "he left, and only the default is there";
  });
}

TEST_F(Queues, WhatIsTakenAwayIsPutBackThreeTimesAMinute) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    auto engine = Engine::start(managed(bpffs));
    ASSERT_TRUE(engine) << engine.error().message;
    for (int i = 0; i < 3; ++i) {
      outputOf("tc qdisc del dev up1 root");
      EXPECT_EQ((*engine)->reconcile().repaired, 1u);
      EXPECT_THAT(queues(), HasSubstr("504c: root"));
    }
    outputOf("tc qdisc del dev up1 root");
    for (int i = 0; i < 3; ++i) EXPECT_EQ((*engine)->reconcile().repaired, 0u);
    EXPECT_EQ(queues(), before);
    EXPECT_THAT((*engine)->report().findings, finding("queue pfifo_fast", "left to him"));
  });
}

TEST_F(Queues, WithoutAnyKindOrAnyQueueItIsSaid) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    auto engine = Engine::start(managed(bpffs, "up4", {}));
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ(queues(), before);
    EXPECT_THAT((*engine)->report().findings, finding("queue mq", "this kernel has none"));
    EXPECT_THAT(outputOf("ls " + bpffs + "/plimsoll/v*"), Not(HasSubstr("queue-")));
    outputOf("ip link add up2 type veth peer name peer2; ip link set up2 up");
    (*engine)->onEvents();
    netqos::LineOptions line = managed(bpffs, "up2").line;
    ASSERT_TRUE((*engine)->configure(line));
    EXPECT_THAT((*engine)->report().findings, finding("queue noqueue", "no queue of its own"));
  });
}

TEST_F(Queues, AProbeSaysThatAQueueTreatsAllAlike) {
  onNode(node_, [&](const std::string& bpffs) {
    outputOf("tc qdisc add dev up1 root handle 1: pfifo");
    netqos::Options options = managed(bpffs);
    options.line.manage_queue = false;
    EXPECT_THAT(netqos::probe(options).findings, finding("queue pfifo", "all classes alike"));
    options.line.bits_per_second = 1'000'000'000;
    EXPECT_THAT(netqos::probe(options).findings, Not(finding("queue pfifo", "")));
  });
}

// By the kinds that an agent uses, on a kernel that has them.
TEST_F(Queues, FqWithBandsOrPrio) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    int served = 0;
    for (const std::string kind : {"fq", "prio"}) {
      for (const char* uplink : {"up1", "up4"}) {
        const netqos::Options options = managed(bpffs, uplink, {kind});
        const std::string ours = queuesAfterwards(options, "true");
        if (ours == before) continue;  // this kernel has none, or an fq without bands
        ++served;
        EXPECT_THAT(ours, HasSubstr("qdisc " + kind + " 504"));
        const std::string within = kind == "prio" ? "qdisc fq_codel" : "";
        EXPECT_THAT(ours, HasSubstr(within));
        EXPECT_EQ(queuesAfterwards(options, "true"), ours) << "taken over";
        EXPECT_THAT(problems(options), IsEmpty());
        EXPECT_EQ(queues(), before);
      }
    }
    if (served == 0) GTEST_SKIP() << "this kernel has neither fq with bands nor prio";
    EXPECT_THAT(served, AnyOf(2, 4)) << "each kind on both devices";
  });
}

TEST_F(Queues, OursWithOtherParametersIsSomebodysNow) {
  onNode(node_, [&](const std::string& bpffs) {
    const std::string before = queues();
    const netqos::Options options = managed(bpffs, "up1", {"prio"});
    if (queuesAfterwards(options, "true") == before) GTEST_SKIP() << "this kernel has no prio";
    const std::string his = queuesAfterwards(
        options, "tc qdisc change dev up1 root handle 504c: prio priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
    EXPECT_THAT(his, HasSubstr("0 0 0 0 0"));
    EXPECT_THAT(problems(options), IsEmpty());
    EXPECT_EQ(queues(), his);
  });
}

}  // namespace
}  // namespace plimsoll::testing
