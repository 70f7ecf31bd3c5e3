// The joint of two descriptors and a socket, with real sockets and pipes of this machine.
#include "cmd/plimsolld/connect.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <future>
#include <string>

#include "pkg/base/unique_fd.h"
#include "pkg/sys/unix_socket.h"

namespace plimsoll::agent {
namespace {

using base::UniqueFd;
using ::testing::HasSubstr;

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    from.reset(fds[0]);
    to.reset(fds[1]);
  }
  UniqueFd from, to;
};

std::string readToEnd(int fd) {
  std::string text;
  char buffer[8192];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  return text;
}

void writeAll(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    ASSERT_GT(n, 0);
    done += static_cast<size_t>(n);
  }
}

class Connect : public ::testing::Test {
 protected:
  Connect() {
    ::signal(SIGPIPE, SIG_IGN);
    char name[] = "/tmp/plimsoll-connect-XXXXXX";
    directory_ = mkdtemp(name);
    socket_ = directory_ + "/s";
    listener_ = std::move(sys::listenUnix(socket_).value());
    joined_ = std::async(std::launch::async,
                         [this] { return joinWithSocket(socket_, in_.from.get(), out_.to.get()); });
    agent_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  ~Connect() override { std::filesystem::remove_all(directory_); }

  // Fails rather than hangs.
  base::Status ended() {
    if (joined_.wait_for(std::chrono::seconds(20)) != std::future_status::ready) std::abort();
    return joined_.get();
  }

  std::string directory_, socket_;
  Pipe in_, out_;
  UniqueFd listener_, agent_;
  std::future<base::Status> joined_;
};

TEST_F(Connect, CarriesBothWaysAndPassesTheEndOn) {
  writeAll(in_.to.get(), "question");
  in_.to.reset();
  EXPECT_EQ(readToEnd(agent_.get()), "question");
  // The end of the question is not the end of the answer.
  writeAll(agent_.get(), "answer");
  agent_.reset();
  EXPECT_TRUE(ended());
  out_.to.reset();
  EXPECT_EQ(readToEnd(out_.from.get()), "answer");
}

// Much more than any buffer on the way, both directions at once.
TEST_F(Connect, CarriesMuchBothWaysAtOnce) {
  std::string much(8 << 20, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761u >> 13);
  auto asked = std::async(std::launch::async, [&] { writeAll(in_.to.get(), much), in_.to.reset(); });
  auto heard = std::async(std::launch::async, [&] { return readToEnd(agent_.get()); });
  auto answered = std::async(std::launch::async, [&] { writeAll(agent_.get(), much); });
  std::string seen;
  char buffer[100'000];
  for (ssize_t n; seen.size() < much.size() && (n = ::read(out_.from.get(), buffer, sizeof buffer)) > 0;)
    seen.append(buffer, static_cast<size_t>(n));
  EXPECT_TRUE(seen == much);
  EXPECT_TRUE(heard.get() == much);
  agent_.reset();
  EXPECT_TRUE(ended());
}

TEST_F(Connect, EndsWithTheAgent) {
  agent_.reset();
  EXPECT_TRUE(ended()) << "although nobody closed its input";
}

TEST_F(Connect, EndsWhenNobodyReadsTheAnswer) {
  out_.from.reset();
  EXPECT_FALSE(ended());
  EXPECT_EQ(readToEnd(agent_.get()), "");
}

TEST_F(Connect, ReadsWhatTheAgentSaidBeforeItClosed) {
  writeAll(agent_.get(), "refused");
  agent_.reset();
  writeAll(in_.to.get(), std::string(100, 'x'));
  EXPECT_TRUE(ended());
  out_.to.reset();
  EXPECT_EQ(readToEnd(out_.from.get()), "refused");
}

TEST(ConnectWithoutAgent, SaysSo) {
  const auto joined = joinWithSocket("/tmp/plimsoll-connect-none/s", 0, 1);
  ASSERT_FALSE(joined);
  EXPECT_THAT(joined.error().message, HasSubstr("/tmp/plimsoll-connect-none/s"));
}

}  // namespace
}  // namespace plimsoll::agent
