// The engine on real links: what is asked is attached at the right place, holds, and shows as what it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>

#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

using netqos::Class;
using netqos::Engine;
using netqos::Mode;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto reason = missingForBpf(); !reason.empty()) GTEST_SKIP() << reason;
    node_.emplace();
    if (!node_->ready) GTEST_SKIP() << "needs ip(8), veth and network namespaces";
    pod_.emplace("netqos");
    first_.emplace(*pod_, "first", &node_->pod);
    second_.emplace(*pod_, "second", &node_->pod);
  }
  void withEngine(const std::function<void(Engine&)>& work,
                  const std::function<void(netqos::Options&)>& change = {}) {
    onNode(node_->host, [&](const std::string& bpffs) {
      netqos::Options options = optionsFor(bpffs);
      if (change) change(options);
      auto engine = Engine::start(options);
      ASSERT_TRUE(engine) << engine.error().message;
      work(**engine);
    });
  }
  base::UniqueFd socketOf(TestContainer& container, const Sink& sink, Transport transport) {
    container.cgroup.enter();
    return connectTo(node_->pod, sink, transport);
  }
  static void sendDatagrams(const base::UniqueFd& socket, int count) {
    for (int i = 0; i < count; ++i) send(socket.get(), "0123456789", 10, 0);
    usleep(20'000);
  }

  std::optional<Node> node_;
  std::optional<TestCgroup> pod_;
  std::optional<TestContainer> first_, second_;
};

TEST_F(EngineTest, ClassifiesAtThePodsLinkAndCountsByContainer) {
  withEngine([&](Engine& engine) {
    EXPECT_EQ(show(engine, first_->subject(), "net.priority"), "normal");
    EXPECT_EQ(apply(engine, first_->subject(), "net.priority", "high"), "Applied");
    EXPECT_EQ(apply(engine, second_->subject(), "net.priority", "besteffort"), "Applied");
    EXPECT_EQ(show(engine, first_->subject(), "net.priority"), "high");
    Sink sink(node_->peer, Transport::Udp);
    base::UniqueFd high = socketOf(*first_, sink, Transport::Udp);
    base::UniqueFd low = socketOf(*second_, sink, Transport::Udp);
    sendDatagrams(high, 10);
    sendDatagrams(low, 20);
    EXPECT_EQ(engine.countsOf(first_->cgroup.id())->egress.packets, 10u);
    EXPECT_EQ(engine.countsOf(second_->cgroup.id())->egress.packets, 20u);
    EXPECT_GE(engine.countsOf(pod_->id())->egress.packets, 30u);
    EXPECT_EQ(engine.countsOf(first_->cgroup.id())->traffic_class, Class::High);
    auto report = engine.report();
    ASSERT_EQ(report.uplinks.size(), 1u);
    EXPECT_EQ(report.uplinks[0].device, "up0");
    EXPECT_EQ(report.uplinks[0].classes[1].packets, 10u);
    EXPECT_EQ(report.uplinks[0].classes[3].packets, 20u);
    EXPECT_EQ(engine.modeOf(first_->cgroup.id()).mode, report.mode);
    EXPECT_EQ(engine.modeOf(first_->cgroup.id()).reason, "");
    EXPECT_EQ(report.pods, 1u);
    EXPECT_EQ(report.containers, 2u);
  });
}

TEST_F(EngineTest, SaysWhatEveryFieldIs) {
  withEngine([&](Engine& engine) {
    struct Case {
      const char* key;
      const char* at_first;
      const char* asked;
      const char* shown;
    };
    for (const Case& c :
         {Case{"net.egress.rate", "max", "333333333", "333333333"},
          Case{"net.ingress.rate", "max", "10M", "10000000"}, Case{"net.egress.burst", "0", "64Ki", "65536"},
          Case{"net.dscp", "none", "46", "46"}, Case{"net.weight", "100", "300", "300"},
          Case{"net.pod.egress.rate", "max", "1G", "1000000000"},
          Case{"net.pod.egress.burst", "0", "1Mi", "1048576"},
          Case{"net.pod.ingress.rate", "max", "1G", "1000000000"}}) {
      EXPECT_EQ(show(engine, first_->subject(), c.key), c.at_first) << c.key;
      EXPECT_EQ(apply(engine, first_->subject(), c.key, c.asked), "Applied") << c.key;
      EXPECT_EQ(show(engine, first_->subject(), c.key), c.shown) << c.key;
      EXPECT_EQ(apply(engine, first_->subject(), c.key, c.at_first), "Applied") << c.key;
      EXPECT_EQ(show(engine, first_->subject(), c.key), c.at_first) << c.key;
    }
    EXPECT_EQ(engine.report().pods, 0u) << "all are at their defaults again";
    EXPECT_EQ(engine.modeOf(first_->cgroup.id()).mode, Mode::None);
  });
}

double megabits(const base::UniqueFd& socket, const Sink& sink) {
  sendFor(socket.get(), milliseconds(500));
  uint64_t before = sink.bytes();
  auto start = std::chrono::steady_clock::now();
  sendFor(socket.get(), milliseconds(1500));
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return static_cast<double>(sink.bytes() - before) * 8 * 1514 / 1448 / seconds / 1e6;
}

TEST_F(EngineTest, HoldsAContainersRateWithinItsPods) {
  withEngine([&](Engine& engine) {
    if (!engine.report().pacing) GTEST_SKIP() << engine.report().no_pacing;
    ASSERT_EQ(apply(engine, first_->subject(), "net.egress.rate", "100M"), "Applied");
    Sink sink(node_->peer, Transport::Tcp);
    base::UniqueFd socket = socketOf(*first_, sink, Transport::Tcp);
    EXPECT_NEAR(megabits(socket, sink), 100, 5);
    ASSERT_EQ(apply(engine, first_->subject(), "net.pod.egress.rate", "40M"), "Applied");
    EXPECT_NEAR(megabits(socket, sink), 40, 3);
    ASSERT_EQ(apply(engine, first_->subject(), "net.pod.egress.rate", "max"), "Applied");
    EXPECT_NEAR(megabits(socket, sink), 100, 5);
  });
}

TEST_F(EngineTest, PacesSocketsThatAreOpenAlreadyAndLetsThemGo) {
  withEngine([&](Engine& engine) {
    if (!engine.report().pacing) GTEST_SKIP() << engine.report().no_pacing;
    Sink sink(node_->peer, Transport::Tcp);
    base::UniqueFd socket = socketOf(*first_, sink, Transport::Tcp);
    auto pacing = [&socket] {
      uint32_t rate = 0;
      socklen_t size = sizeof(rate);
      getsockopt(socket.get(), SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size);
      return rate;
    };
    EXPECT_EQ(pacing(), ~0u);
    ASSERT_EQ(apply(engine, first_->subject(), "net.egress.rate", "80M"), "Applied");
    EXPECT_NEAR(pacing(), 10e6 * 1448 / 1514, 1e6);
    ASSERT_EQ(apply(engine, first_->subject(), "net.egress.rate", "max"), "Applied");
    EXPECT_EQ(pacing(), ~0u);
  });
}

TEST_F(EngineTest, ASecondContainerOfAKnownPodIsPartOfItWithoutASettingOfItsOwn) {
  withEngine([&](Engine& engine) {
    ASSERT_EQ(apply(engine, first_->subject(), "net.pod.egress.rate", "20M"), "Applied");
    EXPECT_FALSE(engine.countsOf(second_->cgroup.id()));
    EXPECT_EQ(apply(engine, second_->subject(), "net.pod.egress.rate", "20M"), "Applied");
    EXPECT_TRUE(engine.countsOf(second_->cgroup.id()));
    EXPECT_EQ(engine.report().containers, 2u);
  });
}

TEST_F(EngineTest, ThePodsCountersGoOnWhenAContainerEnds) {
  withEngine([&](Engine& engine) {
    ASSERT_EQ(apply(engine, first_->subject(), "net.pod.ingress.rate", "1G"), "Applied");
    ASSERT_EQ(apply(engine, second_->subject(), "net.pod.ingress.rate", "1G"), "Applied");
    {
      Sink sink(node_->peer, Transport::Tcp);
      base::UniqueFd socket = socketOf(*first_, sink, Transport::Tcp);
      sendFor(socket.get(), milliseconds(100));
    }
    second_->cgroup.enter();
    usleep(100'000);
    const netqos::Counts before = *engine.countsOf(pod_->id());
    EXPECT_GT(before.ingress.packets, 5u) << "acknowledgements";
    EXPECT_EQ(before.ingress.packets, engine.countsOf(first_->cgroup.id())->ingress.packets);
    first_.reset();
    EXPECT_EQ(engine.reconcile().forgotten, 1u);
    const netqos::Counts after = *engine.countsOf(pod_->id());
    EXPECT_EQ(after.egress.bytes, before.egress.bytes);
    EXPECT_EQ(after.ingress.packets, before.ingress.packets);
  });
}

TEST_F(EngineTest, ClassicFiltersDoTheSame) {
  withEngine(
      [&](Engine& engine) {
        ASSERT_EQ(apply(engine, first_->subject(), "net.priority", "high"), "Applied");
        EXPECT_EQ(engine.modeOf(first_->cgroup.id()).mode, Mode::LinkClassic);
        Sink sink(node_->peer, Transport::Udp);
        base::UniqueFd socket = socketOf(*first_, sink, Transport::Udp);
        sendDatagrams(socket, 10);
        EXPECT_EQ(engine.countsOf(first_->cgroup.id())->egress.packets, 10u);
        EXPECT_EQ(engine.report().uplinks[0].classes[1].packets, 10u);
        EXPECT_THAT(outputOf("tc filter show dev pod0 ingress"), HasSubstr("plm_pod_out"));
        ASSERT_EQ(apply(engine, first_->subject(), "net.priority", "normal"), "Applied");
        EXPECT_EQ(outputOf("tc filter show dev pod0 ingress"), "");
        EXPECT_EQ(outputOf("tc qdisc show dev pod0"), "qdisc noqueue 0: root refcnt 2 \n");
      },
      [](netqos::Options& options) { options.allow_tcx = false; });
}

}  // namespace
}  // namespace plimsoll::testing
