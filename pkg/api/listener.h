// The API's unix socket: who may reach it is decided by the file system first (0600, in a directory of 0700
// that is created if it is not there) and by the peer's uid second (server.h).
//
// A socket that stands there is replaced only if nobody answers on it; anything but a socket is an error.
#pragma once

#include <sys/types.h>

#include <string>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::api {

class Listener {
 public:
  // AlreadyExists: another process answers there. InvalidArgument: not a socket, or the path is too long.
  static base::Result<Listener> open(const std::string& path);

  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // removes the socket file, if it is still ours

  int fd() const { return fd_.get(); }

 private:
  Listener(std::string path, base::UniqueFd fd, dev_t device, ino_t inode)
      : path_(std::move(path)), fd_(std::move(fd)), device_(device), inode_(inode) {}

  std::string path_;
  base::UniqueFd fd_;  // non-blocking
  dev_t device_;
  ino_t inode_;
};

// The uid of the process that connected (SO_PEERCRED; as seen from our user namespace).
base::Result<uid_t> peerUid(int fd);

}  // namespace plimsoll::api
