// The agent's newest events: bounded, numbered from 1 without gaps, written by the loop and read by any
// number of streams. A reader that is slower than the ring is told how many it missed.
//
// Threads: every function from any thread; none waits for a reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "pkg/model/plan.h"

namespace plimsoll::api {

class EventRing {
 public:
  // Ends a subscription when destroyed; waits until a running callback returned. Must not outlive the ring.
  class [[nodiscard]] Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept
        : ring_(std::exchange(other.ring_, nullptr)), id_(other.id_) {}
    Subscription& operator=(Subscription&& other) noexcept;
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { cancel(); }
    void cancel();

   private:
    friend class EventRing;
    Subscription(EventRing* ring, uint64_t id) : ring_(ring), id_(id) {}
    EventRing* ring_ = nullptr;
    uint64_t id_ = 0;
  };

  // Events that are kept. About 300 bytes each.
  static constexpr size_t kDefaultCapacity = 1024;
  explicit EventRing(size_t capacity = kDefaultCapacity);

  // Gives the event its number and, where it has none, the time. Returns the number.
  uint64_t push(model::Event event);

  struct Batch {
    std::vector<std::shared_ptr<const model::Event>> events;  // ascending
    uint64_t dropped = 0;  // numbers above `since` that were overwritten before the first of `events`
  };
  // Events with a number above `since`, at most `limit`.
  Batch read(uint64_t since, size_t limit) const;

  uint64_t lastSequence() const;
  // Overwritten since the ring was made.
  uint64_t overwritten() const;

  // Calls `wake` after each push, on the pushing thread: it must only wake somebody, and must not call the
  // ring.
  Subscription subscribe(std::function<void()> wake);

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const model::Event>> events_;  // guarded by mutex_
  uint64_t last_ = 0;                                       // guarded by mutex_
  std::mutex wake_mutex_;
  std::map<uint64_t, std::function<void()>> wakes_;  // guarded by wake_mutex_
  uint64_t next_id_ = 1;                             // guarded by wake_mutex_
};

}  // namespace plimsoll::api
