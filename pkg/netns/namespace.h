// A pod's network or IPC namespace, held open, and work done within it.
//
// Sysctls and sockets belong to the namespace of the thread that opens them. The calling thread never changes
// its own: run() starts a thread for the work, which ends with it, so that nothing of ours keeps a namespace
// alive or is left in the wrong one. Measured: docs/namespaces.md.
//
// Never the node's own: what is opened here was compared with the namespace of the node's first process.
//
// Errors: gone (the process, or the last process of the namespace, ended: normal); FailedPrecondition (the
// node's own namespace, or the process is not the container's); Unimplemented (the agent lacks a capability;
// the message names it and what to do). One thread at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::netns {

using base::Result;
using base::Status;

enum class Kind { Network, Ipc };

// Whether a process is the container's, by the text of its /proc/<pid>/cgroup. An error is passed on.
using Belongs = std::function<Status(std::string_view proc_cgroup)>;

class Namespace {
 public:
  static Result<Namespace> ofProcess(const sys::HostRoots& roots, pid_t pid, Kind kind,
                                     const Belongs& belongs);

  // The namespace that place() gave earlier, by way of any process in it. Gone: there is none. Reads every
  // process's entry in /proc.
  static Result<Namespace> find(const sys::HostRoots& roots, const mechanism::Place& place);

  Kind kind() const { return kind_; }
  // "net:[4026532281]". The number is given away again when the namespace is gone; the id is not where the
  // kernel has such (network: SO_NETNS_COOKIE, 5.14; IPC: NS_GET_ID, 6.18), else it is the number.
  const mechanism::Place& place() const { return place_; }
  // The process by which it was opened ended.
  bool gone() const;

  // Calls `work` on a thread that is in the namespace, and waits for it.
  Status run(const std::function<Status()>& work) const;

 private:
  Namespace(Kind kind, base::UniqueFd process, base::UniqueFd ns)
      : kind_(kind), process_(std::move(process)), ns_(std::move(ns)) {}
  static Result<Namespace> open(const sys::HostRoots& roots, base::UniqueFd process, Kind kind,
                                const Belongs& belongs);

  Kind kind_;
  base::UniqueFd process_;  // /proc/<pid>
  base::UniqueFd ns_;
  mechanism::Place place_;
};

// Which namespace an entry such as "/proc/1/ns/ipc" stands for. `path` is relative to `dir`, or absolute.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};
Result<Identity> identityAt(int dir, const std::string& path);

// Whether this process may enter other namespaces: has CAP_SYS_ADMIN and CAP_SYS_PTRACE.
bool mayEnterNamespaces();

}  // namespace plimsoll::netns
