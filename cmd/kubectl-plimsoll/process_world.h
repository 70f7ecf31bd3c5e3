// What the process tests share: a program run with arguments and an environment, and agents' APIs served by
// other processes. Paths come from the command line of the test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pkg/base/unique_fd.h"

namespace plimsoll::cli {

struct Programs {
  std::string plugin, server, kubectl, agent;
};
inline Programs& programs() {
  static Programs paths;
  return paths;
}

struct Outcome {
  int code = -1;
  std::string out, err;
};

struct Command {
  std::vector<std::string> arguments;
  std::string input = {};
  std::vector<std::string> environment = {};
  uid_t uid = 0;  // 0: as we are
};

inline std::string readAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  return text;
}

// Output goes through files, so that neither side waits for the other.
inline Outcome run(const std::string& directory, const Command& command) {
  const std::string in = directory + "/in", out = directory + "/out", err = directory + "/err";
  std::ofstream(in) << command.input;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(in.c_str(), O_RDONLY), 0);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    if (command.uid != 0 && ::setuid(command.uid) < 0) ::_exit(126);
    std::vector<char*> argv = {const_cast<char*>("kubectl-plimsoll")}, env;
    for (const auto& argument : command.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    for (const auto& variable : command.environment) env.push_back(const_cast<char*>(variable.c_str()));
    argv.push_back(nullptr);
    env.push_back(nullptr);
    ::execve(programs().plugin.c_str(), argv.data(), env.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  outcome.out = readAll(base::UniqueFd(::open(out.c_str(), O_RDONLY)).get());
  outcome.err = readAll(base::UniqueFd(::open(err.c_str(), O_RDONLY)).get());
  return outcome;
}

// An agent's API on a socket, as the test server makes it for a node of this name ("": the first one's).
class ServedAgent {
 public:
  ServedAgent(const std::string& socket, const std::string& node) {
    int in[2], out[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execl(programs().server.c_str(), "test-server", socket.c_str(), node.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_.reset(in[1]);
    const base::UniqueFd ready(out[0]);
    char buffer[16];
    EXPECT_GT(::read(ready.get(), buffer, sizeof buffer), 0) << "the test server did not start";
  }
  ServedAgent(const ServedAgent&) = delete;
  ~ServedAgent() {
    in_.reset();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_EQ(status, 0) << "the test server failed";
  }
  // Each line written becomes an event.
  int in() const { return in_.get(); }

 private:
  pid_t pid_ = 0;
  base::UniqueFd in_;
};

class TempFolder {
 public:
  TempFolder() {
    char name[] = "/tmp/plimsoll-plugin-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file(path_ + "/" + name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  std::string path_;
};

}  // namespace plimsoll::cli
