// An event loop on a thread of its own, so that a test can be the blocking other end.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "pkg/sys/event_loop.h"

namespace plimsoll::fake {

class LoopThread {
 public:
  LoopThread();
  ~LoopThread();

  sys::EventLoop& loop() { return *loop_; }
  // Runs `work` on the loop's thread and waits for it.
  void run(const std::function<void()>& work);
  // Asks on the loop's thread until `condition` holds; false after `limit`.
  bool waitFor(const std::function<bool()>& condition,
               std::chrono::milliseconds limit = std::chrono::seconds(5));

 private:
  std::unique_ptr<sys::EventLoop> loop_;
  std::thread thread_;
};

}  // namespace plimsoll::fake
