#include "pkg/sys/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace plimsoll::sys {
namespace {

using base::ErrorCode;

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    char name[] = "/tmp/unix_socket_test.XXXXXX";
    dir_ = mkdtemp(name);
    path_ = dir_ + "/s.sock";
  }
  ~UnixSocketTest() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
  std::string path_;
};

TEST_F(UnixSocketTest, ConnectsWithoutWaitingForAccept) {
  auto listener = listenUnix(path_);
  ASSERT_TRUE(listener) << listener.error().message;
  auto fd = connectUnix(path_);
  ASSERT_TRUE(fd) << fd.error().message;
  char byte;
  EXPECT_EQ(recv(fd->get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN) << "the socket must not block";
}

TEST_F(UnixSocketTest, ListeningReplacesAStaleSocket) {
  { auto stale = listenUnix(path_); }
  EXPECT_TRUE(listenUnix(path_));
}

TEST_F(UnixSocketTest, AMissingSocketIsGone) { EXPECT_TRUE(connectUnix(path_).error().isGone()); }

TEST_F(UnixSocketTest, ASocketWithoutListenerRefuses) {
  { auto stale = listenUnix(path_); }
  EXPECT_EQ(connectUnix(path_).error().sys_errno, ECONNREFUSED);
}

TEST_F(UnixSocketTest, AFileIsNoSocket) {
  std::ofstream(path_) << "text";
  auto fd = connectUnix(path_);
  EXPECT_EQ(fd.error().code, ErrorCode::InvalidArgument);
  EXPECT_NE(fd.error().message.find("is not a socket"), std::string::npos);
}

TEST_F(UnixSocketTest, APathThatDoesNotFitIsRefused) {
  EXPECT_EQ(connectUnix("/tmp/" + std::string(200, 'x')).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(connectUnix("").error().code, ErrorCode::InvalidArgument);
}

TEST_F(UnixSocketTest, AFullListenerIsReportedAndNotWaitedFor) {
  auto listener = listenUnix(path_, 0);
  ASSERT_TRUE(listener);
  std::vector<base::UniqueFd> open;
  for (int i = 0; i < 10; ++i) {
    auto fd = connectUnix(path_);
    if (!fd) {
      EXPECT_EQ(fd.error().sys_errno, EAGAIN);
      return;
    }
    open.push_back(*std::move(fd));
  }
  FAIL() << "a listener with no queue took ten connections";
}

}  // namespace
}  // namespace plimsoll::sys
