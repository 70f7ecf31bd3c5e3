// Traffic: who may ask for what, on nodes with and without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using model::SourceKind;
using model::State;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Traffic, IsWrittenWhenTheContainerStarts) {
  World world;
  world.pod_asks("net.priority", "high").container_asks("net.egress.rate", "10M");
  world.pod_asks("net.pod.egress.rate", "100M");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("net.priority=high Pending Start", "net.egress.rate=10M Pending Start",
                          "net.pod.egress.rate=100M Pending Start"));
  world.container.state = model::ContainerState::Running;
  EXPECT_THAT(shown(world.plan()).front(), "net.priority=high Pending Late");
}

TEST(Traffic, SystemAndDscpNeedARule) {
  for (const char* word : {"besteffort", "normal", "high"}) {
    World world;
    world.pod_asks("net.priority", word);
    EXPECT_EQ(only(world.plan(), "net.priority").state, State::Pending) << word;
  }
  World world;
  world.pod_asks("net.priority", "system").pod_asks("net.dscp", "ef");
  EXPECT_EQ(only(world.plan(), "net.priority").state, State::Refused);
  EXPECT_THAT(only(world.plan(), "net.priority").reason, HasSubstr("needs a rule"));
  EXPECT_EQ(only(world.plan(), "net.dscp").state, State::Refused);
  world.allow("net.*");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("net.priority=system Pending Start", "net.dscp=46 Pending Start"));
}

TEST(Traffic, AWeightAboveTheDefaultNeedsARule) {
  World world;
  EXPECT_EQ(only(world.pod_asks("net.weight", "50").plan(), "net.weight").state, State::Pending);
  World more;
  EXPECT_EQ(only(more.pod_asks("net.weight", "101").plan(), "net.weight").state, State::Refused);
}

TEST(Traffic, RatesHaveBounds) {
  World world;
  world.rule("slow", "net.egress.rate").settings.front().max = valueOf("net.egress.rate", "50M");
  world.container_asks("net.egress.rate", "60M");
  EXPECT_THAT(only(world.plan(), "net.egress.rate").reason, HasSubstr("60M is above the 50M"));
  World within;
  within.rule("slow", "net.egress.rate").settings.front().max = valueOf("net.egress.rate", "50M");
  within.container_asks("net.egress.rate", "50M");
  EXPECT_EQ(only(within.plan(), "net.egress.rate").state, State::Pending);
}

TEST(Traffic, OfTheNodesOwnNetworkIsGrantedToo) {
  World world;
  world.pod.host_network = true;
  world.pod_asks("net.pod.egress.rate", "10M").pod_asks("net.priority", "besteffort");
  EXPECT_THAT(shown(world.plan()),
              ElementsAre("net.priority=besteffort Pending Start", "net.pod.egress.rate=10M Pending Start"));
}

TEST(Traffic, OursIsMoreSpecificThanAnAnnotationOfOthers) {
  World world;
  world.pod_asks("net.pod.egress.rate", "10M", SourceKind::ForeignAnnotation);
  EXPECT_THAT(shown(world.plan()), ElementsAre("net.pod.egress.rate=10M Pending Start"));
  world.define("slow", {{"net.pod.egress.rate", "1M"}}).pod_class("slow");
  EXPECT_THAT(shown(world.plan()), ElementsAre("net.pod.egress.rate=10M Pending Start"));
  world.pod_asks("net.pod.egress.rate", "20M");
  EXPECT_THAT(shown(world.plan()), ElementsAre("net.pod.egress.rate=20M Pending Start"));
}

TEST(Traffic, WhereItIsOffOnlyOurOwnAnnotationsSaySo) {
  World world;
  world.node.traffic = false;
  world.define("fast", {{"net.priority", "high"}, {"cpu.idle", "true"}}).pod_class("fast");
  world.pod_asks("net.pod.egress.rate", "10M", SourceKind::ForeignAnnotation);
  world.intent.pod.on_error = model::OnError::Reject;
  EXPECT_THAT(shown(world.plan()), ElementsAre("cpu.idle=true Pending Start"));
  EXPECT_FALSE(world.plan().rejection);
  world.pod_asks("net.priority", "besteffort");
  const auto setting = only(world.plan(), "net.priority");
  EXPECT_EQ(setting.state, State::Unsupported);
  EXPECT_THAT(setting.reason, HasSubstr("network.enabled"));
  EXPECT_TRUE(world.plan().rejection);
}

TEST(Traffic, WhatKeepsTheNodeFromItIsSaid) {
  World world;
  world.node.traffic_problem = "CAP_BPF is missing";
  world.pod_asks("net.pod.egress.rate", "10M", SourceKind::ForeignAnnotation);
  world.intent.pod.on_error = model::OnError::Reject;
  EXPECT_THAT(only(world.plan(), "net.pod.egress.rate").reason, HasSubstr("CAP_BPF is missing"));
  EXPECT_FALSE(world.plan().rejection) << "nobody asked us in particular";
}

TEST(Traffic, ABurstAloneNeverActs) {
  World world;
  world.pod_asks("net.pod.egress.burst", "1Mi");
  EXPECT_EQ(only(world.plan(), "net.pod.egress.burst").caveat, "acts only beside a net.pod.egress.rate");
  world.pod_asks("net.pod.egress.rate", "10M");
  EXPECT_EQ(only(world.plan(), "net.pod.egress.burst").caveat, "");
  World none;
  none.container_asks("net.egress.burst", "1Mi").container_asks("net.egress.rate", "max");
  EXPECT_EQ(only(none.plan(), "net.egress.burst").caveat, "acts only beside a net.egress.rate");
}

}  // namespace
}  // namespace plimsoll::policy
