#include "pkg/sys/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace plimsoll::sys {
namespace {

Result<sockaddr_un> unixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return base::invalidArgument("socket path \"" + path + "\" must have 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// What stands at `path` now; 0: nothing, or it cannot be seen.
mode_t fileType(const std::string& path) {
  struct stat st {};
  return stat(path.c_str(), &st) == 0 ? st.st_mode & S_IFMT : 0;
}

}  // namespace

Result<base::UniqueFd> connectUnix(const std::string& path) {
  ASSIGN_OR_RETURN(sockaddr_un address, unixAddress(path));
  base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errnoError(errno, "create socket");
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  int err = errno;
  // A file that is no socket refuses too; that is a mistake of the configuration, not a runtime that is away.
  mode_t type = err == ECONNREFUSED ? fileType(path) : 0;
  if (type != 0 && type != S_IFSOCK) return base::invalidArgument(path + " is not a socket");
  return base::errnoError(err, "connect to " + path);
}

Result<base::UniqueFd> listenUnix(const std::string& path, int backlog) {
  ASSIGN_OR_RETURN(sockaddr_un address, unixAddress(path));
  base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return base::errnoError(errno, "create socket");
  if (fileType(path) == S_IFSOCK) unlink(path.c_str());
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return base::errnoError(errno, "bind " + path);
  }
  if (listen(fd.get(), backlog) != 0) return base::errnoError(errno, "listen on " + path);
  return fd;
}

}  // namespace plimsoll::sys
