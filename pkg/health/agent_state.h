// The agent's own state as far as its health goes: written by the loop, judged by other threads, so that a
// loop that hangs cannot hide it.
//
// Threads: the setters belong to the loop's thread; the judgements to any.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "pkg/health/checks.h"

namespace plimsoll::health {

class AgentState {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    // Without a sign of the loop for so long it is taken to hang. Several beats.
    std::chrono::milliseconds beat_timeout{15'000};
    // How long late answers are remembered.
    std::chrono::milliseconds late_memory{60'000};
  };

  // `now` is for tests.
  explicit AgentState(Limits limits, Clock::time_point (*now)() = Clock::now);
  AgentState() : AgentState(Limits{}) {}

  // ---- the loop's
  void beat() { beat_.store(ticks(), std::memory_order_relaxed); }
  // A request of the runtime is being handled; `name` must be constant data. `budget`: what the runtime
  // gives; half of it is ours.
  void handlerEntered(const char* name, std::chrono::nanoseconds budget);
  // True: within the budget.
  bool handlerLeft();
  void registered();
  // Synchronize was answered and the work it brought is done.
  void synchronized();
  void disconnected(std::string_view reason);
  // A container came or went at `happened` and the runtime did not say so: where it has said nothing since,
  // the connection may be a dead one.
  void missedEvent(std::string_view what, Clock::time_point happened);
  // Any event of the runtime: the connection works.
  void heardEvent();
  // "": good. A bad new configuration leaves the one before in force, so it only warns.
  void setConfigProblem(std::string_view problem);
  void setJournalProblem(std::string_view problem);

  // ---- any thread's
  Finding loopTurns() const;
  Finding handlerAnswers() const;
  Finding runtimeConnected() const;
  Finding firstSynchronisation() const;
  Finding eventsFlow() const;
  Finding answersInTime() const;
  Finding configuration() const;
  Finding journal() const;

  // All of the above, under their names.
  void addTo(Checks& checks) const;

 private:
  int64_t ticks() const { return now_().time_since_epoch().count(); }
  std::string age(int64_t since) const;

  const Limits limits_;
  Clock::time_point (*const now_)();
  std::atomic<int64_t> beat_{0};
  std::atomic<int64_t> handler_since_{0};  // 0: none
  std::atomic<int64_t> handler_budget_{0};
  std::atomic<const char*> handler_name_{nullptr};
  std::atomic<int64_t> late_at_{0};  // 0: never
  std::atomic<int64_t> heard_at_{0};
  std::atomic<bool> registered_{false}, synchronized_{false}, silent_{false};
  mutable std::mutex mutex_;                           // held for a copy of a text only
  std::string runtime_problem_ = "not connected yet";  // the four are guarded by mutex_
  std::string silence_, config_problem_, journal_problem_;
};

}  // namespace plimsoll::health
