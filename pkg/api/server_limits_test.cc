// What the server refuses, bounds and survives.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "pkg/api/server.h"
#include "pkg/api/test_client.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::api {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ServerLimitsTest : public ServerFixture {};

TEST_F(ServerLimitsTest, RefusesAnotherUidInWords) {
  ServerOptions narrow = options();
  narrow.allowed_uids = {::getuid() + 1};
  start(narrow);
  for (int i = 0; i < 20; ++i) {  // more than are refused at once
    const grpc::Status status = getNode(*stubTo(socket_));
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) continue;  // closed without a word
    ASSERT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("root"));
  }
  EXPECT_EQ(getNode(*stubTo(socket_)).ok(), false);
}

TEST_F(ServerLimitsTest, RefusesAMessageThatIsTooLarge) {
  start();
  const auto stub = stubTo(socket_);
  grpc::ClientContext context;
  pb::LintRequest request;
  request.set_manifest(std::string(2 << 20, '#'));
  pb::LintResponse response;
  EXPECT_EQ(stub->Lint(&context, request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(getNode(*stub).ok());
}

TEST_F(ServerLimitsTest, RefusesOneConnectionTooManyUntilAnotherEnds) {
  ServerOptions few = options();
  few.max_connections = 2;
  start(few);
  auto first = stubTo(socket_);
  const auto second = stubTo(socket_);
  ASSERT_TRUE(getNode(*first).ok());
  ASSERT_TRUE(getNode(*second).ok());
  const grpc::Status status = getNode(*stubTo(socket_));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("too many connections"));
  EXPECT_TRUE(getNode(*second).ok());
  first.reset();
  bool admitted = false;
  for (int i = 0; i < 100 && !admitted; ++i) {
    admitted = getNode(*stubTo(socket_)).ok();
    if (!admitted) std::this_thread::sleep_for(50ms);
  }
  EXPECT_TRUE(admitted);
}

TEST_F(ServerLimitsTest, RefusesOneStreamTooMany) {
  ServerOptions few = options();
  few.max_streams = 1;
  start(few);
  source_.push("One", "1");
  const auto stub = stubTo(socket_);
  pb::WatchEventsRequest request;
  request.set_follow(true);
  grpc::ClientContext first, second;
  setDeadline(first);
  setDeadline(second);
  pb::WatchEventsResponse response;
  const auto reader = stub->WatchEvents(&first, request);
  ASSERT_TRUE(reader->Read(&response));
  const auto other = stub->WatchEvents(&second, request);
  EXPECT_FALSE(other->Read(&response));
  EXPECT_EQ(other->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  first.TryCancel();
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(ServerLimitsTest, TellsASlowReaderWhatItMissed) {
  FakeSource small(64);
  auto started = Server::start(options(), small);
  ASSERT_TRUE(started) << started.error().message;
  const auto stub = stubTo(socket_);
  grpc::ClientContext context;
  setDeadline(context, 30);
  pb::WatchEventsRequest request;
  request.set_follow(true);
  const auto reader = stub->WatchEvents(&context, request);
  small.push("First", "1");
  pb::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  uint64_t last = response.event().sequence(), dropped = response.dropped(), received = 1;
  // Far more than sockets and windows hold, while nobody reads.
  constexpr uint64_t kEvents = 20'000;
  for (uint64_t i = 1; i < kEvents; ++i) small.push("Flood", std::string(1000, 'x'));
  while (last < kEvents && reader->Read(&response)) {
    EXPECT_EQ(response.event().sequence(), last + 1 + response.dropped());
    last = response.event().sequence();
    dropped += response.dropped();
    ++received;
  }
  EXPECT_EQ(last, kEvents);
  EXPECT_EQ(received + dropped, kEvents);
  EXPECT_GT(dropped, 0u);
  context.TryCancel();
  (void)reader->Finish();
}

TEST_F(ServerLimitsTest, ClosesAConnectionThatNeverSpeaks) {
  ServerOptions quick = options();
  quick.idle = 300ms;
  start(quick);
  const auto connection = sys::connectUnix(socket_);
  ASSERT_TRUE(connection);
  // gRPC sends its settings, later a GOAWAY, and then ends the connection.
  char buffer[512];
  bool closed = false;
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  while (!closed && std::chrono::steady_clock::now() < give_up) {
    pollfd entry{connection->get(), POLLIN, 0};
    if (::poll(&entry, 1, 1000) > 0)
      closed = ::recv(connection->get(), buffer, sizeof buffer, MSG_DONTWAIT) <= 0;
  }
  EXPECT_TRUE(closed);
}

size_t threads() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); }

TEST_F(ServerLimitsTest, KeepsNoThreadsOfGrpcWhileNobodyIsConnected) {
  ServerOptions quick = options();
  quick.linger = 100ms;
  const size_t before = threads();
  start(quick);
  server_->setServing("readiness", true);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(getNode(*stubTo(socket_)).ok());
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (threads() > before + 1 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(20ms);
    EXPECT_LE(threads(), before + 1);
  }
}

TEST_F(ServerLimitsTest, SurvivesPeersThatSpeakNonsense) {
  start();
  const std::string texts[] = {"GET / HTTP/1.1\r\n\r\n", std::string(100'000, '\0'),
                               std::string("\x16\x03\x01", 3),
                               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(5000, '\xff')};
  for (const std::string& text : texts) {
    const auto connection = sys::connectUnix(socket_);
    ASSERT_TRUE(connection);
    (void)!::send(connection->get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  EXPECT_TRUE(getNode(*stubTo(socket_)).ok());
}

TEST_F(ServerLimitsTest, MakesASocketForItsOwnerOnly) {
  start();
  struct stat info {};
  ASSERT_EQ(::stat(socket_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  ASSERT_EQ(::stat((dir_.path + "/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(ServerLimitsTest, ReplacesAStaleSocketOnly) {
  std::filesystem::create_directory(dir_.path + "/run");
  { ASSERT_TRUE(sys::listenUnix(socket_)); }  // closed at once; its file stays
  ASSERT_TRUE(std::filesystem::is_socket(socket_));
  start();
  EXPECT_TRUE(getNode(*stubTo(socket_)).ok());

  FakeSource other;
  const auto second = Server::start(options(), other);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::AlreadyExists);
  EXPECT_TRUE(getNode(*stubTo(socket_)).ok()) << "the first still has its socket";
}

TEST_F(ServerLimitsTest, LeavesAFileThatIsNoSocketAlone) {
  std::filesystem::create_directory(dir_.path + "/run");
  std::ofstream(socket_) << "precious";
  const auto server = Server::start(options(), source_);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, base::ErrorCode::InvalidArgument);
  EXPECT_EQ(std::filesystem::file_size(socket_), 8u);
}

TEST_F(ServerLimitsTest, SaysThatASocketPathIsTooLong) {
  ServerOptions long_path = options();
  long_path.socket = dir_.path + "/" + std::string(120, 'a');
  const auto server = Server::start(long_path, source_);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("too long"));
}

TEST_F(ServerLimitsTest, LeavesASocketThatAnotherPutThereAlone) {
  start();
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  const auto other = sys::listenUnix(socket_);
  ASSERT_TRUE(other);
  server_.reset();
  EXPECT_TRUE(std::filesystem::is_socket(socket_));
}

}  // namespace
}  // namespace plimsoll::api
