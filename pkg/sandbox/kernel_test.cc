// The table of docs/security.md, asked of this kernel: each thing the agent does to a container's process, as
// uid 0 with none but the capabilities given. Needs root with all capabilities.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "pkg/sandbox/capabilities.h"

namespace plimsoll::sandbox {
namespace {

// As containerd gives them to a container.
const CapabilitySet kContainer{CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
                               CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
                               CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
                               CAP_KILL,    CAP_AUDIT_WRITE};

// A process like a container's: a user, the runtime's capabilities, a network namespace of its own.
class Target {
 public:
  explicit Target(uid_t user) {
    int ready[2];
    if (pipe(ready) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      rlimit files{100, 200};
      setrlimit(RLIMIT_NOFILE, &files);
      // A test's own surroundings may allow more than a container's.
      rlimit none{0, 0};
      setrlimit(RLIMIT_RTPRIO, &none);
      setrlimit(RLIMIT_NICE, &none);
      if (user != 0 && setresuid(user, user, user) != 0) _exit(1);
      // Changing the user cleared its capabilities; it is a process that was executed, so it may be read.
      if (user == 0 && !reduceTo(kContainer)) _exit(1);
      prctl(PR_SET_DUMPABLE, 1);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
    char byte;
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) ADD_FAILURE() << "the target did not start";
    close(ready[0]);
  }
  ~Target() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  std::string proc(const std::string& file) const { return "/proc/" + std::to_string(pid_) + "/" + file; }

 private:
  pid_t pid_;
};

int writeTo(const std::string& path, const char* text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t n = write(fd, text, strlen(text));
  int error = n < 0 ? errno : 0;
  close(fd);
  return error;
}

int openFor(const std::string& path, int flags = O_RDONLY) {
  int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

int limitFiles(pid_t pid, rlim_t soft, rlim_t hard) {
  rlimit limit{soft, hard};
  return prlimit(pid, RLIMIT_NOFILE, &limit, nullptr) == 0 ? 0 : errno;
}

int setPolicy(pid_t pid, int policy, int priority) {
  sched_param parameter{priority};
  return sched_setscheduler(pid, policy, &parameter) == 0 ? 0 : errno;
}

int setNice(pid_t pid, int nice) {
  return setpriority(PRIO_PROCESS, static_cast<id_t>(pid), nice) == 0 ? 0 : errno;
}

int setIoPriority(pid_t pid, int value) {
  constexpr int kProcess = 1;
  return syscall(SYS_ioprio_set, kProcess, pid, value) == 0 ? 0 : errno;
}

int enterNetwork(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
  close(fd);
  return error;
}

constexpr int kIoIdle = 3 << 13;
constexpr int kIoRealTime = 1 << 13 | 4;
constexpr uid_t kOther = 12345;

class CapabilityTable : public testing::Test {
 protected:
  void SetUp() override {
    auto have = threadCapabilities();
    if (geteuid() != 0 || !have || !have->effective.has(CAP_SYS_ADMIN)) GTEST_SKIP() << "needs root";
  }

  // Some sandboxes keep it from root.
  static bool have(int capability) { return threadCapabilities()->permitted.has(capability); }

  // The errno of `action` with these capabilities; 0: it worked.
  static int with(CapabilitySet capabilities, const std::function<int()>& action) {
    pid_t child = fork();
    if (child == 0) {
      if (!reduceTo(capabilities)) _exit(255);
      _exit(action());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

#define EXPECT_NEEDS_NOTHING(action) EXPECT_EQ(with({}, action), 0)
// Does not work with all others, and works with it: in this order, since what is there already is no change.
#define EXPECT_NEEDS(capabilities, error, action)                                                         \
  EXPECT_EQ(                                                                                              \
      with(CapabilitySet::fromBits((uint64_t{1} << 41) - 1).without(CapabilitySet capabilities), action), \
      error);                                                                                             \
  EXPECT_EQ(with(CapabilitySet capabilities, action), 0)

TEST_F(CapabilityTable, ReadingAboutAProcessNeedsNothing) {
  for (uid_t user : {uid_t{0}, kOther}) {
    Target target(user);
    for (const char* file : {"cgroup", "mountinfo", "status", "stat", "oom_score_adj"}) {
      EXPECT_NEEDS_NOTHING([&] { return openFor(target.proc(file)); });
    }
    EXPECT_NEEDS_NOTHING([&] {
      int fd = static_cast<int>(syscall(SYS_pidfd_open, target.pid(), 0));
      return fd < 0 ? errno : 0;
    });
  }
}

TEST_F(CapabilityTable, OomScoreAdj) {
  {
    Target target(0);
    EXPECT_NEEDS_NOTHING([&] { return writeTo(target.proc("oom_score_adj"), "500"); });
  }
  if (have(CAP_SYS_RESOURCE)) {
    Target target(0);
    EXPECT_NEEDS({CAP_SYS_RESOURCE}, EACCES, [&] { return writeTo(target.proc("oom_score_adj"), "-500"); });
  }
  Target target(kOther);
  EXPECT_NEEDS({CAP_DAC_OVERRIDE}, EACCES, [&] { return writeTo(target.proc("oom_score_adj"), "500"); });
}

TEST_F(CapabilityTable, Rlimits) {
  {
    Target target(0);
    EXPECT_NEEDS_NOTHING([&] { return limitFiles(target.pid(), 50, 200); });
  }
  if (!have(CAP_SYS_RESOURCE)) GTEST_SKIP() << "no SYS_RESOURCE here; the rest was not asked";
  {
    Target target(0);
    EXPECT_NEEDS({CAP_SYS_RESOURCE}, EPERM, [&] { return limitFiles(target.pid(), 50, 300); });
  }
  Target target(kOther);
  EXPECT_NEEDS({CAP_SYS_RESOURCE}, EPERM, [&] { return limitFiles(target.pid(), 50, 200); });
}

// The kernel asks for SYS_NICE also between processes of one user, as soon as the other has a capability that
// the caller has not (cap_safe_nice()): a usual container has.
TEST_F(CapabilityTable, SchedulingAndIoPriority) {
  Target own(0), other(kOther);
  for (pid_t pid : {own.pid(), other.pid()}) {
    EXPECT_EQ(with({}, [&] { return setPolicy(pid, SCHED_BATCH, 0); }), EPERM);
    EXPECT_EQ(with({}, [&] { return setNice(pid, 5); }), EPERM);
    EXPECT_EQ(with({}, [&] { return setIoPriority(pid, kIoIdle); }), EPERM);
    EXPECT_EQ(with({CAP_SYS_NICE}, [&] { return setPolicy(pid, SCHED_BATCH, 0); }), 0);
    EXPECT_EQ(with({CAP_SYS_NICE}, [&] { return setNice(pid, 5); }), 0);
    EXPECT_EQ(with({CAP_SYS_NICE}, [&] { return setIoPriority(pid, kIoIdle); }), 0);
  }
  EXPECT_NEEDS({CAP_SYS_NICE}, EPERM, [&] { return setPolicy(other.pid(), SCHED_BATCH, 0); });
  EXPECT_NEEDS({CAP_SYS_NICE}, EPERM, [&] { return setPolicy(own.pid(), SCHED_FIFO, 1); });
  EXPECT_NEEDS({CAP_SYS_NICE}, EACCES, [&] { return setNice(own.pid(), -5); });
  // Either will do.
  EXPECT_EQ(with({CAP_SYS_NICE}, [&] { return setIoPriority(own.pid(), kIoRealTime); }), 0);
  EXPECT_EQ(with({CAP_SYS_ADMIN, CAP_SETUID}, [&] { return setIoPriority(own.pid(), kIoRealTime); }), EPERM);
}

TEST_F(CapabilityTable, NamespacesByProcess) {
  for (uid_t user : {uid_t{0}, kOther}) {
    Target target(user);
    std::string path = target.proc("ns/net");
    EXPECT_EQ(with({}, [&] { return enterNetwork(path); }), EACCES) << user;
    EXPECT_EQ(with({CAP_SYS_ADMIN}, [&] { return enterNetwork(path); }), EACCES) << user;
    EXPECT_EQ(with({CAP_SYS_PTRACE}, [&] { return enterNetwork(path); }), EPERM) << user;
    EXPECT_EQ(with({CAP_SYS_ADMIN, CAP_SYS_PTRACE}, [&] { return enterNetwork(path); }), 0) << user;
  }
}

TEST_F(CapabilityTable, SysctlsInsideAPodsNetworkNeedNothingMore) {
  Target target(0);
  EXPECT_EQ(with({CAP_SYS_ADMIN, CAP_SYS_PTRACE},
                 [&] {
                   if (int error = enterNetwork(target.proc("ns/net"))) return error;
                   return writeTo("/proc/sys/net/core/somaxconn", "1234");
                 }),
            0);
}

}  // namespace
}  // namespace plimsoll::sandbox
