// A server on the loopback address and peers of every kind.
#include "pkg/http/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "pkg/base/unique_fd.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::http {
namespace {

using namespace std::chrono_literals;
using base::UniqueFd;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

UniqueFd connectTcp(const std::string& bound_to) {
  const Address address = parseAddress(bound_to).value();
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &in.sin_addr);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in), 0);
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void put(int fd, std::string_view text) {
  EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

// Everything until the peer closes.
std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) text.append(buffer, static_cast<size_t>(n));
  return text;
}

bool eventually(const std::function<bool()>& done) {
  for (int i = 0; i < 1000 && !done(); ++i) std::this_thread::sleep_for(5ms);
  return done();
}

class ServerTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}, Handler handler = {}) {
    options.address = parseAddress("127.0.0.1:0").value();
    if (!handler) {
      handler = [](const Request& request) {
        if (request.path != "/hello") return Response{.status = 404, .body = "nothing here\n"};
        return Response{.body = "hello " + request.query + "\n"};
      };
    }
    auto started = Server::start(options, std::move(handler));
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  UniqueFd open() { return connectTcp(server_->boundTo()); }
  std::string ask(std::string_view request) {
    const UniqueFd fd = open();
    put(fd.get(), request);
    return readAll(fd.get());
  }

  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAndCloses) {
  start();
  const std::string answer = ask("GET /hello?you HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 10\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nhello you\n"));
  EXPECT_EQ(server_->stats().requests, 1U);
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  start();
  const std::string answer = ask("HEAD /hello HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, UnknownPathsAndMethods) {
  start();
  EXPECT_THAT(ask("GET /else HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 404 "));
  const std::string post = ask("POST /hello HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_EQ(server_->stats().bad, 1U);
}

TEST_F(ServerTest, ARequestInSmallPiecesIsServed) {
  start();
  const UniqueFd fd = open();
  for (char c : std::string_view("GET /hello HTTP/1.1\r\n\r\n")) {
    put(fd.get(), {&c, 1});
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_THAT(readAll(fd.get()), EndsWith("hello \n"));
}

TEST_F(ServerTest, OnlyTheFirstOfSeveralRequestsIsServed) {
  start();
  const std::string answer = ask("GET /hello?1 HTTP/1.1\r\n\r\nGET /hello?2 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("hello 1\n"));
  EXPECT_EQ(server_->stats().requests, 1U);
}

TEST_F(ServerTest, SlowPeersAreSentAway) {
  start({.read_timeout = 200ms});
  const UniqueFd silent = open(), drip = open();
  // One byte now and then does not buy more time.
  std::thread dripping([&] {
    for (int i = 0; i < 20; ++i) {
      if (send(drip.get(), "G", 1, MSG_NOSIGNAL) != 1) return;
      std::this_thread::sleep_for(50ms);
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(readAll(silent.get()), StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(readAll(drip.get()), StartsWith("HTTP/1.1 408 "));
  dripping.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, LargeHeadsAreRefusedBeforeTheyAreComplete) {
  start({.max_head_bytes = 512});
  EXPECT_THAT(ask("GET /hello HTTP/1.1\r\nX: " + std::string(600, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, OneConnectionTooManyIsToldSo) {
  start({.max_connections = 2});
  const UniqueFd first = open(), second = open();
  ASSERT_TRUE(eventually([&] { return server_->connections() == 2; }));
  const UniqueFd third = open();
  EXPECT_THAT(readAll(third.get()), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(server_->stats().refused, 1U);
  put(first.get(), "GET /hello HTTP/1.1\r\n\r\n");
  EXPECT_THAT(readAll(first.get()), EndsWith("hello \n"));
}

TEST_F(ServerTest, APeerThatDoesNotReadIsDropped) {
  start({.write_timeout = 200ms},
        [](const Request&) { return Response{.body = std::string(32 << 20, 'x')}; });
  const UniqueFd fd = open();
  put(fd.get(), "GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server_->connections() == 1; }));
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, ALargeAnswerArrivesWhole) {
  start({}, [](const Request&) { return Response{.body = std::string(5 << 20, 'x')}; });
  const UniqueFd fd = open();
  put(fd.get(), "GET / HTTP/1.1\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  const std::string answer = readAll(fd.get());
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 5U << 20);
}

TEST_F(ServerTest, PeersThatLeaveLeaveNothing) {
  start();
  for (int i = 0; i < 50; ++i) {
    const UniqueFd fd = open();
    if (i % 2) put(fd.get(), "GET /hel");
    if (i % 3) shutdown(fd.get(), SHUT_WR);
  }
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
  EXPECT_THAT(ask("GET /hello HTTP/1.1\r\n\r\n"), EndsWith("hello \n"));
}

TEST_F(ServerTest, WaitsForAnAddressThatIsInUse) {
  start();
  const Address taken = parseAddress(server_->boundTo()).value();
  auto second = Server::start({.address = taken, .retry = 20ms},
                              [](const Request&) { return Response{.body = "second\n"}; });
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ((*second)->boundTo(), "");
  server_.reset();
  ASSERT_TRUE(eventually([&] { return !(*second)->boundTo().empty(); }));
  const UniqueFd fd = connectTcp((*second)->boundTo());
  put(fd.get(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(readAll(fd.get()), EndsWith("second\n"));
}

TEST(ServerAddress, OneThatIsNotOursIsAnError) {
  const auto started = Server::start({.address = parseAddress("192.0.2.1:0").value()},
                                     [](const Request&) { return Response{}; });
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().sys_errno, EADDRNOTAVAIL);
}

TEST(ServerAddress, AUnixSocketIsItsOwnersAndGoesWithTheServer) {
  char name[] = "/tmp/plimsoll-http-XXXXXX";
  const std::string directory = mkdtemp(name), path = directory + "/http.sock";
  {
    // As a killed agent leaves one.
    ASSERT_TRUE(sys::listenUnix(path));
    auto server = Server::start({.address = parseAddress(path).value()},
                                [](const Request&) { return Response{.body = "unix\n"}; });
    ASSERT_TRUE(server) << server.error().message;
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    const UniqueFd fd = sys::connectUnix(path).value();
    put(fd.get(), "GET / HTTP/1.1\r\n\r\n");
    pollfd readable{.fd = fd.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&readable, 1, 5000), 1);
    EXPECT_THAT(readAll(fd.get()), EndsWith("unix\n"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace plimsoll::http
