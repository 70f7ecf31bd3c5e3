#include "cmd/kubectl-plimsoll/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

extern char** environ;

namespace plimsoll::cli {
namespace {

using base::Result;
using std::chrono::milliseconds;

constexpr milliseconds kGrace{1'000};

struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions;
};

struct Attributes {
  Attributes() {
    posix_spawnattr_init(&attributes);
    // As a program expects to be started, whatever we ignore or block for ourselves.
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes;
};

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& argv, Streams streams) {
  FileActions files;
  posix_spawn_file_actions_adddup2(&files.actions, streams.in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files.actions, streams.out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files.actions, streams.err, STDERR_FILENO);
  Attributes attributes;
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv.front().c_str(), &files.actions, &attributes.attributes,
                                   arguments.data(), environ);
  if (error != 0) return base::errnoError(error, "start " + argv.front());
  return ChildProcess(pid);
}

ChildProcess::~ChildProcess() { end(); }

std::optional<int> ChildProcess::wait(milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (milliseconds pause{1}; pid_ > 0; pause = std::min(2 * pause, milliseconds(20))) {
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      pid_ = 0;
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (ended < 0 && errno != EINTR) {
      pid_ = 0;  // reaped by somebody else; nothing is known of it
      code_ = -1;
    } else if (std::chrono::steady_clock::now() >= until) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(pause);
    }
  }
  return code_;
}

void ChildProcess::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  if (wait(kGrace)) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  code_ = 128 + SIGKILL;
  pid_ = 0;
}

}  // namespace plimsoll::cli
