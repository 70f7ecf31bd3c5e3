#include "pkg/netns/namespace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71  // include/uapi/asm-generic/socket.h, 5.14
#endif

namespace plimsoll::netns {
namespace {

using base::ErrorCode;
using base::UniqueFd;
using mechanism::Place;

// include/uapi/linux/nsfs.h, 6.18; older kernels answer ENOTTY.
constexpr unsigned long kGetNamespaceId = _IOR(0xb7, 13, uint64_t);

constexpr const char* kWhatHelps =
    "; the agent's profile \"namespaces\" has it, or use a runtime whose NRI carries sysctls (containerd "
    "2.2.1, CRI-O 1.35)";

std::string shortName(Kind kind) { return kind == Kind::Network ? "net" : "ipc"; }
std::string longName(Kind kind) { return kind == Kind::Network ? "network namespace" : "IPC namespace"; }
int cloneFlag(Kind kind) { return kind == Kind::Network ? CLONE_NEWNET : CLONE_NEWIPC; }

tl::unexpected<base::Error> lacks(int err, const std::string& what, const char* capability) {
  return tl::unexpected<base::Error>(
      base::Error{ErrorCode::Unimplemented, what + " needs " + capability + kWhatHelps, err});
}

// A namespace that cannot be told from the node's is treated as the node's.
Status checkNotTheNodes(const sys::HostRoots& roots, Kind kind, const Identity& wanted) {
  const std::string link = "/ns/" + shortName(kind);
  auto nodes = identityAt(AT_FDCWD, roots.proc + "/1" + link);
  if (!nodes && (nodes.error().sys_errno == EACCES || nodes.error().sys_errno == EPERM)) {
    return lacks(nodes.error().sys_errno, "telling a pod's namespace from the node's", "CAP_SYS_PTRACE");
  }
  if (!nodes) {
    return base::error(ErrorCode::FailedPrecondition,
                       "the node's own " + longName(kind) + " cannot be seen: " + nodes.error().message);
  }
  ASSIGN_OR_RETURN(const Identity own, identityAt(AT_FDCWD, "/proc/self" + link));
  if (wanted != *nodes && wanted != own) return base::ok();
  return base::error(ErrorCode::FailedPrecondition,
                     "the process is in the node's own " + longName(kind) + "; nothing is written there");
}

Result<uint64_t> cookieOfThread() {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (!socket.valid() || getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0)
    return base::errnoError(errno, "read the network namespace's cookie");
  return cookie;
}

// "net:[4026532281]" gives its kind and number.
struct Name {
  Kind kind;
  uint64_t number;
};
std::optional<Name> parseName(std::string_view name) {
  for (Kind kind : {Kind::Network, Kind::Ipc}) {
    const std::string prefix = shortName(kind) + ":[";
    if (!name.starts_with(prefix) || !name.ends_with(']')) continue;
    const auto number = base::parseInt<uint64_t>(name.substr(prefix.size(), name.size() - prefix.size() - 1));
    if (number) return Name{kind, *number};
  }
  return std::nullopt;
}

}  // namespace

Result<Identity> identityAt(int dir, const std::string& path) {
  struct stat info {};
  if (fstatat(dir, path.c_str(), &info, 0) != 0) return base::errnoError(errno, "look at " + path);
  return Identity{info.st_dev, info.st_ino};
}

Result<Namespace> Namespace::open(const sys::HostRoots& roots, UniqueFd process, Kind kind,
                                  const Belongs& belongs) {
  const std::string link = "ns/" + shortName(kind);
  UniqueFd fd(openat(process.get(), link.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    const int err = errno;
    if (err == EACCES || err == EPERM)
      return lacks(err, "opening a pod's " + longName(kind), "CAP_SYS_PTRACE");
    return base::errnoError(err, "open " + link + " of the container's process");
  }
  // Read by way of the same entry after the namespace was opened: the process still is the one that was
  // meant, and so the namespace is its.
  ASSIGN_OR_RETURN(const std::string text, sys::readAt(process.get(), "cgroup"));
  RETURN_IF_ERROR(belongs(text));
  ASSIGN_OR_RETURN(const Identity identity, identityAt(process.get(), link));
  RETURN_IF_ERROR(checkNotTheNodes(roots, kind, identity));

  Namespace ns(kind, std::move(process), std::move(fd));
  ns.place_ = {shortName(kind) + ":[" + std::to_string(identity.inode) + "]", identity.inode};
  uint64_t id = 0;
  if (kind == Kind::Network) {
    RETURN_IF_ERROR(ns.run([&id]() -> Status {
      if (auto cookie = cookieOfThread()) id = *cookie;
      return base::ok();
    }));
  } else if (ioctl(ns.ns_.get(), kGetNamespaceId, &id) != 0) {
    id = 0;
  }
  if (id != 0) ns.place_.id = id;
  return ns;
}

Result<Namespace> Namespace::ofProcess(const sys::HostRoots& roots, pid_t pid, Kind kind,
                                       const Belongs& belongs) {
  if (pid <= 0) return base::invalidArgument(std::to_string(pid) + " is not a process");
  ASSIGN_OR_RETURN(UniqueFd process, sys::openDir(roots.proc + "/" + std::to_string(pid)));
  return open(roots, std::move(process), kind, belongs);
}

Result<Namespace> Namespace::find(const sys::HostRoots& roots, const Place& place) {
  const auto name = parseName(place.name);
  if (!name) return base::invalidArgument("\"" + place.name + "\" is not the name of a namespace");
  ASSIGN_OR_RETURN(const UniqueFd proc, sys::openDir(roots.proc));
  ASSIGN_OR_RETURN(const std::vector<std::string> entries,
                   sys::listAt(proc.get(), sys::Entries::Directories));
  bool refused = false;
  for (const std::string& entry : entries) {
    if (!base::parseInt<pid_t>(entry)) continue;
    auto seen = identityAt(proc.get(), entry + "/ns/" + shortName(name->kind));
    refused = refused || (!seen && (seen.error().sys_errno == EACCES || seen.error().sys_errno == EPERM));
    if (!seen || seen->inode != name->number) continue;
    ASSIGN_OR_RETURN(UniqueFd process, sys::openDir(roots.proc + "/" + entry));
    auto found = open(roots, std::move(process), name->kind, [](std::string_view) { return base::ok(); });
    // The process may have ended, or its number be another's by now: the next one will do as well.
    if (!found && found.error().isGone()) continue;
    if (!found) return found;
    if (found->place() == place) return found;
  }
  if (refused) return lacks(EACCES, "looking for a pod's namespace", "CAP_SYS_PTRACE");
  return base::error(ErrorCode::NotFound, "no process is in " + place.name + " any more");
}

bool Namespace::gone() const {
  auto text = sys::readAt(process_.get(), "cgroup");
  return !text && text.error().isGone();
}

Status Namespace::run(const std::function<Status()>& work) const {
  Status status = base::error(ErrorCode::Internal, "the work was not done");
  const auto body = [&] {
    if (setns(ns_.get(), cloneFlag(kind_)) == 0) {
      status = work();
    } else if (errno == EPERM) {
      status = lacks(EPERM, "entering a pod's " + longName(kind_), "CAP_SYS_ADMIN");
    } else {
      status = base::errnoError(errno, "enter " + place_.name);
    }
  };
  try {
    std::thread(body).join();
  } catch (const std::system_error& error) {
    return base::errnoError(error.code().value(), "start a thread for " + place_.name);
  }
  return status;
}

bool mayEnterNamespaces() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  const auto has = [&data](int capability) {
    return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
  };
  return has(CAP_SYS_ADMIN) && has(CAP_SYS_PTRACE);
}

}  // namespace plimsoll::netns
