#include "pkg/api/engine.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_posix.h>

#include <chrono>

#include "pkg/base/log.h"

namespace plimsoll::api {
namespace {

namespace log = base::log;
using base::UniqueFd;

constexpr int kMaxRefused = 8;  // connections that are being refused in words; more are just closed
constexpr int kMaxCallsPerConnection = 16;
constexpr int kMaxMetadataBytes = 8 << 10;
constexpr size_t kMemoryBytes = 32 << 20;  // gRPC's own buffers
constexpr std::chrono::milliseconds kStopGrace{1000};

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

Engine::Engine(const ServerOptions& options, AgentService& service)
    : options_(options),
      service_(service),
      connections_(options.max_connections),
      refused_(kMaxRefused),
      serving_{{"liveness", false}, {"readiness", false}} {
  setUpGrpcOnce();
}

Engine::~Engine() { rest(); }

base::Status Engine::start() {
  grpc::ServerBuilder builder;
  builder.RegisterService(&service_);
  builder.SetMaxReceiveMessageSize(options_.max_request_bytes);
  builder.SetResourceQuota(grpc::ResourceQuota("plimsoll").Resize(kMemoryBytes).SetMaxThreads(4));
  // Only reflection is served by waiting threads.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, static_cast<int>(options_.idle.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return base::error(base::ErrorCode::Internal, "gRPC could not start a server");
  const std::lock_guard lock(health_mutex_);
  server_ = std::move(server);
  for (const auto& [service, serving] : serving_) {
    server_->GetHealthCheckService()->SetServingStatus(service, serving);
  }
  return base::ok();
}

void Engine::serve(UniqueFd connection) {
  if (!connections_.add(connection.get())) {
    refuse(std::move(connection), overloaded_,
           {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many connections to the agent (" +
                                                      std::to_string(options_.max_connections) +
                                                      "); close one, or try again later"});
    return;
  }
  if (!server_) {
    if (const base::Status started = start(); !started) {
      log::error("Cannot serve the API", {{"error", started.error().message}});
      return;
    }
  }
  grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
}

void Engine::deny(UniqueFd connection) {
  refuse(
      std::move(connection), denied_,
      {grpc::StatusCode::PERMISSION_DENIED, "this process's user may not use the agent's API; run as root"});
}

void Engine::refuse(UniqueFd connection, std::unique_ptr<Refuser>& refuser, const grpc::Status& status) {
  if (!refused_.add(connection.get())) return;
  if (!refuser) refuser = Refuser::create(status);
  if (refuser) grpc::AddInsecureChannelFromFd(&refuser->server(), connection.release());
}

size_t Engine::connections() { return connections_.size() + refused_.size(); }

void Engine::rest() {
  std::unique_ptr<grpc::Server> server;
  {
    const std::lock_guard lock(health_mutex_);
    server = std::move(server_);
  }
  if (server) server->Shutdown(std::chrono::system_clock::now() + kStopGrace);
  denied_.reset();
  overloaded_.reset();
}

void Engine::setServing(const std::string& service, bool serving) {
  const std::lock_guard lock(health_mutex_);
  serving_[service] = serving;
  if (server_) server_->GetHealthCheckService()->SetServingStatus(service, serving);
}

}  // namespace plimsoll::api
