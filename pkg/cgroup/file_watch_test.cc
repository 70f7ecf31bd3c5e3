#include "pkg/cgroup/file_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kPath[] = "/kubepods/pod1/abc";

class FileWatchTest : public testing::Test {
 protected:
  std::vector<std::string> seen() {
    const auto end = std::chrono::steady_clock::now() + 30ms;
    while (std::chrono::steady_clock::now() < end) loop_->runOnce(5ms);
    return std::exchange(seen_, {});
  }
  testing_support::FakeHost host_;
  testing_support::FakeCgroup files_ = host_.container(kPath);
  std::unique_ptr<sys::EventLoop> loop_ = *sys::EventLoop::create();
  Hierarchy hierarchy_ = *Hierarchy::open(host_.roots());
  ContainerCgroup cgroup_ = *ContainerCgroup::open(hierarchy_, kPath);
  std::vector<std::string> seen_;
  std::unique_ptr<FileWatch> watch_ =
      *FileWatch::create(*loop_, [this](const std::string& owner) { seen_.push_back(owner); });
};

TEST_F(FileWatchTest, TellsOfWritesToTheFilesItWasGivenOnly) {
  ASSERT_TRUE(watch_->watch("c1", cgroup_, {"cpu.max", "memory.high", "no.such.file"}));
  EXPECT_EQ(watch_->size(), 2u);
  files_.file("cpu.weight", "5\n");
  EXPECT_THAT(seen(), IsEmpty());
  files_.file("cpu.max", "1000 100000\n");
  EXPECT_THAT(seen(), ElementsAre("c1"));
  files_.file("cpu.max", "2000 100000\n").file("memory.high", "4096\n");
  EXPECT_THAT(seen(), ElementsAre("c1")) << "told as one";
}

TEST_F(FileWatchTest, ForgetsAndReplaces) {
  ASSERT_TRUE(watch_->watch("c1", cgroup_, {"cpu.max"}));
  ASSERT_TRUE(watch_->watch("c1", cgroup_, {"memory.high"}));
  files_.file("cpu.max", "1000 100000\n");
  EXPECT_THAT(seen(), IsEmpty());
  watch_->forget("c1");
  files_.file("memory.high", "4096\n");
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_EQ(watch_->size(), 0u);
}

TEST_F(FileWatchTest, ACgroupThatGoesEndsItsWatches) {
  ASSERT_TRUE(watch_->watch("c1", cgroup_, {"cpu.max", "memory.high"}));
  files_.remove();
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_EQ(watch_->size(), 0u);
  watch_->forget("c1");
}

}  // namespace
}  // namespace plimsoll::cgroup
