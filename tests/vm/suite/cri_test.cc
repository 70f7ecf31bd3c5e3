// The agent's CRI client against the real runtime, and the auditor over it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "pkg/cri/auditor.h"
#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using namespace std::chrono_literals;

class Cri : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(sys::EventLoop::create().value());
    client_ = std::make_unique<cri::Client>(
        *loop_, cri::ClientOptions{.socket = podctl::kContainerdSocket, .deadline = 60s});
  }
  void TearDown() override { node().removePods(); }

  template <typename Answer>
  std::optional<base::Result<Answer>> wait(std::optional<base::Result<Answer>>& answer) {
    auto end = std::chrono::steady_clock::now() + 60s;
    while (!answer && std::chrono::steady_clock::now() < end) loop_->runOnce(100ms);
    return answer;
  }
  cri::Listing list() {
    std::optional<base::Result<cri::Listing>> answer;
    EXPECT_TRUE(client_->list([&](base::Result<cri::Listing> listing) { answer = std::move(listing); }));
    wait(answer);
    EXPECT_TRUE(answer && *answer) << (answer ? answer->error().message : "no answer");
    return answer && *answer ? **answer : cri::Listing{};
  }

  std::unique_ptr<sys::EventLoop> loop_;
  std::unique_ptr<cri::Client> client_;
};

TEST_F(Cri, ListsAndDescribesAPodAsItIs) {
  auto pod = node().run(node().pod("asked", "plimsoll.dev/memory.high: 64Mi"));
  cri::Listing listing = list();
  std::string id = node().idOf(pod);
  auto found = std::find_if(listing.containers.begin(), listing.containers.end(),
                            [&](const cri::ListedContainer& listed) { return listed.facts.id == id; });
  ASSERT_NE(found, listing.containers.end());
  EXPECT_EQ(found->facts.name, "app");
  EXPECT_EQ(found->facts.state, model::ContainerState::Running);
  auto age = std::chrono::system_clock::now() - found->created;
  EXPECT_GE(age, 0s);
  EXPECT_LT(age, 10min);

  std::erase_if(listing.pods,
                [&](const model::PodFacts& facts) { return facts.sandbox_id != found->facts.sandbox_id; });
  ASSERT_EQ(listing.pods.size(), 1u);
  EXPECT_EQ(listing.pods[0].name, "asked");
  EXPECT_EQ(listing.pods[0].annotations.at("plimsoll.dev/memory.high"), "64Mi");

  std::optional<base::Result<cri::Details>> answer;
  ASSERT_TRUE(client_->detail({*found}, listing.pods, [&](auto details) { answer = std::move(details); }));
  wait(answer);
  ASSERT_TRUE(answer && *answer) << (answer ? answer->error().message : "no answer");
  ASSERT_EQ((*answer)->containers.size(), 1u);
  const model::ContainerFacts& facts = (*answer)->containers[0];
  EXPECT_EQ("/sys/fs/cgroup" + facts.cgroups_path, node().cgroupOf(pod));
  EXPECT_EQ(fileText("/proc/" + std::to_string(facts.pid) + "/comm"), "sleep");
  EXPECT_FALSE(facts.mounts.empty());
  ASSERT_EQ((*answer)->pods.size(), 1u);
  EXPECT_EQ((*answer)->pods[0].cgroup_parent, pod.cgroup);
  EXPECT_TRUE((*answer)->pods[0].host_network);
}

// Knows nothing, and is told.
class Ignorant : public cri::Audited {
 public:
  std::set<std::string> told;
  bool knowsContainer(const std::string& id) const override { return told.contains(id); }
  std::vector<std::string> knownContainers() const override { return {}; }
  bool hasCgroup(const std::string&) const override { return true; }
  void missedByRuntime(const std::vector<model::PodFacts>&,
                       const std::vector<model::ContainerFacts>& containers) override {
    for (const auto& facts : containers) told.insert(facts.id);
  }
  void vanished(const std::vector<std::string>&) override {}
  void suspectZombie(std::string_view, sys::EventLoop::Clock::time_point) override { suspected = true; }
  bool suspected = false;
};

TEST_F(Cri, TheAuditorTellsWhatNobodyTold) {
  auto pod = node().run(node().pod("untold", ""));
  Ignorant ignorant;
  cri::Auditor auditor(*loop_, *client_, ignorant,
                       {.after_synchronize = 100ms, .interval = 1s, .settle = 100ms, .max_details = 64});
  auditor.synchronized();
  auto end = std::chrono::steady_clock::now() + 60s;
  while (!ignorant.told.contains(node().idOf(pod)) && std::chrono::steady_clock::now() < end)
    loop_->runOnce(100ms);
  EXPECT_TRUE(ignorant.told.contains(node().idOf(pod)));
  EXPECT_TRUE(ignorant.suspected);
}

}  // namespace
}  // namespace plimsoll::vm
