// For tests: a process that stands for a pod, since the kernel keeps a namespace as long as one is in it.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace plimsoll::netns {

// A process in namespaces of its own, with a shell's help where links are wanted.
class Pod {
 public:
  explicit Pod(const std::string& setup = "true", int flags = CLONE_NEWNET | CLONE_NEWIPC) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const bool good = unshare(flags) == 0 && system(setup.c_str()) == 0;
      const char byte = good ? 'y' : 'n';
      if (write(ready[1], &byte, 1) == 1) pause();
      _exit(0);
    }
    ::close(ready[1]);
    char byte = 'n';
    good_ = read(ready[0], &byte, 1) == 1 && byte == 'y';
    ::close(ready[0]);
  }
  Pod(const Pod&) = delete;
  ~Pod() { end(); }

  bool good() const { return good_; }
  pid_t pid() const { return pid_; }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  bool good_ = false;
};

}  // namespace plimsoll::netns
