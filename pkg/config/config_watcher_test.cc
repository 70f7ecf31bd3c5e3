#include "pkg/config/config_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

namespace plimsoll::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

std::string configFor(int pids) {
  return "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\ndefaults: {pids.max: " + std::to_string(pids) +
         "}\n";
}

int64_t pidsOf(const NodeConfig& config) {
  return std::get<model::Number>(config.policy.defaults.at(0).value).value;
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

class ConfigWatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/plimsoll-watch-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    auto loop = sys::EventLoop::create();
    ASSERT_TRUE(loop);
    loop_ = *std::move(loop);
  }
  void TearDown() override {
    watcher_.reset();
    fs::remove_all(dir_);
  }

  void start(const fs::path& file) {
    auto watcher = ConfigWatcher::start(
        *loop_, file.string(),
        [this](const base::Result<NodeConfig>& config) {
          news_.push_back(config ? "pids=" + std::to_string(pidsOf(*config)) : config.error().message);
        },
        {.quiet = 20ms, .longest_wait = 100ms, .retry = 20ms});
    ASSERT_TRUE(watcher) << watcher.error().message;
    watcher_ = *std::move(watcher);
  }

  // Until there is news, at most `limit`; false: none.
  bool hearNews(std::chrono::milliseconds limit = 3000ms) {
    const size_t before = news_.size();
    const auto end = sys::EventLoop::Clock::now() + limit;
    while (news_.size() == before && sys::EventLoop::Clock::now() < end) loop_->runOnce(10ms);
    return news_.size() > before;
  }

  fs::path dir_;
  std::unique_ptr<sys::EventLoop> loop_;
  std::unique_ptr<ConfigWatcher> watcher_;
  std::vector<std::string> news_;
};

TEST_F(ConfigWatcherTest, AnEditIsTakenAndCounted) {
  write(dir_ / "node.yaml", configFor(1));
  start(dir_ / "node.yaml");
  EXPECT_EQ(pidsOf(watcher_->current()), 1);
  EXPECT_EQ(watcher_->current().policy.generation, 1);
  write(dir_ / "node.yaml", configFor(2));
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(news_.back(), "pids=2");
  EXPECT_EQ(watcher_->current().policy.generation, 2);
}

TEST_F(ConfigWatcherTest, ABadFileLeavesTheOldInForceAndIsReportedOnce) {
  write(dir_ / "node.yaml", configFor(1));
  start(dir_ / "node.yaml");
  write(dir_ / "node.yaml", configFor(1) + "onError: explode\n");
  ASSERT_TRUE(hearNews());
  EXPECT_THAT(news_.back(), HasSubstr("node.yaml:4: onError wants"));
  EXPECT_EQ(pidsOf(watcher_->current()), 1);
  EXPECT_EQ(watcher_->current().policy.generation, 1);
  fs::last_write_time(dir_ / "node.yaml", fs::file_time_type::clock::now());
  write(dir_ / "node.yaml", configFor(1) + "onError: explode\n");
  EXPECT_FALSE(hearNews(200ms)) << news_.back();
  write(dir_ / "node.yaml", configFor(3));
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(pidsOf(watcher_->current()), 3);
}

TEST_F(ConfigWatcherTest, AConfigMapSwapsItsLink) {
  fs::create_directory(dir_ / "..v1");
  write(dir_ / "..v1" / "node.yaml", configFor(1));
  fs::create_directory_symlink("..v1", dir_ / "..data");
  fs::create_symlink("..data/node.yaml", dir_ / "node.yaml");
  start(dir_ / "node.yaml");
  fs::create_directory(dir_ / "..v2");
  write(dir_ / "..v2" / "node.yaml", configFor(2));
  fs::create_directory_symlink("..v2", dir_ / "..data_tmp");
  fs::rename(dir_ / "..data_tmp", dir_ / "..data");
  fs::remove_all(dir_ / "..v1");
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(news_.back(), "pids=2");
}

TEST_F(ConfigWatcherTest, AFileThatVanishesIsReportedAndMayComeBack) {
  write(dir_ / "node.yaml", configFor(1));
  start(dir_ / "node.yaml");
  fs::remove(dir_ / "node.yaml");
  ASSERT_TRUE(hearNews());
  EXPECT_THAT(news_.back(), HasSubstr("open"));
  EXPECT_EQ(pidsOf(watcher_->current()), 1);
  write(dir_ / "new", configFor(2));
  fs::rename(dir_ / "new", dir_ / "node.yaml");
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(news_.back(), "pids=2");
}

TEST_F(ConfigWatcherTest, ADirectoryMayBeReplaced) {
  fs::create_directory(dir_ / "etc");
  write(dir_ / "etc" / "node.yaml", configFor(1));
  start(dir_ / "etc" / "node.yaml");
  fs::remove_all(dir_ / "etc");
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(pidsOf(watcher_->current()), 1);
  fs::create_directory(dir_ / "etc");
  write(dir_ / "etc" / "node.yaml", configFor(2));
  ASSERT_TRUE(hearNews());
  if (news_.back() != "pids=2") {
    ASSERT_TRUE(hearNews());
  }
  EXPECT_EQ(news_.back(), "pids=2");
  write(dir_ / "etc" / "node.yaml", configFor(3));
  ASSERT_TRUE(hearNews());
  EXPECT_EQ(news_.back(), "pids=3");
}

TEST_F(ConfigWatcherTest, ManyWritesAreOneNews) {
  write(dir_ / "node.yaml", configFor(1));
  start(dir_ / "node.yaml");
  for (int i = 2; i <= 20; ++i) write(dir_ / "node.yaml", configFor(i));
  ASSERT_TRUE(hearNews());
  EXPECT_FALSE(hearNews(200ms));
  EXPECT_THAT(news_, testing::ElementsAre("pids=20"));
}

TEST_F(ConfigWatcherTest, OtherFilesAndQuietTimesWakeNobody) {
  write(dir_ / "node.yaml", configFor(1));
  start(dir_ / "node.yaml");
  write(dir_ / "other.yaml", "nothing of ours");
  EXPECT_FALSE(hearNews(150ms));
  const uint64_t turns = loop_->turns();
  loop_->runOnce(300ms);
  EXPECT_LE(loop_->turns(), turns + 1);
}

TEST_F(ConfigWatcherTest, TheCallbackMayDestroyTheWatcher) {
  write(dir_ / "node.yaml", configFor(1));
  bool called = false;
  auto watcher = ConfigWatcher::start(*loop_, (dir_ / "node.yaml").string(),
                                      [&](const base::Result<NodeConfig>&) {
                                        watcher_.reset();
                                        called = true;
                                      },
                                      {.quiet = 1ms, .longest_wait = 10ms, .retry = 10ms});
  ASSERT_TRUE(watcher);
  watcher_ = *std::move(watcher);
  write(dir_ / "node.yaml", configFor(2));
  for (int i = 0; i < 100 && !called; ++i) loop_->runOnce(20ms);
  EXPECT_TRUE(called);
  EXPECT_EQ(watcher_, nullptr);
}

TEST_F(ConfigWatcherTest, StartsOnlyOnAGoodFile) {
  auto none = ConfigWatcher::start(*loop_, (dir_ / "none.yaml").string(), {}, {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().sys_errno, ENOENT);
  write(dir_ / "bad.yaml", "kind: Pod\n");
  EXPECT_FALSE(ConfigWatcher::start(*loop_, (dir_ / "bad.yaml").string(), {}, {}));
  EXPECT_FALSE(ConfigWatcher::start(*loop_, "/no/such/directory/node.yaml", {}, {}));
}

}  // namespace
}  // namespace plimsoll::config
