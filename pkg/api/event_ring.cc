#include "pkg/api/event_ring.h"

#include <algorithm>
#include <utility>

namespace plimsoll::api {

EventRing::EventRing(size_t capacity) : capacity_(std::max<size_t>(capacity, 1)) {}

EventRing::Subscription& EventRing::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    cancel();
    ring_ = std::exchange(other.ring_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

void EventRing::Subscription::cancel() {
  if (EventRing* ring = std::exchange(ring_, nullptr)) {
    std::lock_guard lock(ring->wake_mutex_);
    ring->wakes_.erase(id_);
  }
}

uint64_t EventRing::push(model::Event event) {
  if (event.time == std::chrono::system_clock::time_point{}) event.time = std::chrono::system_clock::now();
  auto shared = std::make_shared<model::Event>(std::move(event));
  uint64_t sequence = 0;
  {
    std::lock_guard lock(mutex_);
    sequence = shared->sequence = ++last_;
    events_.push_back(std::move(shared));
    if (events_.size() > capacity_) events_.pop_front();
  }
  std::lock_guard lock(wake_mutex_);
  for (const auto& [id, wake] : wakes_) wake();
  return sequence;
}

EventRing::Batch EventRing::read(uint64_t since, size_t limit) const {
  Batch batch;
  std::lock_guard lock(mutex_);
  const uint64_t first = last_ - events_.size() + 1;  // number of events_.front()
  if (since >= last_) return batch;
  const uint64_t from = std::max(since + 1, first);
  batch.dropped = from - (since + 1);
  const size_t begin = from - first;
  const size_t end = begin + std::min(limit, events_.size() - begin);
  batch.events.assign(events_.begin() + begin, events_.begin() + end);
  return batch;
}

uint64_t EventRing::lastSequence() const {
  std::lock_guard lock(mutex_);
  return last_;
}

uint64_t EventRing::overwritten() const {
  std::lock_guard lock(mutex_);
  return last_ - events_.size();
}

EventRing::Subscription EventRing::subscribe(std::function<void()> wake) {
  std::lock_guard lock(wake_mutex_);
  const uint64_t id = next_id_++;
  wakes_.emplace(id, std::move(wake));
  return Subscription(this, id);
}

}  // namespace plimsoll::api
