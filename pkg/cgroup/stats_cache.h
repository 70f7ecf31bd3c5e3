// Reads containers' counters for whoever asks, at most every `min_age` per container, and keeps the look
// before, so that a rate can be told. For scrapes and API calls: they come from several readers, and a
// reader that asks too often must not cost the node anything.
//
// No directory is held: a cgroup is opened anew below the tree's root, and one with another id than before is
// taken for another container.
//
// Threads: any. The lock is shared among readers only, never with the agent's loop.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

#include "pkg/cgroup/stats.h"

namespace plimsoll::cgroup {

class StatsCache {
 public:
  using Clock = std::chrono::steady_clock;

  // `now` is for tests.
  StatsCache(Hierarchy hierarchy, std::chrono::milliseconds min_age,
             std::function<Clock::time_point()> now = Clock::now)
      : hierarchy_(std::move(hierarchy)), min_age_(min_age), now_(std::move(now)) {}

  // isGone(): the cgroup went away. `key` is the container's id.
  Result<model::StatsSample> get(const std::string& key, const std::string& cgroup_path);
  // Containers whose counters are kept: those that were asked for in the last minutes.
  size_t size() const;

 private:
  struct Entry {
    uint64_t cgroup_id = 0;
    model::StatsSample sample;
    Clock::time_point asked{};
  };

  const Hierarchy hierarchy_;
  const std::chrono::milliseconds min_age_;
  const std::function<Clock::time_point()> now_;
  void forgetOld(Clock::time_point now);

  mutable std::mutex mutex_;
  Clock::time_point next_forget_{};                 // guarded by mutex_
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace plimsoll::cgroup
