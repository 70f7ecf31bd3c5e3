#include "pkg/sys/event_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

namespace plimsoll::sys {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class EventLoopTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::create().value());
};

TEST_F(EventLoopTest, TimersRunInOrderAndOnce) {
  std::vector<int> ran;
  auto b = loop_->after(10ms, [&] { ran.push_back(2); });
  auto a = loop_->after(1ms, [&] { ran.push_back(1); });
  auto gone = loop_->after(2ms, [&] { ran.push_back(99); });
  gone.cancel();
  for (int i = 0; i < 50 && ran.size() < 2; ++i) loop_->runOnce(20ms);
  loop_->runOnce(15ms);
  EXPECT_THAT(ran, ElementsAre(1, 2));
}

TEST_F(EventLoopTest, AWatchMayEndItselfAndOthersInItsCallback) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  base::UniqueFd a(pair[0]), b(pair[1]);
  int calls = 0;
  EventLoop::Handle first, second;
  auto endBoth = [&](uint32_t) {
    ++calls;
    first.cancel();
    second.cancel();
  };
  first = *loop_->watch(a.get(), EPOLLOUT, endBoth);
  second = *loop_->watch(b.get(), EPOLLOUT, endBoth);
  loop_->runOnce(20ms);
  loop_->runOnce(5ms);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, RearmPausesAndResumes) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  base::UniqueFd a(pair[0]), b(pair[1]);
  int calls = 0;
  auto watch = *loop_->watch(a.get(), EPOLLOUT, [&](uint32_t) { ++calls; });
  ASSERT_TRUE(loop_->rearm(watch, 0));
  loop_->runOnce(5ms);
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(loop_->rearm(watch, EPOLLOUT));
  loop_->runOnce(20ms);
  EXPECT_EQ(calls, 1);
}

TEST_F(EventLoopTest, WorkPostedByAnotherThreadRunsHereAndStopEndsTheLoop) {
  std::thread::id ran_on;
  std::thread other([&] {
    loop_->post([&] { ran_on = std::this_thread::get_id(); });
    loop_->stop();
  });
  loop_->run();
  other.join();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_F(EventLoopTest, TellsSinceWhenADescriptorMayHaveBeenReady) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  base::UniqueFd a(pair[0]), b(pair[1]);
  EventLoop::Clock::duration waited{};
  auto watch = *loop_->watch(a.get(), EPOLLIN, [&](uint32_t) {
    char byte;
    ASSERT_EQ(read(a.get(), &byte, 1), 1);
    waited = EventLoop::Clock::now() - loop_->readySince();
  });
  loop_->runOnce(0ms);
  std::thread writer([&] {
    std::this_thread::sleep_for(120ms);
    ASSERT_EQ(write(b.get(), "x", 1), 1);
  });
  loop_->runOnce(1s);
  writer.join();
  EXPECT_LT(waited, 60ms) << "the loop was waiting for it";
  ASSERT_EQ(write(b.get(), "x", 1), 1);
  std::this_thread::sleep_for(120ms);
  loop_->runOnce(1s);
  EXPECT_GE(waited, 120ms) << "it waited for the loop";
}

TEST_F(EventLoopTest, WatchingABadDescriptorIsAnError) {
  EXPECT_EQ(loop_->watch(-1, EPOLLIN, [](uint32_t) {}).error().sys_errno, EBADF);
}

}  // namespace
}  // namespace plimsoll::sys
