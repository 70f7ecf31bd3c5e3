#include "pkg/api/refuser.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_plugin.h>

#include <chrono>
#include <utility>
#include <vector>

namespace plimsoll::api {
namespace {

constexpr int kMaxAgeMs = 2000;  // long enough for one call to be refused

class RefusedCall final : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusedCall(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

// Reflection registers itself with every builder of the process; a refused peer gets none.
class NoPlugins final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->clear();
  }
};

}  // namespace

grpc::ServerGenericBidiReactor* Refuser::Service::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new RefusedCall(status_);
}

std::unique_ptr<Refuser> Refuser::create(grpc::Status status) {
  std::unique_ptr<Refuser> refuser(new Refuser(std::move(status)));
  grpc::ServerBuilder builder;
  builder.SetOption(std::make_unique<NoPlugins>());
  builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  builder.RegisterCallbackGenericService(&refuser->service_);
  builder.SetMaxReceiveMessageSize(64 << 10);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, kMaxAgeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 500);
  refuser->server_ = builder.BuildAndStart();
  if (!refuser->server_) return nullptr;
  return refuser;
}

Refuser::~Refuser() {
  if (server_) server_->Shutdown(std::chrono::system_clock::now());
}

}  // namespace plimsoll::api
