#include "pkg/nri/plugin.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/nri/backoff.h"
#include "pkg/nri/session.h"
#include "pkg/nri/socket_watch.h"
#include "pkg/nri/trunk.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::nri {
namespace {

namespace log = base::log;

// A session that lived this long was a good one: the next attempt may come soon.
constexpr std::chrono::seconds kGoodSession{30};

bool isNameChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '+' || c == '-';
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// The rules of NRI 0.12; earlier releases take any name.
Status checkOptions(const PluginOptions& options) {
  if (options.name.empty() || !std::all_of(options.name.begin(), options.name.end(), isNameChar)) {
    return base::invalidArgument("plugin name \"" + options.name +
                                 "\" must be of letters, digits and _ . + -");
  }
  if (options.index.size() != 2 || !isDigit(options.index[0]) || !isDigit(options.index[1])) {
    return base::invalidArgument("plugin index \"" + options.index + "\" must be two digits");
  }
  if (!options.connected.valid() && options.socket_path.empty()) {
    return base::invalidArgument("no socket path");
  }
  return base::ok();
}

Status makeNonBlocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return base::errnoError(errno, "prepare the runtime's socket");
  }
  return base::ok();
}

}  // namespace

std::string_view toString(PluginState state) {
  switch (state) {
    case PluginState::Stopped:
      return "stopped";
    case PluginState::Disconnected:
      return "disconnected";
    case PluginState::Connecting:
      return "connecting";
    case PluginState::Registering:
      return "registering";
    case PluginState::Configured:
      return "configured";
    case PluginState::Synchronized:
      return "synchronized";
  }
  return "unknown";
}

class Plugin::Impl final : Trunk::Observer, Session::Observer {
 public:
  Impl(sys::EventLoop& loop, PluginOptions options, Handler& handler)
      : loop_(loop),
        options_(std::move(options)),
        launched_(options_.connected.valid()),
        handler_(handler),
        backoff_(options_.backoff_min, options_.backoff_max, std::random_device{}()),
        socket_watch_(loop, options_.socket_path, [this] { onSocketAppeared(); }) {}
  ~Impl() override { stop(); }

  Status start();
  void stop();
  PluginState state() const { return state_; }
  const PluginStats& stats() const { return stats_; }
  const RuntimeInfo* runtime() const { return session_ ? session_->runtime() : nullptr; }
  void updateContainers(std::vector<api::ContainerUpdate> updates, UpdateDone done);
  bool suspectZombie(std::string_view reason, std::chrono::steady_clock::time_point happened);

 private:
  void onBytes(uint32_t stream, std::string_view bytes) override { session_->receive(stream, bytes); }
  void onTrunkClosed(const base::Error& reason) override { drop(reason); }
  void onSessionFailed(const base::Error& reason) override { drop(reason); }
  void onState(PluginState state) override;

  void connect();
  void openSession(base::UniqueFd fd);
  void drop(const base::Error& reason);
  void closeSession(const base::Error& reason);
  void retryIn(std::chrono::milliseconds delay);
  void onSocketAppeared();
  void note(const base::Error& reason);
  Status mayUpdate() const;

  sys::EventLoop& loop_;
  PluginOptions options_;
  bool launched_;
  Handler& handler_;
  PluginStats stats_;
  PluginState state_ = PluginState::Stopped;
  std::string logged_reason_;  // of the failures since the last session
  Backoff backoff_;
  SocketWatch socket_watch_;
  std::unique_ptr<Trunk> trunk_;
  std::unique_ptr<Session> session_;
  sys::EventLoop::Handle retry_;
  sys::EventLoop::Clock::time_point retry_due_{};
  std::optional<std::chrono::steady_clock::time_point> last_suspicion_;
};

Status Plugin::Impl::start() {
  if (state_ != PluginState::Stopped)
    return base::error(base::ErrorCode::FailedPrecondition, "already started");
  RETURN_IF_ERROR(checkOptions(options_));
  if (launched_) RETURN_IF_ERROR(makeNonBlocking(options_.connected.get()));
  onState(PluginState::Disconnected);
  retryIn(std::chrono::milliseconds(0));
  return base::ok();
}

void Plugin::Impl::stop() {
  if (state_ == PluginState::Stopped) return;
  retry_.cancel();
  socket_watch_.cancel();
  bool was_synchronized = state_ == PluginState::Synchronized;
  onState(PluginState::Stopped);
  closeSession({base::ErrorCode::Cancelled, "the plugin was stopped"});
  if (was_synchronized) handler_.disconnected("the plugin was stopped");
}

void Plugin::Impl::onState(PluginState state) {
  state_ = state;
  if (state == PluginState::Synchronized) logged_reason_.clear();
  stats_.state_since = std::chrono::steady_clock::now();
}

void Plugin::Impl::connect() {
  retry_.cancel();
  ++stats_.attempts;
  onState(PluginState::Connecting);
  if (launched_) return openSession(std::move(options_.connected));
  auto fd = sys::connectUnix(options_.socket_path);
  if (!fd) return drop(fd.error());
  socket_watch_.cancel();
  openSession(*std::move(fd));
}

void Plugin::Impl::openSession(base::UniqueFd fd) {
  auto trunk = Trunk::create(loop_, std::move(fd), *this);
  if (!trunk) return drop(trunk.error());
  trunk_ = *std::move(trunk);
  Session::Context context{loop_, *trunk_, handler_, stats_, *this};
  session_ =
      std::make_unique<Session>(context, SessionOptions{.name = options_.name,
                                                        .index = options_.index,
                                                        .launched = launched_,
                                                        .register_timeout = options_.register_timeout,
                                                        .call_timeout = options_.call_timeout,
                                                        .max_snapshot_bytes = options_.max_snapshot_bytes});
  session_->begin();
}

// The connection is lost or was never made: clean up and come back later.
void Plugin::Impl::drop(const base::Error& reason) {
  bool was_synchronized = state_ == PluginState::Synchronized;
  bool was_good = was_synchronized && std::chrono::steady_clock::now() - stats_.state_since > kGoodSession;
  if (session_) ++stats_.lost_sessions;
  note(reason);
  onState(launched_ ? PluginState::Stopped : PluginState::Disconnected);
  closeSession(reason);
  if (was_synchronized || launched_) handler_.disconnected(reason.message);
  if (state_ != PluginState::Disconnected) return;  // launched, or stopped by the handler
  if (was_good) backoff_.reset();
  socket_watch_.watch();
  retryIn(backoff_.next());
}

// Both may be in the middle of a call that led here, so they end when that call has returned.
void Plugin::Impl::closeSession(const base::Error& reason) {
  struct Remains {
    std::unique_ptr<Trunk> trunk;
    std::unique_ptr<Session> session;  // refers to the trunk: destroyed first
  };
  if (!trunk_ && !session_) return;
  // Shared only since std::function copies: the loop is the one owner.
  auto remains = std::make_shared<Remains>(Remains{std::move(trunk_), std::move(session_)});
  if (remains->session) remains->session->close(reason);
  if (remains->trunk) remains->trunk->close();
  loop_.post([remains] {});
}

void Plugin::Impl::retryIn(std::chrono::milliseconds delay) {
  retry_due_ = sys::EventLoop::Clock::now() + delay;
  retry_ = loop_.after(delay, [this] { connect(); });
}

// The pause that guards the runtime against us stays: only the rest beyond the shortest one is cut.
void Plugin::Impl::onSocketAppeared() {
  if (state_ != PluginState::Disconnected) return;
  if (retry_due_ - sys::EventLoop::Clock::now() > options_.backoff_min) retryIn(options_.backoff_min);
}

// A reason is logged when it is a new one: an attempt every few seconds must not fill the log.
void Plugin::Impl::note(const base::Error& reason) {
  if (logged_reason_ != reason.message) {
    log::warn("No NRI connection", {{"state", toString(state_)}, {"reason", reason.message}});
  }
  stats_.last_error = logged_reason_ = reason.message;
}

Status Plugin::Impl::mayUpdate() const {
  using base::ErrorCode;
  if (state_ != PluginState::Synchronized) {
    return base::error(ErrorCode::FailedPrecondition, "not connected to a runtime");
  }
  if (session_->insideHandler()) {
    return base::error(
        ErrorCode::FailedPrecondition,
        "UpdateContainers inside an event handler: the runtime would wait for its answer first");
  }
  if (!session_->runtime()->supports(Feature::UpdateContainersSafe)) {
    return base::error(ErrorCode::FailedPrecondition, "UpdateContainers can hang a runtime with NRI " +
                                                          nri::toString(session_->runtime()->level) +
                                                          "; it is safe from 0.12.1 on");
  }
  return base::ok();
}

void Plugin::Impl::updateContainers(std::vector<api::ContainerUpdate> updates, UpdateDone done) {
  if (Status allowed = mayUpdate(); !allowed) return done(tl::make_unexpected(allowed.error()));
  session_->updateContainers(std::move(updates), std::move(done));
}

bool Plugin::Impl::suspectZombie(std::string_view reason, std::chrono::steady_clock::time_point happened) {
  auto now = std::chrono::steady_clock::now();
  if (state_ != PluginState::Synchronized || launched_) return false;
  // Younger than what happened: it was told with the list, or lost with the last connection.
  if (happened <= stats_.state_since || happened <= stats_.last_event) return false;
  if (now - happened < options_.zombie_patience) return false;
  if (last_suspicion_ && now - *last_suspicion_ < options_.zombie_interval) return false;
  last_suspicion_ = now;
  ++stats_.zombies_dropped;
  drop({base::ErrorCode::Unavailable, "connected, but without events: " + std::string(reason)});
  return true;
}

Plugin::Plugin(sys::EventLoop& loop, PluginOptions options, Handler& handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), handler)) {}
Plugin::~Plugin() = default;

Status Plugin::start() { return impl_->start(); }
void Plugin::stop() { impl_->stop(); }
PluginState Plugin::state() const { return impl_->state(); }
const PluginStats& Plugin::stats() const { return impl_->stats(); }
const RuntimeInfo* Plugin::runtime() const { return impl_->runtime(); }
void Plugin::updateContainers(std::vector<api::ContainerUpdate> updates, UpdateDone done) {
  impl_->updateContainers(std::move(updates), std::move(done));
}
bool Plugin::suspectZombie(std::string_view reason, std::chrono::steady_clock::time_point happened) {
  return impl_->suspectZombie(reason, happened);
}

}  // namespace plimsoll::nri
