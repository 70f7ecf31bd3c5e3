// What it is like inside, asked in a child process: there is no way back.
#include "pkg/sandbox/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

namespace plimsoll::sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Runs it in a child; what it returns comes back (0 to 255).
int inChild(const std::function<int()>& body) {
  pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  return WEXITSTATUS(status);
}

int errnoOf(long result) { return result < 0 ? errno : 0; }

Options core(SeccompMode mode) { return {.profiles = {"core"}, .seccomp = mode}; }

TEST(Sandbox, InsideThereAreNoCapabilitiesAndNoNewOnes) {
  EXPECT_EQ(inChild([] {
              auto inside = enter(core(SeccompMode::Off));
              if (!inside || !inside->kept.empty()) return 1;
              auto now = threadCapabilities();
              if (!now || !now->effective.empty() || !now->permitted.empty()) return 2;
              return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
            }),
            0);
}

TEST(Sandbox, WhatIsNotThereIsNamedWithItsConsequence) {
  EXPECT_EQ(
      inChild([] {
        if (!reduceTo({})) return 1;
        auto inside = enter({.profiles = {"processes"}, .seccomp = SeccompMode::Off});
        if (!inside || !inside->kept.empty() || inside->lacking.size() != 3) return 2;
        return inside->lacking[0].find("no CAP_DAC_OVERRIDE (profile processes), so not: oom.score-adj") == 0
                   ? 0
                   : 3;
      }),
      0);
}

// Nothing named: what the container was given decides, and what it lacks is no complaint.
TEST(Sandbox, WithoutNamesEveryProfilesCapabilitiesAreKeptAndNoOthers) {
  EXPECT_EQ(inChild([] {
              auto before = threadCapabilities();
              auto inside = enter({.profiles = {}, .seccomp = SeccompMode::Off});
              if (!inside || !inside->lacking.empty()) return 1;
              auto now = threadCapabilities();
              if (now->permitted != inside->kept || inside->kept.has(CAP_SYS_MODULE)) return 2;
              return inside->kept.without(before->permitted).empty() ? 0 : 3;
            }),
            0);
}

TEST(Sandbox, UnknownProfilesAndOtherThreadsAreRefused) {
  EXPECT_THAT(enter({.profiles = {"all"}, .seccomp = SeccompMode::Off}).error().message,
              HasSubstr("\"all\""));
  std::thread other([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
  auto refused = enter(core(SeccompMode::Off));
  other.join();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::FailedPrecondition);
}

TEST(Seccomp, WhatIsNotOnTheListFailsWithEpermAndTheProcessLives) {
  EXPECT_EQ(inChild([] {
              if (!enter(core(SeccompMode::Enforce))) return 1;
              char* const arguments[] = {nullptr};
              if (errnoOf(execve("/bin/true", arguments, arguments)) != EPERM) return 2;
              if (errnoOf(mount("none", "/tmp", "tmpfs", 0, nullptr)) != EPERM) return 3;
              if (errnoOf(syscall(SYS_ptrace, 0, 0, 0, 0)) != EPERM) return 4;
              if (errnoOf(syscall(SYS_bpf, 0, nullptr, 0)) != EPERM) return 5;  // another profile's
              if (errnoOf(setns(0, 0)) != EPERM) return 6;
              if (errnoOf(syscall(SYS_io_uring_setup, 1, nullptr)) != EPERM) return 7;
              // And by its x32 number, which is another way to the same call.
              return errnoOf(syscall(0x40000000 + SYS_ptrace, 0, 0, 0, 0)) == EPERM ? 0 : 8;
            }),
            0);
}

TEST(Seccomp, ClonesMakeThreadsAndNoNamespaces) {
  EXPECT_EQ(inChild([] {
              if (!enter(core(SeccompMode::Enforce))) return 1;
              if (errnoOf(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)) != EPERM) return 2;
              if (errnoOf(syscall(SYS_clone3, nullptr, 0)) != ENOSYS) return 3;
              if (errnoOf(unshare(CLONE_NEWUSER)) != EPERM) return 4;
              int value = 0;
              std::thread thread([&] { value = 7; });
              thread.join();
              return value == 7 ? 0 : 5;
            }),
            0);
}

TEST(Seccomp, SocketsAreOfTheFamiliesInUse) {
  EXPECT_EQ(inChild([] {
              if (!enter(core(SeccompMode::Enforce))) return 1;
              for (int family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}) {
                if (errnoOf(socket(family, SOCK_DGRAM, 0)) == EPERM) return 2;
              }
              for (int family : {AF_PACKET, AF_VSOCK, AF_ALG, AF_XDP}) {
                if (errnoOf(socket(family, SOCK_DGRAM, 0)) != EPERM) return 3;
              }
              return 0;
            }),
            0);
}

// Abseil asks now and then, when a thread has to wait for a mutex.
TEST(Seccomp, AThreadMayAskForItsOwnPriority) {
  EXPECT_EQ(inChild([] {
              if (!enter(core(SeccompMode::Enforce))) return 1;
              sched_param param{};
              if (sched_getparam(0, &param) != 0) return 2;
              return sched_getscheduler(0) >= 0 ? 0 : 3;
            }),
            0);
}

TEST(Seccomp, ThreadsStartedInsideAreInsideToo) {
  EXPECT_EQ(inChild([] {
              if (!enter(core(SeccompMode::Enforce))) return 1;
              int error = 0;
              std::thread thread([&] { error = errnoOf(mount("none", "/tmp", "tmpfs", 0, nullptr)); });
              thread.join();
              return error == EPERM ? 0 : 2;
            }),
            0);
}

TEST(Seccomp, LogModeLetsEverythingThrough) {
  EXPECT_EQ(inChild([] {
              auto inside = enter(core(SeccompMode::Log));
              if (!inside || inside->seccomp != SeccompMode::Log) return 1;
              return errnoOf(syscall(SYS_getsid, 0)) == 0 ? 0 : 2;
            }),
            0);
}

TEST(Seccomp, ATypingMistakeInAListIsAnError) {
  const std::string_view wrong[] = {"read", "raed"};
  EXPECT_THAT(buildFilter(wrong, SeccompMode::Enforce).error().message, HasSubstr("raed"));
}

TEST(Seccomp, ModesHaveNames) {
  for (SeccompMode mode : {SeccompMode::Off, SeccompMode::Log, SeccompMode::Enforce}) {
    EXPECT_EQ(seccompModeOf(toString(mode)), mode);
  }
  EXPECT_FALSE(seccompModeOf("on"));
}

}  // namespace
}  // namespace plimsoll::sandbox
