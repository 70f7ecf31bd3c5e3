#include "pkg/health/agent_state.h"

namespace plimsoll::health {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr auto kRelaxed = std::memory_order_relaxed;

std::string inSeconds(nanoseconds duration) {
  const int64_t ms = std::chrono::duration_cast<milliseconds>(duration).count();
  return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
}

}  // namespace

AgentState::AgentState(Limits limits, Clock::time_point (*now)()) : limits_(limits), now_(now) { beat(); }

std::string AgentState::age(int64_t since) const { return inSeconds(nanoseconds(ticks() - since)); }

void AgentState::handlerEntered(const char* name, nanoseconds budget) {
  handler_name_.store(name, kRelaxed);
  handler_budget_.store(budget.count(), kRelaxed);
  // Last, and ordered: whoever sees the time sees the name and the budget that belong to it.
  const int64_t now = ticks();
  handler_since_.store(now, std::memory_order_release);
  heard_at_.store(now, kRelaxed);
  silent_.store(false, kRelaxed);
}

bool AgentState::handlerLeft() {
  const int64_t now = ticks();
  const bool late = now - handler_since_.load(kRelaxed) > handler_budget_.load(kRelaxed);
  if (late) late_at_.store(now, kRelaxed);
  handler_since_.store(0, std::memory_order_release);
  return !late;
}

void AgentState::registered() {
  registered_.store(true, kRelaxed);
  synchronized_.store(false, kRelaxed);
  heardEvent();
}

void AgentState::synchronized() { synchronized_.store(true, kRelaxed); }

void AgentState::disconnected(std::string_view reason) {
  {
    std::lock_guard lock(mutex_);
    runtime_problem_ = reason;
  }
  registered_.store(false, kRelaxed);
  synchronized_.store(false, kRelaxed);
  silent_.store(false, kRelaxed);
}

void AgentState::missedEvent(std::string_view what, Clock::time_point happened) {
  if (!registered_.load(kRelaxed)) return;  // then nobody could have told us
  if (heard_at_.load(kRelaxed) >= happened.time_since_epoch().count()) return;
  {
    std::lock_guard lock(mutex_);
    silence_ = what;
  }
  silent_.store(true, kRelaxed);
}

void AgentState::heardEvent() {
  heard_at_.store(ticks(), kRelaxed);
  silent_.store(false, kRelaxed);
}

void AgentState::setConfigProblem(std::string_view problem) {
  std::lock_guard lock(mutex_);
  config_problem_ = problem;
}

void AgentState::setJournalProblem(std::string_view problem) {
  std::lock_guard lock(mutex_);
  if (journal_problem_ != problem) journal_problem_ = problem;
}

Finding AgentState::loopTurns() const {
  const int64_t last = beat_.load(kRelaxed);
  if (nanoseconds(ticks() - last) <= limits_.beat_timeout) return {};
  return {Level::Fail, "the event loop has not turned for " + age(last)};
}

Finding AgentState::handlerAnswers() const {
  const int64_t since = handler_since_.load(std::memory_order_acquire);
  if (since == 0) return {};
  const nanoseconds limit(handler_budget_.load(kRelaxed) / 2);
  if (limit.count() == 0 || nanoseconds(ticks() - since) <= limit) return {};
  const char* name = handler_name_.load(kRelaxed);
  return {Level::Fail, std::string(name ? name : "a request") + " has been handled for " + age(since) +
                           "; the runtime waits " + inSeconds(limit * 2)};
}

Finding AgentState::runtimeConnected() const {
  if (registered_.load(kRelaxed)) return {};
  std::lock_guard lock(mutex_);
  return {Level::Fail, "not registered with the container runtime: " + runtime_problem_};
}

Finding AgentState::firstSynchronisation() const {
  if (synchronized_.load(kRelaxed)) return {};
  return {Level::Fail, registered_.load(kRelaxed) ? "containers that run already are still being looked at"
                                                  : "waits for the runtime's list of what runs"};
}

Finding AgentState::eventsFlow() const {
  if (!silent_.load(kRelaxed)) return {};
  std::lock_guard lock(mutex_);
  return {Level::Fail, "connected, but the runtime sends no events: " + silence_};
}

Finding AgentState::answersInTime() const {
  const int64_t late = late_at_.load(kRelaxed);
  if (late == 0 || nanoseconds(ticks() - late) > limits_.late_memory) return {};
  return {Level::Fail, "an answer came after the runtime's time-out " + age(late) + " ago"};
}

Finding AgentState::configuration() const {
  std::lock_guard lock(mutex_);
  if (config_problem_.empty()) return {};
  return {Level::Warn, "the configuration before stays in force: " + config_problem_};
}

Finding AgentState::journal() const {
  std::lock_guard lock(mutex_);
  if (journal_problem_.empty()) return {};
  return {Level::Warn, journal_problem_};
}

void AgentState::addTo(Checks& checks) const {
  using Judge = Finding (AgentState::*)() const;
  struct Row {
    const char* name;
    Of of;
    Judge judge;
  };
  static constexpr Row kRows[] = {
      {"loop", Of::Live, &AgentState::loopTurns},
      {"handler", Of::Live, &AgentState::handlerAnswers},
      {"loop", Of::Ready, &AgentState::loopTurns},
      {"handler", Of::Ready, &AgentState::handlerAnswers},
      {"runtime", Of::Ready, &AgentState::runtimeConnected},
      {"synchronisation", Of::Ready, &AgentState::firstSynchronisation},
      {"events", Of::Ready, &AgentState::eventsFlow},
      {"answers", Of::Ready, &AgentState::answersInTime},
      {"configuration", Of::Ready, &AgentState::configuration},
      {"journal", Of::Ready, &AgentState::journal},
  };
  for (const Row& row : kRows) {
    checks.add({row.name, row.of, [this, judge = row.judge] { return (this->*judge)(); }});
  }
}

}  // namespace plimsoll::health
