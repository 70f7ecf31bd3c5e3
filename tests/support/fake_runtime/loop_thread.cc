#include "tests/support/fake_runtime/loop_thread.h"

#include <future>

namespace plimsoll::fake {

LoopThread::LoopThread()
    : loop_(std::move(sys::EventLoop::create().value())), thread_([this] { loop_->run(); }) {}

LoopThread::~LoopThread() {
  loop_->stop();
  thread_.join();
}

void LoopThread::run(const std::function<void()>& work) {
  std::promise<void> done;
  loop_->post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

bool LoopThread::waitFor(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    bool holds = false;
    run([&] { holds = condition(); });
    if (holds) return true;
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace plimsoll::fake
