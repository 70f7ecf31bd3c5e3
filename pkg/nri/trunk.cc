#include "pkg/nri/trunk.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

namespace plimsoll::nri {
namespace {

constexpr size_t kReadSize = 64U << 10;
// So that one peer that never stops sending leaves the loop to others too.
constexpr int kReadsPerTurn = 16;
constexpr size_t kKeptCapacity = 64U << 10;

bool wouldBlock(int err) { return err == EAGAIN || err == EWOULDBLOCK; }

}  // namespace

base::Result<std::unique_ptr<Trunk>> Trunk::create(sys::EventLoop& loop, base::UniqueFd fd,
                                                   Observer& observer) {
  std::unique_ptr<Trunk> trunk(new Trunk(loop, std::move(fd), observer));
  ASSIGN_OR_RETURN(trunk->watch_, loop.watch(trunk->fd_.get(), EPOLLIN,
                                             [t = trunk.get()](uint32_t events) { t->onReady(events); }));
  return trunk;
}

Trunk::Trunk(sys::EventLoop& loop, base::UniqueFd fd, Observer& observer)
    : loop_(loop),
      fd_(std::move(fd)),
      observer_(observer),
      to_observer_([this](uint32_t stream, std::string_view bytes) {
        if (fd_.valid()) observer_.onBytes(stream, bytes);
      }),
      buffer_(kReadSize) {}

void Trunk::close() {
  watch_.cancel();
  report_.cancel();
  fd_.reset();
  queue_.clear();
}

void Trunk::onReady(uint32_t events) {
  if (fd_.valid() && (events & EPOLLOUT) != 0) flush();
  if (fd_.valid() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
}

void Trunk::read() {
  for (int i = 0; i < kReadsPerTurn && fd_.valid(); ++i) {
    ssize_t n = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && wouldBlock(errno)) return;
    if (n < 0) return fail(base::errnoError(errno, "read from the runtime").value());
    if (n == 0) return fail({base::ErrorCode::Unavailable, "the runtime closed the connection"});
    base::Status parsed = mux_.push({buffer_.data(), static_cast<size_t>(n)}, to_observer_);
    if (!parsed) return fail(parsed.error());
    if (static_cast<size_t>(n) < buffer_.size()) return;
  }
}

void Trunk::send(uint32_t stream, std::string_view message) {
  if (!fd_.valid() || report_.active() || message.empty()) return;
  size_t first = firstFrameSize(message.size());
  writeFrame(stream, message.substr(0, first));
  if (first < message.size()) writeFrame(stream, message.substr(first));
  size_t waiting = queue_.size() - queue_pos_;
  if (waiting > kMaxQueued) {
    return fail({base::ErrorCode::ResourceExhausted,
                 "the runtime does not read: " + std::to_string(waiting) + " bytes wait for it"});
  }
  if (waiting > 0 && !report_.active()) flush();
}

// Straight to the socket if nothing waits, what it does not take goes to the queue.
void Trunk::writeFrame(uint32_t stream, std::string_view payload) {
  if (report_.active()) return;
  auto header = encodeMuxHeader(stream, static_cast<uint32_t>(payload.size()));
  size_t written = 0;
  if (queue_.empty()) {
    iovec parts[] = {{header.data(), header.size()}, {const_cast<char*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = std::size(parts);
    ssize_t n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n < 0 && !wouldBlock(errno) && errno != EINTR) {
      return fail(base::errnoError(errno, "write to the runtime").value());
    }
    written = n > 0 ? static_cast<size_t>(n) : 0;
  }
  if (written < header.size()) queue_.append(header.data() + written, header.size() - written);
  size_t body = written > header.size() ? written - header.size() : 0;
  queue_.append(payload.substr(body));
}

void Trunk::flush() {
  while (queue_pos_ < queue_.size()) {
    ssize_t n = ::send(fd_.get(), queue_.data() + queue_pos_, queue_.size() - queue_pos_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && wouldBlock(errno)) break;
    if (n < 0) return fail(base::errnoError(errno, "write to the runtime").value());
    queue_pos_ += static_cast<size_t>(n);
  }
  bool done = queue_pos_ == queue_.size();
  if (done || queue_pos_ > queue_.size() / 2) {
    queue_.erase(0, queue_pos_);
    queue_pos_ = 0;
    if (done && queue_.capacity() > kKeptCapacity) queue_.shrink_to_fit();
  }
  base::Status armed = loop_.rearm(watch_, done ? EPOLLIN : EPOLLIN | EPOLLOUT);
  if (!armed) fail(armed.error());
}

// Reported from the loop and not from here: the caller may be in the middle of handling a message.
void Trunk::fail(base::Error reason) {
  if (report_.active()) return;
  watch_.cancel();
  report_ = loop_.after(sys::EventLoop::Clock::duration::zero(), [this, reason = std::move(reason)] {
    close();
    observer_.onTrunkClosed(reason);
  });
}

}  // namespace plimsoll::nri
