#include "pkg/cgroup/stats_cache.h"

#include <utility>

namespace plimsoll::cgroup {
namespace {

constexpr std::chrono::minutes kForgetAfter{5};
constexpr std::chrono::minutes kForgetEvery{1};

}  // namespace

Result<model::StatsSample> StatsCache::get(const std::string& key, const std::string& cgroup_path) {
  const Clock::time_point now = now_();
  // Held while the kernel is read, so that several that ask at once cost one reading.
  std::lock_guard lock(mutex_);
  forgetOld(now);
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

void StatsCache::forgetOld(Clock::time_point now) {
  if (now < next_forget_) return;
  next_forget_ = now + kForgetEvery;
  std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.asked > kForgetAfter; });
}

size_t StatsCache::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace plimsoll::cgroup
