// How often what somebody else took away is put back: a few times within a minute, and then it is left to him
// for a while. Plain state of one place; the caller says the time. Internal to pkg/netqos.
#pragma once

#include <chrono>
#include <deque>
#include <string>

namespace plimsoll::netqos {

class Repairs {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kMost = 3;
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::chrono::minutes kStandBack{10};

  enum class Verdict {
    Repair,       // and it is counted
    StepBack,     // it has just become too many
    StandingBack  // it had been too many
  };
  Verdict ask(Clock::time_point now) {
    if (standsBack(now)) return Verdict::StandingBack;
    while (!made_.empty() && now - made_.front() > kWindow) made_.pop_front();
    if (made_.size() < kMost) {
      made_.push_back(now);
      return Verdict::Repair;
    }
    until_ = now + kStandBack;
    return Verdict::StepBack;
  }
  bool standsBack(Clock::time_point now) const { return until_ > now; }
  // Stood back, and long enough.
  bool isOver(Clock::time_point now) const { return until_ != Clock::time_point{} && !standsBack(now); }
  // For people, after "somebody else took ... away ".
  static std::string why() {
    return std::to_string(kMost + 1) + " times within a minute; it is left to him for " +
           std::to_string(kStandBack.count()) + " minutes";
  }

 private:
  std::deque<Clock::time_point> made_;
  Clock::time_point until_{};
};

}  // namespace plimsoll::netqos
