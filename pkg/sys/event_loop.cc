#include "pkg/sys/event_loop.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

namespace plimsoll::sys {
namespace {
constexpr uint64_t kWakeId = 0;
constexpr int kForever = -1;
constexpr std::chrono::milliseconds kBusy{50};
}  // namespace

EventLoop::Handle& EventLoop::Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    cancel();
    loop_ = std::exchange(other.loop_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

void EventLoop::Handle::cancel() {
  if (EventLoop* loop = std::exchange(loop_, nullptr)) loop->cancel(id_);
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  base::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return base::errnoError(errno, "create epoll instance");
  base::UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return base::errnoError(errno, "create eventfd");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeId}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return base::errnoError(errno, "watch the loop's eventfd");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(base::UniqueFd epoll, base::UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

EventLoop::~EventLoop() = default;

Result<EventLoop::Handle> EventLoop::watch(int fd, uint32_t events, FdCallback callback) {
  uint64_t id = next_id_++;
  epoll_event event{.events = events, .data = {.u64 = id}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return base::errnoError(errno, "watch descriptor " + std::to_string(fd));
  }
  watches_.emplace(id, Watch{fd, std::make_shared<FdCallback>(std::move(callback))});
  return Handle(this, id);
}

Status EventLoop::rearm(const Handle& watch, uint32_t events) {
  auto it = watches_.find(watch.id_);
  if (it == watches_.end())
    return base::error(base::ErrorCode::FailedPrecondition, "rearm of an ended watch");
  epoll_event event{.events = events, .data = {.u64 = watch.id_}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, it->second.fd, &event) != 0) {
    return base::errnoError(errno, "change watch of descriptor " + std::to_string(it->second.fd));
  }
  return base::ok();
}

EventLoop::Handle EventLoop::after(Clock::duration delay, Callback callback) {
  uint64_t id = next_id_++;
  Clock::time_point due = Clock::now() + delay;
  timers_.emplace(due, std::pair(id, std::move(callback)));
  timer_due_.emplace(id, due);
  return Handle(this, id);
}

void EventLoop::post(Callback callback) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(callback));
  }
  uint64_t one = 1;
  [[maybe_unused]] ssize_t n = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::stop() {
  stop_.store(true);
  post([] {});
}

void EventLoop::run() {
  while (!stop_.load()) runOnce(Clock::duration::max());
}

int EventLoop::look(epoll_event* events, int capacity, Clock::duration limit) {
  Clock::time_point before = std::exchange(last_look_, Clock::now());
  bool was_busy = last_look_ - before > kBusy;
  // After a long absence one look without waiting tells what came meanwhile from what comes now.
  int ready = was_busy ? epoll_wait(epoll_.get(), events, capacity, 0) : 0;
  if (ready > 0) {
    ready_since_ = before;
  } else {
    ready = epoll_wait(epoll_.get(), events, capacity, waitMillis(limit));
    last_look_ = ready_since_ = Clock::now();
  }
  return ready;
}

void EventLoop::runOnce(Clock::duration limit) {
  epoll_event events[64];
  int ready = look(events, std::size(events), limit);
  turns_.fetch_add(1, std::memory_order_relaxed);
  bool posted = false;
  for (int i = 0; i < ready; ++i) {
    // Copied: epoll_event is packed, so a reference to its member would be misaligned.
    uint64_t id = events[i].data.u64;
    if (id == kWakeId) {
      uint64_t count;
      [[maybe_unused]] ssize_t n = ::read(wake_.get(), &count, sizeof count);
      posted = true;
      continue;
    }
    // Looked up again for each event: an earlier callback of this round may have ended the watch.
    auto it = watches_.find(id);
    if (it == watches_.end()) continue;
    auto callback = it->second.callback;
    (*callback)(events[i].events);
  }
  if (posted) runPosted();
  runTimers();
}

void EventLoop::runPosted() {
  std::vector<Callback> work;
  {
    std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (Callback& callback : work) callback();
}

void EventLoop::runTimers() {
  Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_due_.erase(node.mapped().first);
    node.mapped().second();
  }
}

int EventLoop::waitMillis(Clock::duration limit) const {
  using std::chrono::ceil;
  using std::chrono::milliseconds;
  if (timers_.empty() && limit == Clock::duration::max()) return kForever;
  Clock::duration wait = limit;
  if (!timers_.empty()) {
    Clock::duration due = timers_.begin()->first - Clock::now();
    wait = std::min(wait, std::max(due, Clock::duration::zero()));
  }
  constexpr auto kLongest = std::chrono::hours(1);
  return static_cast<int>(ceil<milliseconds>(std::min<Clock::duration>(wait, kLongest)).count());
}

void EventLoop::cancel(uint64_t id) {
  if (auto it = watches_.find(id); it != watches_.end()) {
    // Fails only if the descriptor is closed already, and then epoll has forgotten it.
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, it->second.fd, nullptr);
    watches_.erase(it);
    return;
  }
  auto due = timer_due_.find(id);
  if (due == timer_due_.end()) return;
  auto [first, last] = timers_.equal_range(due->second);
  for (auto it = first; it != last; ++it) {
    if (it->second.first == id) {
      timers_.erase(it);
      break;
    }
  }
  timer_due_.erase(due);
}

}  // namespace plimsoll::sys
