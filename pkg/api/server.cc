#include "pkg/api/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>
#include <malloc.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>

#include "pkg/api/connection_list.h"
#include "pkg/api/listener.h"
#include "pkg/api/refuser.h"
#include "pkg/api/service.h"
#include "pkg/base/log.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::api {
namespace {

namespace log = base::log;
using base::Result;
using base::UniqueFd;
using std::chrono::milliseconds;

constexpr int kMaxRefused = 8;  // connections that are being refused in words; more are just closed
constexpr int kMaxCallsPerConnection = 16;
constexpr size_t kMemoryBytes = 32 << 20;  // gRPC's own buffers
constexpr milliseconds kStopGrace{1000};
constexpr std::chrono::seconds kTrimDelay{1};
constexpr std::chrono::seconds kWarningDistance{60};
constexpr std::chrono::seconds kAcceptPause{1};  // when descriptors ran out

// gRPC's own lines go where ours go.
void logFromGrpc(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR ? log::Level::Warn : log::Level::Debug;
  if (log::enabled(level)) log::write(level, "Message from gRPC", {{"message", args->message}});
}

void setUpGrpcOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(logFromGrpc);
    grpc::EnableDefaultHealthCheckService(true);
    // In a static binary nothing else pulls in the object that registers reflection.
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

class Server::Impl {
 public:
  Impl(ServerOptions options, Source& source)
      : options_(std::move(options)),
        source_(source),
        service_(source, {options_.max_calls, options_.max_streams, {options_.max_page}},
                 [this] { trimSoon(); }),
        connections_(options_.max_connections),
        refused_(kMaxRefused) {}

  ~Impl() { stop(); }

  base::Status start();
  void setServing(const std::string& service, bool serving) {
    server_->GetHealthCheckService()->SetServingStatus(service, serving);
  }

 private:
  base::Status buildServer();
  void stop();
  void acceptAll();
  void admit(UniqueFd connection);
  void refuse(UniqueFd connection, std::unique_ptr<Refuser>& refuser, grpc::StatusCode code,
              const std::string& why);
  void eventPushed();
  void trimSoon();
  void warnOfRefusal(const std::string& who);

  const ServerOptions options_;
  Source& source_;
  // Accepts, wakes streams, tidies up. Before the service, whose last calls may still post to it.
  std::unique_ptr<sys::EventLoop> loop_;
  AgentService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Refuser> denied_, overloaded_;  // made when first needed

  std::optional<Listener> listener_;
  sys::EventLoop::Handle accept_watch_, accept_pause_, trim_timer_;
  ConnectionList connections_, refused_;
  uint64_t refusals_ = 0;
  sys::EventLoop::Clock::time_point next_warning_{};
  std::thread thread_;
  EventRing::Subscription subscription_;
  std::atomic<bool> nudge_posted_{false};
  std::atomic<bool> trim_posted_{false};
};

// A peer that tries again and again must not fill the log.
void Server::Impl::warnOfRefusal(const std::string& who) {
  ++refusals_;
  const auto now = sys::EventLoop::Clock::now();
  if (now < next_warning_) return;
  next_warning_ = now + kWarningDistance;
  log::warn("Refused connections to the API", {{"latest_peer", who}, {"so_far", refusals_}});
}

base::Status Server::Impl::buildServer() {
  grpc::ServerBuilder builder;
  builder.RegisterService(&service_);
  builder.SetMaxReceiveMessageSize(options_.max_request_bytes);
  builder.SetMaxSendMessageSize(64 << 20);
  builder.SetResourceQuota(grpc::ResourceQuota("plimsoll").Resize(kMemoryBytes).SetMaxThreads(4));
  // Only reflection is served by waiting threads.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, static_cast<int>(options_.idle.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  server_ = builder.BuildAndStart();
  if (!server_) return base::error(base::ErrorCode::Internal, "gRPC could not start a server");
  setServing("liveness", false);
  setServing("readiness", false);
  return base::ok();
}

base::Status Server::Impl::start() {
  setUpGrpcOnce();
  ASSIGN_OR_RETURN(Listener listener, Listener::open(options_.socket));
  listener_.emplace(std::move(listener));
  RETURN_IF_ERROR(buildServer());
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
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + kStopGrace);
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
  const Result<uid_t> uid = peerUid(connection.get());
  if (!uid || !options_.allowed_uids.contains(*uid)) {
    const std::string who = uid ? "uid " + std::to_string(*uid) : "a process whose uid is not known";
    warnOfRefusal(who);
    refuse(std::move(connection), denied_, grpc::StatusCode::PERMISSION_DENIED,
           "this process's user may not use the agent's API; run as root");
    return;
  }
  if (!connections_.add(connection.get())) {
    refuse(std::move(connection), overloaded_, grpc::StatusCode::RESOURCE_EXHAUSTED,
           "too many connections to the agent (" + std::to_string(options_.max_connections) +
               "); close one, or try again later");
    return;
  }
  grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
}

void Server::Impl::refuse(UniqueFd connection, std::unique_ptr<Refuser>& refuser, grpc::StatusCode code,
                          const std::string& why) {
  if (!refuser) refuser = Refuser::create({code, why});
  if (!refuser || !refused_.add(connection.get())) return;
  grpc::AddInsecureChannelFromFd(&refuser->server(), connection.release());
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
