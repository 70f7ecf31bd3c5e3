// The agent's one thread of control: file descriptors, timers and work posted by other threads, run one at a
// time.
//
// Not for: long work (every NRI answer waits behind it) or more than one thread: everything but post() and
// stop() belongs to the thread that calls run(), or to the one that prepares the loop before run().
//
//   sys::EventLoop loop;
//   auto watch = loop.watch(fd, EPOLLIN, [&](uint32_t events) { ... });
//   auto timer = loop.after(1s, [&] { ... });
//   loop.run();
//
// Watches and timers end when their handle is destroyed; both may be destroyed inside their own callback.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::sys {

using base::Result;
using base::Status;

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using FdCallback = std::function<void(uint32_t events)>;
  using Callback = std::function<void()>;

  // Ends a watch or a timer. Movable; an empty handle holds nothing. Must not outlive the loop.
  class [[nodiscard]] Handle {
   public:
    Handle() = default;
    Handle(Handle&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_) {}
    Handle& operator=(Handle&& other) noexcept;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { cancel(); }
    void cancel();
    bool active() const { return loop_ != nullptr; }

   private:
    friend class EventLoop;
    Handle(EventLoop* loop, uint64_t id) : loop_(loop), id_(id) {}
    EventLoop* loop_ = nullptr;
    uint64_t id_ = 0;
  };

  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();

  // Level-triggered. The descriptor stays the caller's and must outlive the handle.
  Result<Handle> watch(int fd, uint32_t events, FdCallback callback);
  // Replaces the events a watch waits for (0 pauses it).
  Status rearm(const Handle& watch, uint32_t events);

  // Once, not before `delay` has passed. The handle stays active() until it is destroyed or cancelled.
  Handle after(Clock::duration delay, Callback callback);

  // From any thread: runs on the loop's thread, in the order posted.
  void post(Callback callback);

  // Runs until stop(). Waits without waking up when there is nothing to do.
  void run();
  // One round: waits at most `limit` for something to do and does it. For tests.
  void runOnce(Clock::duration limit);
  // From any thread.
  void stop();

  // Inside a callback of watch(): since when the descriptor may have been ready, to 50 ms. Long ago means
  // that the loop was kept from looking, and that whoever waits for an answer has waited since then.
  Clock::time_point readySince() const { return ready_since_; }

  // How many rounds the loop has turned; a liveness check reads it from another thread.
  uint64_t turns() const { return turns_.load(std::memory_order_relaxed); }

 private:
  EventLoop(base::UniqueFd epoll, base::UniqueFd wake);
  void cancel(uint64_t id);
  void runTimers();
  void runPosted();
  int waitMillis(Clock::duration limit) const;
  int look(epoll_event* events, int capacity, Clock::duration limit);

  struct Watch {
    int fd;
    std::shared_ptr<FdCallback> callback;  // the loop and, while it runs, the call share it
  };

  base::UniqueFd epoll_;
  base::UniqueFd wake_;
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, Watch> watches_;
  std::multimap<Clock::time_point, std::pair<uint64_t, Callback>> timers_;
  std::unordered_map<uint64_t, Clock::time_point> timer_due_;
  std::mutex posted_mutex_;
  std::vector<Callback> posted_;  // guarded by posted_mutex_
  Clock::time_point ready_since_{};
  Clock::time_point last_look_ = Clock::now();  // when the last epoll_wait returned
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> turns_{0};
};

}  // namespace plimsoll::sys
