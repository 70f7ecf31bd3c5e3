#include "pkg/http/server.h"

#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::http {
namespace {

namespace log = base::log;
using base::UniqueFd;

constexpr std::chrono::seconds kAcceptPause{1};  // when descriptors ran out
// After the answer: how long, and for how many bytes, what the peer still sends is read and thrown away. A
// connection that is closed with bytes unread is reset, and the peer may lose the answer.
constexpr std::chrono::seconds kDrain{1};
constexpr size_t kMostDrained = 64 << 10;
constexpr size_t kTrimAbove = 1 << 20;

std::string headOf(const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reasonPhrase(response.status);
  head += "\r\nContent-Type: " + response.content_type;
  head += "\r\nContent-Length: " + std::to_string(response.body.size());
  head += "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (response.status == 405) head += "Allow: GET, HEAD\r\n";
  return head + "\r\n";
}

Response plain(int status) { return {.status = status, .body = std::string(reasonPhrase(status)) + "\n"}; }

std::string boundAddress(int fd, const Address& wanted) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  Address bound = wanted;
  if (wanted.path.empty() && getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
    bound.port = ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                                     : reinterpret_cast<sockaddr_in&>(storage).sin_port);
  }
  return toString(bound);
}

struct Connection {
  UniqueFd fd;
  std::string in, out;
  size_t sent = 0, drained = 0;
  enum class Stage { Reading, Writing, Draining } stage = Stage::Reading;
  sys::EventLoop::Handle watch, deadline;
};

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Handler handler) : options_(std::move(options)), handler_(std::move(handler)) {}
  ~Impl();
  base::Status start();

  std::string boundTo() const {
    std::lock_guard lock(mutex_);
    return bound_to_;
  }
  ServerStats stats() const { return {requests_.load(), refused_.load(), bad_.load()}; }
  size_t connections() const { return open_.load(); }

 private:
  base::Status bind();
  void bindLater();
  void acceptAll();
  void admit(UniqueFd fd);
  void ready(uint64_t id);
  void receive(uint64_t id, Connection& connection);
  void answer(uint64_t id, Connection& connection, const Response& response, Method method);
  void sendRest(uint64_t id, Connection& connection);
  void drain(uint64_t id, Connection& connection);
  void tooSlow(uint64_t id);
  void drop(uint64_t id);

  const ServerOptions options_;
  const Handler handler_;
  std::unique_ptr<sys::EventLoop> loop_;
  UniqueFd listener_;
  struct stat socket_file_ {};
  sys::EventLoop::Handle accept_watch_, pause_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t next_id_ = 1;
  std::atomic<uint64_t> requests_{0}, refused_{0}, bad_{0};
  std::atomic<size_t> open_{0};
  mutable std::mutex mutex_;
  std::string bound_to_;  // guarded by mutex_
  std::thread thread_;
};

base::Status Server::Impl::start() {
  ASSIGN_OR_RETURN(loop_, sys::EventLoop::create());
  if (base::Status bound = bind(); !bound) {
    if (bound.error().sys_errno != EADDRINUSE) return bound;
    log::warn("The address for metrics and probes is in use; trying again from time to time",
              {{"address", toString(options_.address)}});
    bindLater();
  }
  thread_ = std::thread([this] { loop_->run(); });
  return base::ok();
}

Server::Impl::~Impl() {
  if (thread_.joinable()) {
    loop_->stop();
    thread_.join();
  }
  struct stat now {};
  const std::string& path = options_.address.path;
  const bool ours = listener_.valid() && !path.empty() && lstat(path.c_str(), &now) == 0 &&
                    now.st_dev == socket_file_.st_dev && now.st_ino == socket_file_.st_ino;
  if (ours) unlink(path.c_str());
}

base::Status Server::Impl::bind() {
  ASSIGN_OR_RETURN(listener_, listenOn(options_.address));
  ASSIGN_OR_RETURN(accept_watch_, loop_->watch(listener_.get(), EPOLLIN, [this](uint32_t) { acceptAll(); }));
  if (!options_.address.path.empty()) lstat(options_.address.path.c_str(), &socket_file_);
  std::lock_guard lock(mutex_);
  bound_to_ = boundAddress(listener_.get(), options_.address);
  return base::ok();
}

void Server::Impl::bindLater() {
  pause_ = loop_->after(options_.retry, [this] {
    if (base::Status bound = bind(); !bound) return bindLater();
    log::info("Serving metrics and probes", {{"address", boundTo()}});
  });
}

void Server::Impl::acceptAll() {
  for (;;) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      admit(std::move(fd));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) {
      // Out of descriptors or memory: the watch would fire again at once, without end.
      (void)loop_->rearm(accept_watch_, 0);
      pause_ = loop_->after(kAcceptPause, [this] { (void)loop_->rearm(accept_watch_, EPOLLIN); });
    }
    return;
  }
}

void Server::Impl::admit(UniqueFd fd) {
  if (connections_.size() >= static_cast<size_t>(options_.max_connections)) {
    ++refused_;
    const Response busy = plain(503);
    const std::string text = headOf(busy) + busy.body;
    [[maybe_unused]] ssize_t n = send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  const uint64_t id = next_id_++;
  Connection connection;
  auto watch = loop_->watch(fd.get(), EPOLLIN, [this, id](uint32_t) { ready(id); });
  if (!watch) return;
  connection.fd = std::move(fd);
  connection.watch = *std::move(watch);
  connection.deadline = loop_->after(options_.read_timeout, [this, id] { tooSlow(id); });
  connections_.emplace(id, std::move(connection));
  open_ = connections_.size();
}

void Server::Impl::ready(uint64_t id) {
  auto it = connections_.find(id);
  if (it == connections_.end()) return;
  switch (it->second.stage) {
    case Connection::Stage::Reading:
      return receive(id, it->second);
    case Connection::Stage::Writing:
      return sendRest(id, it->second);
    case Connection::Stage::Draining:
      return drain(id, it->second);
  }
}

void Server::Impl::receive(uint64_t id, Connection& connection) {
  char buffer[4096];
  const ssize_t n = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return drop(id);
  connection.in.append(buffer, static_cast<size_t>(n));
  const Parsed parsed = parseRequest(connection.in, options_.max_head_bytes);
  if (parsed.request) {
    ++requests_;
    answer(id, connection, handler_(*parsed.request), parsed.request->method);
  } else if (parsed.refused != 0) {
    ++bad_;
    answer(id, connection, plain(parsed.refused), Method::Get);
  }
}

void Server::Impl::answer(uint64_t id, Connection& connection, const Response& response, Method method) {
  connection.out = headOf(response);
  if (method == Method::Get) connection.out += response.body;
  connection.in.clear();
  connection.stage = Connection::Stage::Writing;
  connection.deadline = loop_->after(options_.write_timeout, [this, id] { drop(id); });
  sendRest(id, connection);
}

void Server::Impl::sendRest(uint64_t id, Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const ssize_t n = send(connection.fd.get(), connection.out.data() + connection.sent,
                           connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      if (!loop_->rearm(connection.watch, EPOLLOUT)) drop(id);
      return;
    }
    if (n < 0) return drop(id);
    connection.sent += static_cast<size_t>(n);
  }
  const bool large = connection.out.size() > kTrimAbove;
  std::string().swap(connection.out);
  // glibc keeps what such an answer took.
  if (large) malloc_trim(0);
  connection.stage = Connection::Stage::Draining;
  connection.deadline = loop_->after(kDrain, [this, id] { drop(id); });
  if (shutdown(connection.fd.get(), SHUT_WR) != 0 || !loop_->rearm(connection.watch, EPOLLIN)) drop(id);
}

void Server::Impl::drain(uint64_t id, Connection& connection) {
  char buffer[4096];
  const ssize_t n = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) connection.drained += static_cast<size_t>(n);
  if (n <= 0 || connection.drained > kMostDrained) drop(id);
}

void Server::Impl::tooSlow(uint64_t id) {
  auto it = connections_.find(id);
  if (it == connections_.end()) return;
  ++bad_;
  answer(id, it->second, plain(408), Method::Get);
}

void Server::Impl::drop(uint64_t id) {
  connections_.erase(id);
  open_ = connections_.size();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

base::Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::string Server::boundTo() const { return impl_->boundTo(); }
ServerStats Server::stats() const { return impl_->stats(); }
size_t Server::connections() const { return impl_->connections(); }

}  // namespace plimsoll::http
