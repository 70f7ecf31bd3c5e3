// What belongs to a pod's namespaces and to its processes: who may ask, and what is the node's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::Carrier;
using model::State;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSomaxconn = "sysctl.net.core.somaxconn";

TEST(Namespaces, SharedWithTheNodeNothingIsGranted) {
  for (const char* key : {kSomaxconn, "sysctl.net.ipv4.ip_forward", "net.mtu", "net.txqueuelen"}) {
    World world;
    world.pod.host_network = true;
    world.pod_asks(key, "1000").allow("*");
    EXPECT_EQ(only(world.plan(), key).state, State::Refused) << key;
    EXPECT_THAT(only(world.plan(), key).reason, HasSubstr("hostNetwork")) << key;
  }
  World ipc;
  ipc.pod.host_ipc = true;
  ipc.pod_asks("sysctl.kernel.shm_rmid_forced", "1").pod_asks(kSomaxconn, "1").allow("*");
  EXPECT_THAT(shown(ipc.plan()), ElementsAre("sysctl.net.core.somaxconn=1 Pending Start",
                                             "sysctl.kernel.shm_rmid_forced=1 Refused"));
}

TEST(Namespaces, NotEvenToTheOwner) {
  World world;
  world.pod.host_network = true;
  world.define("fast", {{kSomaxconn, "4096"}}).pod_class("fast").defaults("net.mtu", "1400");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("sysctl.net.core.somaxconn=4096 Refused", "net.mtu=1400 Refused"));
}

TEST(Namespaces, OtherSysctlsNeedARule) {
  World world;
  world.pod_asks("sysctl.net.ipv4.ip_forward", "1");
  EXPECT_THAT(only(world.plan(), "sysctl.net.ipv4.ip_forward").reason, HasSubstr("needs a rule"));
  world.allow("sysctl.net.ipv4.*");
  EXPECT_EQ(only(world.plan(), "sysctl.net.ipv4.ip_forward").state, State::Pending);
}

TEST(Namespaces, GoByThePodsClassNotByOneContainers) {
  World world;
  world.define("fast", {{kSomaxconn, "4096"}, {"cpu.weight", "200"}});
  world.define("slow", {{kSomaxconn, "16"}, {"cpu.weight", "20"}});
  world.pod_class("fast");
  world.intent.containers["app"].class_name = "slow";
  world.intent.containers["app"].class_source = {model::SourceKind::ContainerAnnotation,
                                                 "app.plimsoll.dev/class"};
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("cpu.weight=20 Pending Start", "sysctl.net.core.somaxconn=4096 Pending Start"));
}

TEST(Namespaces, OfARefusedClassNothingIsTaken) {
  World world;
  world.define("fast", {{kSomaxconn, "4096"}}).define("plain", {{kSomaxconn, "64"}});
  world.policy.default_class = "plain";
  world.rule("no-fast", "class", model::RuleEffect::Refuse).settings[0].words = {"fast"};
  world.pod_class("fast");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("class=fast Refused", "sysctl.net.core.somaxconn=64 Pending Start"));
}

TEST(Scheduling, LessThanTheKernelGivesIsFree) {
  struct Case {
    const char *key, *value;
    State state;
  };
  const Case cases[] = {
      {"ioprio", "be:4", State::Pending},
      {"ioprio", "be:7", State::Pending},
      {"ioprio", "idle", State::Pending},
      {"ioprio", "be:3", State::Refused},
      {"ioprio", "rt:7", State::Refused},
      {"ioprio", "none", State::Pending},
      {"sched.policy", "other", State::Pending},
      {"sched.policy", "other:19", State::Pending},
      {"sched.policy", "batch", State::Pending},
      {"sched.policy", "idle", State::Pending},
      {"sched.policy", "other:-1", State::Refused},
      {"sched.policy", "batch:-5", State::Refused},
      {"sched.policy", "fifo:1", State::Refused},
      {"sched.policy", "rr:1", State::Refused},
      {"sched.policy", "deadline:1ms/2ms/3ms", State::Refused},
  };
  for (const Case& c : cases) {
    World world;
    world.pod_asks(c.key, c.value);
    EXPECT_EQ(only(world.plan(), c.key).state, c.state) << c.key << " = " << c.value;
    world.allow(c.key);
    EXPECT_EQ(only(world.plan(), c.key).state, State::Pending) << c.key << " = " << c.value;
  }
}

TEST(Scheduling, RulesBoundIt) {
  World world;
  world.rule("some", "sched.policy").settings[0].max = valueOf("sched.policy", "fifo:10");
  world.pod_asks("sched.policy", "fifo:10");
  EXPECT_EQ(only(world.plan(), "sched.policy").state, State::Pending);
  World above = world;
  above.intent.pod.requests.clear();
  above.pod_asks("sched.policy", "rr:11");
  EXPECT_EQ(only(above.plan(), "sched.policy").reason,
            "rr:11 is above the fifo:10 that the rule allows (some)");
}

TEST(Carriers, AreTakenWhereTheRuntimeHasThem) {
  World world;
  world.pod_asks("ioprio", "be:6").pod_asks("sched.policy", "batch").pod_asks(kSomaxconn, "64");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("sysctl.net.core.somaxconn=64 Pending Start", "ioprio=be:6 Pending Start",
                          "sched.policy=batch Pending Start"));
  world.node.nri_carriers = {Carrier::Sysctl, Carrier::IoPriority, Carrier::Scheduler};
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("sysctl.net.core.somaxconn=64 Pending Create", "ioprio=be:6 Pending Create",
                          "sched.policy=batch Pending Create"));
  // Whoever can read the value before us writes it himself.
  world.node.may_enter_namespaces = true;
  EXPECT_EQ(shown(world.plan())[0], "sysctl.net.core.somaxconn=64 Pending Start");
}

TEST(Seccomp, WantsARuleAProfileAndARuntimeThatCarriesIt) {
  World world;
  world.node.nri_version = "0.8.0";
  world.pod_asks("seccomp.profile", "web");
  const auto state = [&world] { return only(world.plan(), "seccomp.profile").state; };
  EXPECT_EQ(state(), State::Refused);
  world.allow("seccomp.profile");
  EXPECT_EQ(state(), State::Invalid);
  EXPECT_THAT(only(world.plan(), "seccomp.profile").reason,
              HasSubstr("no seccomp profile \"web\"; it has none"));
  world.policy.seccomp_profiles["web"].default_action = "SCMP_ACT_LOG";
  EXPECT_EQ(state(), State::Unsupported);
  EXPECT_THAT(only(world.plan(), "seccomp.profile").reason, HasSubstr("(0.8.0)"));
  world.node.nri_carriers = {Carrier::Seccomp};
  EXPECT_THAT(shown(world.plan()), ElementsAre("seccomp.profile=web Pending Create"));
}

TEST(OwnNamespaces, WantOnlyARuntimeThatCarriesThem) {
  World world;
  world.node.nri_version = "0.8.0";
  world.pod_asks("namespace.ipc", "private");
  EXPECT_EQ(only(world.plan(), "namespace.ipc").state, State::Unsupported);
  EXPECT_THAT(only(world.plan(), "namespace.ipc").reason, HasSubstr("(0.8.0) carries no namespaces"));
  world.node.nri_carriers = {Carrier::Namespace};
  EXPECT_THAT(shown(world.plan()), ElementsAre("namespace.ipc=private Pending Create"));
}

TEST(Carriers, NothingDoubtfulTravels) {
  World world;
  world.node.nri_carriers = {Carrier::Sysctl, Carrier::IoPriority, Carrier::Scheduler};
  world.allow("*");
  for (const auto& [key, value] : {std::pair{"sched.policy", "fifo:1"},
                                   {"sched.policy", "deadline:1ms/2ms/3ms"},
                                   {"sysctl.net.ipv4.tcp_congestion_control", "bbr"},
                                   {"sysctl.net.ipv4.ip_forward", "1"}}) {
    World asks = world;
    asks.pod_asks(key, value);
    EXPECT_EQ(only(asks.plan(), key).stage, model::Stage::Start) << key;
  }
}

}  // namespace
}  // namespace plimsoll::policy
