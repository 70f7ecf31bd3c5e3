#include "pkg/api/server.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "pkg/api/fake_source.h"
#include "pkg/sys/unix_socket.h"
#include "proto/plimsoll/v1/plimsoll.grpc.pb.h"

namespace plimsoll::api {
namespace {

using namespace std::chrono_literals;
namespace pb = ::plimsoll::v1;

struct TempDir {
  TempDir() {
    char name[] = "/tmp/plimsoll-api-XXXXXX";
    path = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

std::unique_ptr<pb::Agent::Stub> connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own for each stub
  return pb::Agent::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
}

grpc::Status getNode(pb::Agent::Stub& stub, pb::Node* node = nullptr) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 10s);
  pb::Node ignored;
  return stub.GetNode(&context, {}, node ? node : &ignored);
}

class ServerTest : public ::testing::Test {
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

  TempDir dir_;
  std::string socket_ = dir_.path + "/run/plimsoll.sock";
  FakeSource source_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersOverItsSocket) {
  NodeInfo node;
  node.name = "node-1";
  source_.setNode(node);
  source_.add(containerReport("default", "web-0", "app", "abcdef123456"));
  start(options());
  pb::Node answer;
  const grpc::Status status = getNode(*connect(socket_), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.name(), "node-1");
  EXPECT_EQ(answer.containers().known(), 1);
}

}  // namespace
}  // namespace plimsoll::api
