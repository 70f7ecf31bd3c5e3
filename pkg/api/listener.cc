#include "pkg/api/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "pkg/sys/unix_socket.h"

namespace plimsoll::api {
namespace {

using base::errnoError;
using base::ErrorCode;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr int kBacklog = 16;

Status makeDirectory(const std::string& socket) {
  const std::filesystem::path directory = std::filesystem::path(socket).parent_path();
  if (directory.empty()) return base::ok();
  std::error_code error;
  std::filesystem::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST) {
    return errnoError(errno, "create directory " + directory.string());
  }
  return base::ok();
}

// Whether the path is free, or holds a socket that nobody answers on.
Status checkFree(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) < 0) {
    if (errno == ENOENT) return base::ok();
    return errnoError(errno, "look at " + path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return base::invalidArgument(path + " is not a socket; remove it or choose another --api-socket");
  }
  const Result<UniqueFd> other = sys::connectUnix(path);
  if (other || other.error().sys_errno == EAGAIN) {
    return base::error(ErrorCode::AlreadyExists, "another process answers on " + path);
  }
  if (other.error().sys_errno == ECONNREFUSED || other.error().isGone()) return base::ok();
  return tl::make_unexpected(other.error());
}

}  // namespace

Result<Listener> Listener::open(const std::string& path) {
  // Bound under a name of its own, given its mode, and only then moved into place: at no time can anybody
  // reach a socket with wider rights, and a stale one is replaced in one step.
  const std::string temporary = path + "." + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (temporary.size() >= sizeof address.sun_path) {
    return base::invalidArgument(
        "socket path is too long (at most " +
        std::to_string(sizeof address.sun_path - 1 - (temporary.size() - path.size())) + " bytes): " + path);
  }
  std::memcpy(address.sun_path, temporary.data(), temporary.size());
  RETURN_IF_ERROR(makeDirectory(path));
  RETURN_IF_ERROR(checkFree(path));

  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errnoError(errno, "create a unix socket");
  ::unlink(temporary.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return errnoError(errno, "bind " + temporary);
  }
  struct stat info {};
  if (::chmod(temporary.c_str(), 0600) < 0 || ::listen(fd.get(), kBacklog) < 0 ||
      ::stat(temporary.c_str(), &info) < 0 || ::rename(temporary.c_str(), path.c_str()) < 0) {
    const int cause = errno;
    ::unlink(temporary.c_str());
    return errnoError(cause, "listen on " + path);
  }
  return Listener(path, std::move(fd), info.st_dev, info.st_ino);
}

Listener::~Listener() {
  struct stat info {};
  const bool ours =
      fd_.valid() && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

Result<uid_t> peerUid(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    return errnoError(errno, "ask for the peer's credentials");
  }
  return peer.uid;
}

}  // namespace plimsoll::api
