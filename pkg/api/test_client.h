// What the server's tests share: a socket in a folder of its own, stubs with a connection each, and calls by
// name for services whose messages we do not generate.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "pkg/api/fake_source.h"
#include "pkg/api/server.h"
#include "proto/plimsoll/v1/plimsoll.grpc.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

struct TempDir {
  TempDir() {
    char name[] = "/tmp/plimsoll-api-XXXXXX";
    path = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

inline std::shared_ptr<grpc::Channel> channelTo(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no sharing: a connection of its own
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
}

inline std::unique_ptr<pb::Agent::Stub> stubTo(const std::string& socket) {
  return pb::Agent::NewStub(channelTo(socket));
}

inline void setDeadline(grpc::ClientContext& context, int seconds = 10) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
}

inline grpc::Status getNode(pb::Agent::Stub& stub, pb::Node* node = nullptr) {
  grpc::ClientContext context;
  setDeadline(context);
  pb::Node ignored;
  return stub.GetNode(&context, {}, node ? node : &ignored);
}

class ServerFixture : public ::testing::Test {
 protected:
  ServerOptions options() const {
    ServerOptions out;
    out.socket = socket_;
    out.allowed_uids = {::getuid()};
    return out;
  }
  void start(ServerOptions options) {
    auto started = Server::start(std::move(options), source_);
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  void start() { start(options()); }

  TempDir dir_;
  std::string socket_ = dir_.path + "/run/plimsoll.sock";
  FakeSource source_;
  std::unique_ptr<Server> server_;
};

}  // namespace plimsoll::api
