#include "pkg/cri/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/fake_cri/fake_cri.h"
#include "tests/support/fake_runtime/loop_thread.h"

namespace plimsoll::cri {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A picture of the node that takes what it is told. Used on the loop's thread.
class Picture : public Audited {
 public:
  std::set<std::string> containers, with_cgroup;
  std::vector<std::string> told, gone, suspicions;
  std::vector<model::PodFacts> pods;
  sys::EventLoop::Clock::time_point evidence{};

  bool knowsContainer(const std::string& id) const override { return containers.contains(id); }
  std::vector<std::string> knownContainers() const override { return {containers.begin(), containers.end()}; }
  bool hasCgroup(const std::string& id) const override { return with_cgroup.contains(id); }
  void missedByRuntime(const std::vector<model::PodFacts>& found_pods,
                       const std::vector<model::ContainerFacts>& found) override {
    pods = found_pods;
    for (const auto& container : found) {
      told.push_back(container.id);
      containers.insert(container.id);
    }
  }
  void vanished(const std::vector<std::string>& ids) override {
    for (const auto& id : ids) {
      gone.push_back(id);
      containers.erase(id);
    }
  }
  void suspectZombie(std::string_view reason, sys::EventLoop::Clock::time_point created) override {
    suspicions.emplace_back(reason);
    evidence = created;
  }
};

class AuditorTest : public testing::Test {
 protected:
  AuditorTest() {
    char dir[] = "/tmp/cri_test.XXXXXX";
    dir_ = mkdtemp(dir);
    cri_ = std::make_unique<fake::FakeCri>(dir_ + "/cri.sock");
    cri_->add(fake::CriPod{.id = "p1", .name = "web"});
    cri_->add(fake::CriPod{.id = "p2", .name = "other"});
    thread_.run([&] {
      client_ = std::make_unique<Client>(thread_.loop(),
                                         ClientOptions{.socket = dir_ + "/cri.sock", .deadline = 500ms});
      auditor_ = std::make_unique<Auditor>(
          thread_.loop(), *client_, picture_,
          Auditor::Options{.after_synchronize = 20ms, .interval = 60ms, .settle = 200ms, .max_details = 3});
    });
  }
  ~AuditorTest() override {
    thread_.run([&] {
      auditor_.reset();
      client_.reset();
    });
    std::filesystem::remove_all(dir_);
  }
  void start() {
    thread_.run([&] { auditor_->synchronized(); });
  }
  Auditor::Stats stats() {
    Auditor::Stats stats;
    thread_.run([&] { stats = auditor_->stats(); });
    return stats;
  }
  bool waitForAudits(uint64_t count) {
    return thread_.waitFor([&] { return auditor_->stats().audits >= count && !client_->busy(); });
  }

  std::string dir_;
  std::unique_ptr<fake::FakeCri> cri_;
  fake::LoopThread thread_;
  Picture picture_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Auditor> auditor_;
};

TEST_F(AuditorTest, AContainerThatOnlyCriKnowsIsToldOnceWithItsPod) {
  auto created = std::chrono::system_clock::now() - 10s;
  cri_->add(fake::CriContainer{.id = "c1", .sandbox_id = "p1", .created = created});
  cri_->add(fake::CriContainer{.id = "known", .sandbox_id = "p2"});
  cri_->add(fake::CriContainer{.id = "ended", .sandbox_id = "p2", .state = runtime::v1::CONTAINER_EXITED});
  picture_.containers = {"known"};
  start();
  ASSERT_TRUE(thread_.waitFor([&] { return !picture_.told.empty(); }));
  ASSERT_TRUE(waitForAudits(4));
  thread_.run([&] {
    EXPECT_THAT(picture_.told, ElementsAre("c1"));
    ASSERT_EQ(picture_.pods.size(), 1u);
    EXPECT_EQ(picture_.pods[0].name, "web");
    EXPECT_EQ(picture_.pods[0].cgroup_parent, "/kubepods/besteffort/pod1");
    ASSERT_EQ(picture_.suspicions.size(), 1u);
    EXPECT_THAT(picture_.suspicions[0], HasSubstr("c1"));
    auto age = sys::EventLoop::Clock::now() - picture_.evidence;
    EXPECT_GE(age, 10s);
    EXPECT_LT(age, 20s);
  });
  EXPECT_EQ(stats().missed, 1u);
}

TEST_F(AuditorTest, AYoungContainerIsGivenTimeToBeTold) {
  cri_->add(fake::CriContainer{.id = "c1", .sandbox_id = "p1", .created = std::chrono::system_clock::now()});
  start();
  ASSERT_TRUE(waitForAudits(1));
  thread_.run([&] { EXPECT_THAT(picture_.told, IsEmpty()); });
  EXPECT_TRUE(thread_.waitFor([&] { return !picture_.told.empty(); })) << "it was never told";
}

TEST_F(AuditorTest, MoreThanOneAuditsWorthAreFoundInTurn) {
  for (int i = 0; i < 8; ++i)
    cri_->add(fake::CriContainer{.id = "c" + std::to_string(i), .sandbox_id = "p1"});
  start();
  EXPECT_TRUE(thread_.waitFor([&] { return picture_.told.size() == 8; }));
  EXPECT_GE(stats().audits, 3u);
}

TEST_F(AuditorTest, OneListIsNotEnoughToForgetAndACgroupIsEnoughToKeep) {
  cri_->add(fake::CriContainer{.id = "listed", .sandbox_id = "p1"});
  picture_.containers = {"listed", "absent", "has-cgroup"};
  picture_.with_cgroup = {"has-cgroup"};
  start();
  ASSERT_TRUE(waitForAudits(1));
  if (stats().audits == 1) thread_.run([&] { EXPECT_THAT(picture_.gone, IsEmpty()) << "after one list"; });
  ASSERT_TRUE(thread_.waitFor([&] { return !picture_.gone.empty(); }));
  EXPECT_GE(stats().audits, 2u);
  ASSERT_TRUE(waitForAudits(6));
  thread_.run([&] { EXPECT_THAT(picture_.gone, ElementsAre("absent")); });
}

TEST_F(AuditorTest, AFailedListForgetsNothingAndTheNextOneIsMade) {
  picture_.containers = {"a", "b"};
  cri_->setFailing(true);
  start();
  ASSERT_TRUE(thread_.waitFor([&] { return auditor_->stats().failures >= 2; }));
  EXPECT_THAT(stats().last_error, HasSubstr("not initialized"));
  cri_->setFailing(false);
  cri_->add(fake::CriContainer{.id = "a", .sandbox_id = "p1"});
  cri_->add(fake::CriContainer{.id = "b", .sandbox_id = "p1"});
  ASSERT_TRUE(thread_.waitFor([&] { return auditor_->stats().last_error.empty(); }));
  thread_.run([&] { EXPECT_THAT(picture_.gone, IsEmpty()); });
}

TEST_F(AuditorTest, NothingIsComparedWhileTheRuntimeIsAway) {
  cri_->add(fake::CriContainer{.id = "c1", .sandbox_id = "p1"});
  cri_->setDelay(100ms);
  start();
  ASSERT_TRUE(thread_.waitFor([&] { return client_->busy(); }));
  thread_.run([&] { auditor_->disconnected(); });
  ASSERT_TRUE(thread_.waitFor([&] { return !client_->busy(); }));
  std::this_thread::sleep_for(100ms);
  thread_.run([&] { EXPECT_THAT(picture_.told, IsEmpty()); });
  EXPECT_EQ(stats().audits, 1u);
}

}  // namespace
}  // namespace plimsoll::cri
