#include "pkg/sandbox/profile.h"

#include <linux/capability.h>

#include <algorithm>

namespace plimsoll::sandbox {
namespace {

// Found with strace over the agent's tests and the virtual machine's, and by what the C library and gRPC make
// of it on other kernels.
const std::vector<SyscallGroup>& coreSyscalls() {
  static const std::vector<SyscallGroup> groups = {
      {"memory", {"brk", "madvise", "mincore", "mmap", "mprotect", "mremap", "munmap"}},
      {"threads of gRPC, and the C library's own",
       {"arch_prctl", "clone", "clone3", "exit", "exit_group", "futex", "getcpu", "getpid", "getppid",
        "gettid", "membarrier", "prctl", "restart_syscall", "rseq", "sched_getaffinity", "sched_yield",
        "set_robust_list", "set_tid_address"}},
      {"priority of a thread that waits for a mutex of Abseil's", {"sched_getparam", "sched_getscheduler"}},
      {"control files, configuration, journal, /proc and /sys",
       {"access",     "close",    "close_range", "dup",     "dup2",    "dup3",     "faccessat", "faccessat2",
        "fallocate",  "fcntl",    "fdatasync",   "flock",   "fstat",   "fstatfs",  "fsync",     "ftruncate",
        "getcwd",     "getdents", "getdents64",  "ioctl",   "lseek",   "lstat",    "mkdir",     "mkdirat",
        "newfstatat", "open",     "openat",      "openat2", "pread64", "preadv",   "pwrite64",  "pwritev",
        "read",       "readlink", "readlinkat",  "readv",   "rename",  "renameat", "renameat2", "rmdir",
        "stat",       "statfs",   "statx",       "umask",   "unlink",  "unlinkat", "write",     "writev"}},
      {"the API socket's owner and mode", {"chmod", "chown", "fchmod", "fchmodat", "fchown", "fchownat"}},
      {"what a cgroup's files held before us, kept as its attributes",
       {"fgetxattr", "flistxattr", "fremovexattr", "fsetxattr", "getxattr", "lgetxattr", "listxattr",
        "llistxattr", "lremovexattr", "lsetxattr", "removexattr", "setxattr"}},
      {"the runtime's socket, the API, health and metrics",
       {"accept",  "accept4", "bind",       "connect",  "getpeername", "getsockname", "getsockopt",
        "listen",  "pipe",    "pipe2",      "recvfrom", "recvmmsg",    "recvmsg",     "sendmmsg",
        "sendmsg", "sendto",  "setsockopt", "shutdown", "socket",      "socketpair"}},
      {"the event loop", {"epoll_create",   "epoll_create1",   "epoll_ctl",
                          "epoll_pwait",    "epoll_pwait2",    "epoll_wait",
                          "eventfd",        "eventfd2",        "inotify_add_watch",
                          "inotify_init",   "inotify_init1",   "inotify_rm_watch",
                          "poll",           "ppoll",           "pselect6",
                          "select",         "signalfd",        "signalfd4",
                          "timerfd_create", "timerfd_gettime", "timerfd_settime"}},
      {"clocks", {"clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time"}},
      {"signals",
       {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "tgkill"}},
      {"what it is and what it uses",
       {"capget", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getrandom", "getrusage", "getuid",
        "sysinfo", "uname"}},
      // Numbers of processes are taken over; a pidfd is not. Signal 0 asks whether it still lives.
      {"a container's processes, held so that no other is meant",
       {"pidfd_open", "pidfd_send_signal", "prlimit64"}},
  };
  return groups;
}

const std::vector<Profile>& table() {
  static const std::vector<Profile> profiles = {
      {.name = "core",
       .does = "cgroup files, annotations, API; rlimits and oom_score_adj of containers as far as uid 0 may",
       .capabilities = {},
       .syscalls = coreSyscalls()},
      {.name = "processes",
       .does = "oom.score-adj, rlimit.*, ioprio and sched.policy of running containers of any user",
       .capabilities =
           {{CAP_DAC_OVERRIDE, "/proc/PID/oom_score_adj belongs to the process's user",
             "oom.score-adj of processes of other users than root"},
            {CAP_SYS_RESOURCE,
             "prlimit() of another user's process or above its hard limit; a lower "
             "oom_score_adj than was ever set",
             "rlimit.* of processes of other users or above their hard limit; lowering oom.score-adj"},
            {CAP_SYS_NICE,
             "scheduling and io priority of a process that has another user or capabilities we do not have",
             "ioprio and sched.policy"}},
       .syscalls = {{"scheduling and io priority of processes",
                     {"getpriority", "ioprio_get", "ioprio_set", "sched_getattr", "sched_setaffinity",
                      "sched_setattr", "sched_setparam", "sched_setscheduler", "setpriority"}}}},
      {.name = "namespaces",
       .does = "sysctl.* and links inside the pods' namespaces",
       .capabilities = {{CAP_SYS_ADMIN, "setns() into a pod's namespaces",
                         "sysctl.* and net.mtu, net.txqueuelen"},
                        {CAP_SYS_PTRACE,
                         "opening /proc/PID/ns of a process that has capabilities we do not have",
                         "sysctl.* where the runtime names no namespace path"},
                        {CAP_NET_ADMIN, "changing a link", "net.mtu, net.txqueuelen"}},
       .syscalls = {{"entering a pod's namespaces on a thread of its own", {"setns", "unshare"}}}},
      {.name = "net",
       .does = "traffic accounting, priorities and rates with BPF",
       .capabilities = {{CAP_BPF, "loading programs and making maps", "net.*"},
                        {CAP_NET_ADMIN, "network program types, attaching them, queueing disciplines",
                         "net.*"},
                        {CAP_PERFMON, "programs that read kernel memory", "traffic accounting by socket"}},
       .syscalls = {{"BPF", {"bpf", "memfd_create", "perf_event_open"}}}},
  };
  return profiles;
}

void addSyscalls(const Profile& profile, std::vector<std::string_view>& names) {
  for (const SyscallGroup& group : profile.syscalls)
    names.insert(names.end(), group.names.begin(), group.names.end());
}

}  // namespace

std::span<const Profile> profiles() { return table(); }

const Profile* findProfile(std::string_view name) {
  for (const Profile& profile : table()) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

std::vector<std::string_view> profileNames() {
  std::vector<std::string_view> names;
  for (const Profile& profile : table()) names.push_back(profile.name);
  return names;
}

Result<Needs> needsOf(std::span<const std::string> names) {
  Needs needs;
  addSyscalls(*findProfile("core"), needs.syscalls);
  for (const std::string& name : names) {
    const Profile* profile = findProfile(name);
    if (!profile) {
      std::string known;
      for (std::string_view other : profileNames()) known += (known.empty() ? "" : ", ") + std::string(other);
      return base::invalidArgument("no security profile \"" + name + "\"; there are: " + known);
    }
    for (const CapabilityReason& reason : profile->capabilities) needs.capabilities.add(reason.capability);
    addSyscalls(*profile, needs.syscalls);
  }
  std::sort(needs.syscalls.begin(), needs.syscalls.end());
  needs.syscalls.erase(std::unique(needs.syscalls.begin(), needs.syscalls.end()), needs.syscalls.end());
  return needs;
}

const SyscallGroup& launcherSyscalls() {
  static const SyscallGroup group = {
      "runc, between installing the container's filter and our first instruction; our own filter",
      {"capset", "chdir", "execve", "fchdir", "kill", "seccomp", "setgid", "setgroups", "setresgid",
       "setresuid", "setuid"}};
  return group;
}

}  // namespace plimsoll::sandbox
