#include "cmd/plimsolld/node_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_cri/fake_cri.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::string id(char digit) { return std::string(64, digit); }

class NodeAuditTest : public testing::Test {
 protected:
  NodeAuditTest() {
    char dir[] = "/tmp/audit_test.XXXXXX";
    dir_ = mkdtemp(dir);
    roots_ = host_.roots();
    loop_ = std::move(sys::EventLoop::create().value());
  }
  ~NodeAuditTest() override {
    audit_.reset();
    std::filesystem::remove_all(dir_);
  }

  void start(std::string cri_socket) {
    NodeAudit::Options options;
    options.cri_socket = std::move(cri_socket);
    options.auditor = {.after_synchronize = 10ms, .interval = 40ms, .settle = 0ms, .max_details = 8};
    options.directories_per_turn = 1;
    NodeAudit::Hooks hooks;
    hooks.knows_pod = [](const std::string&) { return false; };
    hooks.discovered = [this](auto pods, auto containers) {
      pods_ = std::move(pods);
      for (auto& facts : containers) publish(facts.id, facts.cgroups_path);
    };
    hooks.removed = [this](const std::string& gone) {
      removed_.push_back(gone);
      store_.erase(gone);
    };
    hooks.tell = [this](model::Event event) {
      told_.push_back(event.reason + " " + event.pod + "/" + event.container);
    };
    hooks.suspect = [this](std::string_view, sys::EventLoop::Clock::time_point) { return ++suspicions_ > 0; };
    audit_ = std::make_unique<NodeAudit>(*loop_, std::move(options), store_, *cgroup::Hierarchy::open(roots_),
                                         roots_, std::move(hooks));
    audit_->synchronized();
  }
  void publish(const std::string& container, const std::string& path) {
    auto report = std::make_shared<model::ContainerReport>();
    report->container.id = container;
    report->cgroup_path = path;
    store_.publish(report);
  }
  bool turn(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    auto end = sys::EventLoop::Clock::now() + limit;
    while (!done() && sys::EventLoop::Clock::now() < end) loop_->runOnce(5ms);
    return done();
  }
  void runIn(const std::string& path, int pid) {
    host_.cgroup(path);
    host_.process(pid, path);
    host_.proc(std::to_string(pid) + "/comm", "sleep\n");
  }

  testing_support::FakeHost host_;
  sys::HostRoots roots_;
  std::string dir_;
  std::unique_ptr<sys::EventLoop> loop_;
  control::ReportStore store_;
  std::unique_ptr<NodeAudit> audit_;
  std::vector<model::PodFacts> pods_;
  std::vector<std::string> told_, removed_;
  int suspicions_ = 0;
};

TEST_F(NodeAuditTest, ByCriAMissedContainerIsToldDiscoveredAndSuspicious) {
  fake::FakeCri cri(dir_ + "/cri.sock");
  cri.add(fake::CriPod{.id = "p1", .name = "web", .cgroup_parent = "/kubepods/burstable/pod1"});
  cri.add(fake::CriContainer{.id = id('a'), .name = "app", .sandbox_id = "p1"});
  start(dir_ + "/cri.sock");
  ASSERT_TRUE(turn([&] { return !told_.empty(); }));
  turn([] { return false; }, 100ms);
  EXPECT_THAT(told_, ElementsAre("MissedByRuntime web/app"));
  ASSERT_EQ(pods_.size(), 1u);
  EXPECT_EQ(pods_[0].qos, model::QosClass::Burstable);
  EXPECT_EQ(suspicions_, 1);
}

TEST_F(NodeAuditTest, ByCriOnlyWhatHasNoCgroupEitherIsRemoved) {
  fake::FakeCri cri(dir_ + "/cri.sock");
  host_.cgroup("/kubepods/pod1/" + id('b'));
  publish(id('b'), "/kubepods/pod1/" + id('b'));
  publish(id('c'), "/kubepods/pod1/" + id('c'));
  publish(id('d'), "");
  start(dir_ + "/cri.sock");
  ASSERT_TRUE(turn([&] { return !removed_.empty(); }));
  turn([] { return false; }, 150ms);
  EXPECT_THAT(removed_, ElementsAre(id('c')));
}

TEST_F(NodeAuditTest, ByTheTreeAnUnknownContainerIsToldOnceWhenSeenTwice) {
  runIn("/kubepods/pod1/" + id('a'), 41);
  publish(id('b'), "");
  runIn("/kubepods/pod1/" + id('b'), 42);
  start("");
  ASSERT_TRUE(turn([&] { return !told_.empty(); }));
  turn([] { return false; }, 150ms);
  EXPECT_THAT(told_, ElementsAre("MissedByRuntime /" + id('a')));
  EXPECT_EQ(suspicions_, 1);
}

TEST_F(NodeAuditTest, ByTheTreeWhatIsToldInTheMeantimeIsNoNews) {
  runIn("/kubepods/pod1/" + id('a'), 41);
  start("");
  turn([] { return false; }, 12ms);
  publish(id('a'), "");
  turn([] { return false; }, 150ms);
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace plimsoll::agent
