#include "cmd/plimsolld/connect.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ostream>

#include "cmd/plimsolld/options.h"
#include "pkg/base/unique_fd.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::agent {
namespace {

using base::Status;

constexpr size_t kBufferBytes = 64 << 10;
// What poll(2) calls writable takes at least so much without waiting (PIPE_BUF), also where the descriptor is
// a blocking one that we share with others and whose flags are not ours to change.
constexpr size_t kWriteBytes = 4096;

bool isPassing(int error) { return error == EAGAIN || error == EINTR; }

// One direction: reads only when everything read before was written.
class Direction {
 public:
  Direction(int from, int to) : from_(from), to_(to) {}

  bool wantsRead() const { return !ended_ && first_ == last_; }
  bool wantsWrite() const { return first_ != last_; }
  bool finished() const { return ended_ && !wantsWrite(); }

  void end() {
    ended_ = true;
    first_ = last_ = 0;
  }

  Status read() {
    const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
    if (got < 0 && isPassing(errno)) return base::ok();
    // A reset connection is an end like any other: what was received before it has been passed on.
    ended_ = got <= 0;
    if (got < 0 && errno != ECONNRESET) return base::errnoError(errno, "read");
    first_ = 0;
    last_ = got > 0 ? static_cast<size_t>(got) : 0;
    return base::ok();
  }

  Status write() {
    const ssize_t put = ::write(to_, buffer_.data() + first_, std::min(last_ - first_, kWriteBytes));
    if (put < 0 && isPassing(errno)) return base::ok();
    if (put < 0) return base::errnoError(errno, "write");
    first_ += static_cast<size_t>(put);
    return base::ok();
  }

 private:
  const int from_, to_;
  std::array<char, kBufferBytes> buffer_;
  size_t first_ = 0, last_ = 0;
  bool ended_ = false;
};

constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
constexpr short kWritable = POLLOUT | POLLHUP | POLLERR;

// poll(2) leaves out a negative descriptor: one that is hung up and not wanted would wake us for ever.
pollfd interest(int fd, bool wanted, short events) { return {wanted ? fd : -1, events, 0}; }

Status pump(int socket, int in, int out) {
  Direction up(in, socket), down(socket, out);
  bool told_end = false;
  while (!down.finished()) {
    if (up.finished() && !told_end) {
      ::shutdown(socket, SHUT_WR);
      told_end = true;
    }
    // The last one is watched all the time: whoever no longer reads the answer needs no more of it.
    std::array<pollfd, 4> entries = {
        interest(in, up.wantsRead(), POLLIN), interest(socket, up.wantsWrite(), POLLOUT),
        interest(socket, down.wantsRead(), POLLIN), interest(out, true, down.wantsWrite() ? POLLOUT : 0)};
    if (::poll(entries.data(), entries.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return base::errnoError(errno, "poll");
    }
    if (entries[0].revents & kReadable) RETURN_IF_ERROR(up.read());
    if (entries[2].revents & kReadable) RETURN_IF_ERROR(down.read());
    // The agent may close while we still write; what it said before is still to be read.
    if ((entries[1].revents & kWritable) && !up.write()) up.end();
    if (down.wantsWrite() && (entries[3].revents & kWritable)) RETURN_IF_ERROR(down.write());
    if (entries[3].revents & POLLERR) return base::error(base::ErrorCode::Cancelled, "nobody reads");
  }
  return base::ok();
}

}  // namespace

Status joinWithSocket(const std::string& socket, int in, int out) {
  ASSIGN_OR_RETURN(const base::UniqueFd connection, sys::connectUnix(socket));
  return pump(connection.get(), in, out);
}

int runConnect(const std::string& socket, std::ostream& err) {
  signal(SIGPIPE, SIG_IGN);
  const Status joined = joinWithSocket(socket, STDIN_FILENO, STDOUT_FILENO);
  if (joined) return kExitOk;
  err << "plimsolld connect: " << joined.error().message << "\n";
  return kExitFailure;
}

}  // namespace plimsoll::agent
