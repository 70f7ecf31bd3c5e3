#include "pkg/api/server.h"

#include <malloc.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>

#include "pkg/api/engine.h"
#include "pkg/api/listener.h"
#include "pkg/api/service.h"
#include "pkg/base/log.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::api {
namespace {

namespace log = base::log;
using base::Result;
using base::UniqueFd;
using Clock = sys::EventLoop::Clock;

constexpr std::chrono::seconds kTrimDelay{1};
constexpr std::chrono::seconds kWarningDistance{60};
constexpr std::chrono::seconds kAcceptPause{1};  // when descriptors ran out

}  // namespace

// One thread with a loop of its own accepts, wakes streams and tidies up; gRPC's threads answer.
class Server::Impl {
 public:
  Impl(ServerOptions options, Source& source)
      : options_(std::move(options)),
        source_(source),
        service_(source, {options_.max_calls, options_.max_streams, {options_.max_page}},
                 [this] { trimSoon(); }),
        engine_(options_, service_) {}

  ~Impl() { stop(); }

  base::Status start();
  void setServing(const std::string& service, bool serving) { engine_.setServing(service, serving); }

 private:
  void stop();
  void acceptAll();
  void admit(UniqueFd connection);
  void restWhenQuiet();
  void askHealth();
  void eventPushed();
  void trimSoon();
  void warnOfRefusal(const std::string& who);

  const ServerOptions options_;
  Source& source_;
  std::unique_ptr<sys::EventLoop> loop_;  // before the service, whose last calls may still post to it
  AgentService service_;
  Engine engine_;
  std::optional<Listener> listener_;
  sys::EventLoop::Handle accept_watch_, accept_pause_, trim_timer_, rest_timer_, health_timer_;
  Clock::time_point last_accept_{};
  uint64_t refusals_ = 0;
  Clock::time_point next_warning_{};
  std::thread thread_;
  EventRing::Subscription subscription_;
  std::atomic<bool> nudge_posted_{false};
  std::atomic<bool> trim_posted_{false};
};

base::Status Server::Impl::start() {
  ASSIGN_OR_RETURN(Listener listener, Listener::open(options_.socket));
  listener_.emplace(std::move(listener));
  ASSIGN_OR_RETURN(loop_, sys::EventLoop::create());
  ASSIGN_OR_RETURN(accept_watch_, loop_->watch(listener_->fd(), EPOLLIN, [this](uint32_t) { acceptAll(); }));
  subscription_ = source_.events().subscribe([this] { eventPushed(); });
  thread_ = std::thread([this] { loop_->run(); });
  return base::ok();
}

void Server::Impl::stop() {
  subscription_.cancel();
  if (thread_.joinable()) {
    loop_->stop();
    thread_.join();
  }
  service_.streams().stop();
  engine_.rest();
}

void Server::Impl::eventPushed() {
  if (service_.streams().count() == 0 || nudge_posted_.exchange(true)) return;
  loop_->post([this] {
    nudge_posted_ = false;
    service_.streams().nudge();
  });
}

// Answers for many containers at once leave the heap several times its usual size, and glibc keeps it.
void Server::Impl::trimSoon() {
  if (trim_posted_.exchange(true)) return;
  loop_->post([this] {
    trim_timer_ = loop_->after(kTrimDelay, [this] {
      trim_posted_ = false;
      ::malloc_trim(0);
    });
  });
}

void Server::Impl::acceptAll() {
  for (;;) {
    UniqueFd connection(::accept4(listener_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.valid()) {
      admit(std::move(connection));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) {
      // Out of descriptors or memory: the watch would fire again at once, without end.
      log::warn("Cannot accept a connection on the API's socket", {{"error", base::errnoName(errno)}});
      (void)loop_->rearm(accept_watch_, 0);
      accept_pause_ = loop_->after(kAcceptPause, [this] { (void)loop_->rearm(accept_watch_, EPOLLIN); });
    }
    return;
  }
}

void Server::Impl::admit(UniqueFd connection) {
  last_accept_ = Clock::now();
  askHealth();
  const Result<uid_t> uid = peerUid(connection.get());
  if (uid && options_.allowed_uids.contains(*uid)) {
    engine_.serve(std::move(connection));
  } else {
    warnOfRefusal(uid ? "uid " + std::to_string(*uid) : uid.error().message);
    engine_.deny(std::move(connection));
  }
  if (!rest_timer_.active()) restWhenQuiet();
}

void Server::Impl::askHealth() {
  if (!options_.serving) return;
  for (const char* service : {"", "liveness", "readiness"}) {
    engine_.setServing(service, options_.serving(service));
  }
  health_timer_ = loop_->after(options_.health_interval, [this] {
    if (engine_.running()) return askHealth();
    health_timer_.cancel();
  });
}

void Server::Impl::restWhenQuiet() {
  rest_timer_ = loop_->after(options_.linger, [this] {
    if (engine_.connections() > 0 || Clock::now() - last_accept_ < options_.linger) {
      restWhenQuiet();
      return;
    }
    engine_.rest();
    ::malloc_trim(0);
    rest_timer_.cancel();
  });
}

// A peer that tries again and again must not fill the log.
void Server::Impl::warnOfRefusal(const std::string& who) {
  ++refusals_;
  const auto now = Clock::now();
  if (now < next_warning_) return;
  next_warning_ = now + kWarningDistance;
  log::warn("Refused connections to the API", {{"latest_peer", who}, {"so_far", refusals_}});
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Source& source) {
  auto impl = std::make_unique<Impl>(std::move(options), source);
  RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::setServing(const std::string& service, bool serving) { impl_->setServing(service, serving); }

}  // namespace plimsoll::api
