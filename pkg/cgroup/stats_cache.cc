#include "pkg/cgroup/stats_cache.h"

#include <utility>

namespace plimsoll::cgroup {

Result<model::StatsSample> StatsCache::get(const std::string& key, const std::string& cgroup_path) {
  const Clock::time_point now = now_();
  // Held while the kernel is read, so that several that ask at once cost one reading.
  std::lock_guard lock(mutex_);
  auto it = entries_.find(key);
  if (it != entries_.end() && now - it->second.sample.taken < min_age_) {
    it->second.asked = now;
    return it->second.sample;
  }
  const auto read = [&]() -> Result<std::pair<uint64_t, model::ContainerStats>> {
    ASSIGN_OR_RETURN(const ContainerCgroup cgroup, ContainerCgroup::open(hierarchy_, cgroup_path));
    ASSIGN_OR_RETURN(model::ContainerStats stats, readStats(cgroup));
    return std::pair(cgroup.id(), std::move(stats));
  };
  auto fresh = read();
  if (!fresh) {
    if (it != entries_.end()) entries_.erase(it);
    return tl::make_unexpected(std::move(fresh).error());
  }
  Entry& entry = entries_[key];
  const bool same = entry.cgroup_id == fresh->first;
  if (same) {
    entry.sample.before = std::move(entry.sample.now);
    entry.sample.taken_before = entry.sample.taken;
  } else {
    entry = Entry{};
    entry.cgroup_id = fresh->first;
  }
  entry.sample.now = std::move(fresh->second);
  entry.sample.taken = entry.asked = now;
  return entry.sample;
}

void StatsCache::forgetOlderThan(std::chrono::milliseconds age) {
  const Clock::time_point now = now_();
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.asked > age; });
}

size_t StatsCache::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace plimsoll::cgroup
