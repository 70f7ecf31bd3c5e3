// How long to wait before the next attempt: doubling from `min` to `max`, of which a random half to whole, so
// that the plugins of a node do not come back all at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace plimsoll::nri {

class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  Backoff(Duration min, Duration max, uint32_t seed)
      : min_(min), max_(std::max(min, max)), next_(min), random_(seed) {}

  Duration next() {
    Duration whole = next_;
    next_ = std::min(max_, next_ * 2);
    return Duration(std::uniform_int_distribution<Duration::rep>(whole.count() / 2, whole.count())(random_));
  }
  void reset() { next_ = min_; }

 private:
  Duration min_;
  Duration max_;
  Duration next_;
  std::minstd_rand random_;
};

}  // namespace plimsoll::nri
