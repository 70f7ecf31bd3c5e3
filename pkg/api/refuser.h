// A gRPC server that answers every call with one status. A connection is refused in words by handing it here:
// gRPC has no hook between accept and the first call. Internal to pkg/api.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <memory>

namespace plimsoll::api {

class Refuser {
 public:
  // Null if gRPC cannot start a server.
  static std::unique_ptr<Refuser> create(grpc::Status status);
  ~Refuser();

  grpc::Server& server() { return *server_; }

 private:
  class Service final : public grpc::CallbackGenericService {
   public:
    explicit Service(grpc::Status status) : status_(std::move(status)) {}
    grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override;

   private:
    const grpc::Status status_;
  };

  explicit Refuser(grpc::Status status) : service_(std::move(status)) {}

  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace plimsoll::api
