// plimsolld as a process of its own on a fake host, for tests of what only a process shows: exit codes,
// signals, death and return. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::integration {

struct Finished {
  int exit_code = -1;  // 128 + signal for one that was killed
  std::string output;  // stdout and stderr
};

// Runs a program to its end.
Finished runProgram(const std::vector<std::string>& arguments);

bool eventually(const std::function<bool()>& done,
                std::chrono::milliseconds limit = std::chrono::seconds(10));

class AgentProcess {
 public:
  // Sockets and the configuration live in `directory`.
  AgentProcess(const testing_support::FakeHost& host, std::string directory)
      : AgentProcess(host.roots(), std::move(directory)) {}
  AgentProcess(sys::HostRoots roots, std::string directory);
  ~AgentProcess();

  std::string nriSocket() const { return directory_ + "/nri.sock"; }
  std::string apiSocket() const { return directory_ + "/run/api.sock"; }
  std::string httpSocket() const { return directory_ + "/http.sock"; }
  // A folder that is no bpffs, unless a test has one.
  void useBpffs(const std::string& path) { bpffs_ = path; }
  const std::string& bpffs() const { return bpffs_; }
  void useProfile(const std::string& profile) { profile_ = profile; }
  void switchHttpOff() { http_ = false; }
  void useCri(const std::string& socket) { cri_socket_ = socket; }
  std::string stateDirectory() const { return directory_ + "/state"; }
  std::string configFile() const { return directory_ + "/node.yaml"; }

  std::vector<std::string> arguments() const;
  void start();
  // Sends the signal and gives the exit code.
  int stop(int signal);
  pid_t pid() const { return pid_; }
  std::string log() const;
  // kubectl-plimsoll against this agent.
  Finished kubectl(std::vector<std::string> arguments) const;

 private:
  sys::HostRoots roots_;
  std::string directory_;
  pid_t pid_ = 0;
  bool http_ = true;
  std::string cri_socket_, profile_;
  std::string bpffs_ = directory_ + "/bpf";
};

}  // namespace plimsoll::integration
