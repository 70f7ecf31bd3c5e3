// Counts, for one container, how often each of its settings had to be written again. Somebody who keeps
// rewriting one has a reason that we do not know: then we step back, once, until the plan changes.
// Threads: the loop's.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "pkg/model/rules.h"

namespace plimsoll::control {

class Fights {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Verdict {
    Rewrite,
    StepBack,     // from now on; to be told
    SteppedBack,  // already
  };

  // Somebody changed it again.
  Verdict drifted(const std::string& key, const model::DriftRules& rules, Time now);
  bool steppedBack(std::string_view key) const;
  // The plan changed: start anew.
  void clear() { fights_.clear(); }

 private:
  struct Fight {
    std::deque<Time> rewrites;
    bool over = false;
  };
  std::map<std::string, Fight, std::less<>> fights_;
};

}  // namespace plimsoll::control
