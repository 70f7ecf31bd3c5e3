// Counters, gauges and histograms that cost a few nanoseconds to record: relaxed atomics, no lock, no
// allocation, no look-up by name. Not for: names, labels and text (exposition.h).
//
// Threads: any may record, any may read at the same time. A reader sees each number as it was at some moment;
// numbers recorded together may be seen one by one.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plimsoll::metrics {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  // For a number that is counted elsewhere and copied here from time to time.
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Durations in buckets. The bounds are upper ones, inclusive, ascending, at most kMostBounds, and constant
// data.
class Histogram {
 public:
  static constexpr size_t kMostBounds = 16;
  using Bounds = std::span<const std::chrono::nanoseconds>;

  explicit Histogram(Bounds bounds) : bounds_(bounds.first(std::min(bounds.size(), kMostBounds))) {}

  void observe(std::chrono::nanoseconds value) {
    size_t i = 0;
    while (i < bounds_.size() && value > bounds_[i]) ++i;
    buckets_[i].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(static_cast<uint64_t>(std::max<int64_t>(value.count(), 0)), std::memory_order_relaxed);
  }

  struct Snapshot {
    Bounds bounds;
    std::array<uint64_t, kMostBounds + 1> cumulative{};  // by bound; at bounds.size(): all
    uint64_t count = 0;                                  // the last of `cumulative`, so that the two agree
    double sum_seconds = 0;
  };
  Snapshot snapshot() const;

 private:
  Bounds bounds_;
  std::array<std::atomic<uint64_t>, kMostBounds + 1> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

inline Histogram::Snapshot Histogram::snapshot() const {
  Snapshot shot;
  shot.bounds = bounds_;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    shot.count += buckets_[i].load(std::memory_order_relaxed);
    shot.cumulative[i] = shot.count;
  }
  shot.sum_seconds = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
  return shot;
}

}  // namespace plimsoll::metrics
