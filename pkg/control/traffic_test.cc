// Settings of traffic on their way through control, beside a fake engine: whose they are, what is journaled,
// what happens when somebody changes them or nobody wants them any more.
#include <gmock/gmock.h>

#include <map>

#include "tests/support/controller_fixture.h"

namespace plimsoll::control {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What was written, by cgroup path and field; a field that nobody wrote has its default.
class FakeTraffic final : public Traffic {
 public:
  base::Result<std::unique_ptr<mechanism::Access>> open(const TrafficSubject& subject, TrafficOf of,
                                                        TrafficUse use) override;
  std::string& at(const std::string& path, const std::string& field) {
    const char* otherwise = field == "priority" ? "normal" : "max";
    return fields.try_emplace({path, field}, otherwise).first->second;
  }

  std::map<std::pair<std::string, std::string>, std::string> fields;
  int changes = 0, looks = 0;
  bool host_network = false;
};

class FakeAccess final : public mechanism::Access {
 public:
  FakeAccess(FakeTraffic& traffic, mechanism::Place place) : traffic_(traffic), place_(std::move(place)) {}
  mechanism::Place place() const override { return place_; }
  bool gone() const override { return false; }
  base::Result<std::string> read(const PlannedSetting& setting) const override {
    return traffic_.at(place_.name, setting.request.setting.file);
  }
  base::Status write(const PlannedSetting& setting) const override {
    traffic_.at(place_.name, setting.request.setting.file) =
        model::kernelWrites(*setting.request.setting.spec, setting.value).front();
    return base::ok();
  }

 private:
  FakeTraffic& traffic_;
  mechanism::Place place_;
};

base::Result<std::unique_ptr<mechanism::Access>> FakeTraffic::open(const TrafficSubject& subject,
                                                                   TrafficOf of, TrafficUse use) {
  (use == TrafficUse::Look ? looks : changes) += 1;
  host_network = subject.pod->host_network;
  const std::string& path = subject.cgroup.path();
  if (of == TrafficOf::Container)
    return std::make_unique<FakeAccess>(*this, mechanism::Place{path, subject.cgroup.id()});
  return std::make_unique<FakeAccess>(*this, mechanism::Place{path.substr(0, path.rfind('/')), 77});
}

class TrafficTest : public ControllerTest {
 protected:
  TrafficTest() {
    applier_.setTraffic(&traffic_);
    controller_->setTraffic(true, "");
  }
  void start(model::StringMap annotations) {
    create(std::move(annotations));
    host_.container(kPath);
    ASSERT_TRUE(controller_->containerStarting("c1", 0, kPath));
  }
  const journal::Change* recordOf(const std::string& owner, const std::string& field) {
    return journal_->find(owner, model::Target::Traffic, field);
  }
  FakeTraffic traffic_;
};

TEST_F(TrafficTest, APodsAndAContainersLimitBothHold) {
  start({{"plimsoll.dev/net.egress.rate", "100M"}, {"app.plimsoll.dev/net.egress.rate", "10M"}});
  EXPECT_EQ(traffic_.at(kPodPath, "pod.egress.rate"), "100000000");
  EXPECT_EQ(traffic_.at(kPath, "egress.rate"), "10000000");
  EXPECT_EQ(setting("net.egress.rate").state, State::Applied);
  EXPECT_EQ(setting("net.pod.egress.rate").state, State::Applied);
  EXPECT_EQ(setting("net.pod.egress.rate").stage, Stage::Start);
}

TEST_F(TrafficTest, APodsIsJournaledWithItsSandbox) {
  start({{"plimsoll.dev/net.egress.rate", "100M"}, {"plimsoll.dev/net.priority", "high"}});
  ASSERT_NE(recordOf("s1", "pod.egress.rate"), nullptr);
  EXPECT_EQ(recordOf("s1", "pod.egress.rate")->place, kPodPath);
  EXPECT_EQ(recordOf("s1", "pod.egress.rate")->found, "max");
  ASSERT_NE(recordOf("c1", "priority"), nullptr);
  controller_->containerRemoved("c1");
  EXPECT_EQ(recordOf("c1", "priority"), nullptr);
  EXPECT_NE(recordOf("s1", "pod.egress.rate"), nullptr) << "the pod lives";
  controller_->podRemoved("s1");
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
}

TEST_F(TrafficTest, WhatSomebodyChangesIsPutRight) {
  start({{"plimsoll.dev/net.priority", "high"}});
  const int changes = traffic_.changes;
  turn(60ms);
  EXPECT_GT(traffic_.looks, 0);
  EXPECT_EQ(traffic_.changes, changes) << "a look attaches nothing";
  traffic_.at(kPath, "priority") = "besteffort";
  turn(60ms);
  EXPECT_EQ(traffic_.at(kPath, "priority"), "high");
  EXPECT_TRUE(told("DriftCorrected"));
}

TEST_F(TrafficTest, SwitchedOffItGoesBackAndOnItReturns) {
  start({{"plimsoll.dev/net.priority", "high"}, {"kubernetes.io/egress-bandwidth", "1M"}});
  EXPECT_EQ(traffic_.at(kPodPath, "pod.egress.rate"), "1000000");
  controller_->setTraffic(false, "");
  controller_->setNodePolicy(config::builtInConfig().policy);
  turn(30ms);
  EXPECT_EQ(traffic_.at(kPath, "priority"), "normal");
  EXPECT_EQ(traffic_.at(kPodPath, "pod.egress.rate"), "max");
  EXPECT_EQ(setting("net.priority").state, State::Unsupported);
  EXPECT_THAT(store_.find("c1")->plan.settings, SizeIs(1)) << "of the other's annotation nothing is said";
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
  controller_->setTraffic(true, "");
  controller_->setNodePolicy(config::builtInConfig().policy);
  turn(30ms);
  EXPECT_EQ(traffic_.at(kPath, "priority"), "high");
  EXPECT_EQ(setting("net.pod.egress.rate").state, State::Applied);
}

TEST_F(TrafficTest, WithoutAnEngineItIsUnsupported) {
  applier_.setTraffic(nullptr);
  start({{"plimsoll.dev/net.priority", "high"}});
  EXPECT_EQ(setting("net.priority").state, State::Unsupported);
  EXPECT_THAT(setting("net.priority").reason, HasSubstr("traffic control is off"));
  EXPECT_THAT(journal_->openChanges(), IsEmpty());
}

TEST_F(TrafficTest, AClassBringsItsPriority) {
  start({{"plimsoll.dev/class", "batch"}});
  EXPECT_EQ(traffic_.at(kPath, "priority"), "besteffort");
  EXPECT_EQ(setting("net.priority").request.source.where, "batch");
}

}  // namespace
}  // namespace plimsoll::control
