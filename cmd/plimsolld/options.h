// The agent's command line.
#pragma once

#include <string>
#include <vector>

#include "pkg/base/log.h"
#include "pkg/sandbox/sandbox.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::agent {

struct AgentOptions {
  sys::HostRoots roots;
  sandbox::Options sandbox;
  std::string config;  // empty: built-in classes, no rules
  std::string nri_socket = "/var/run/nri/nri.sock";
  std::string nri_name = "plimsoll";
  std::string nri_index = "90";
  std::string cri_socket;  // empty: what the runtime does not tell is looked for in the cgroup tree
  std::string api_socket = "/run/plimsoll/plimsoll.sock";
  std::string http_address = "127.0.0.1:9471";  // or "off"
  std::string state_dir = "/var/lib/plimsoll";  // of the journal
  int handover_seconds = 30;                    // how long to wait for another agent that has the journal
  std::string log_level = "info";
  std::string bpffs = "/sys/fs/bpf";  // where what outlives the agent is pinned
  int sweep_seconds = 10;
};

struct ReleaseOptions {
  bool dry_run = false;
  bool json = false;
  int wait_seconds = 0;  // for an agent to end
};

enum class Command { Run, CheckConfig, Release, Doctor, Connect, Hold, Expect, Version };

struct DoctorOptions {
  bool json = false;
};

struct CommandLine {
  Command command = Command::Run;
  AgentOptions options;
  std::string file;  // CheckConfig
  ReleaseOptions release;
  DoctorOptions doctor;
  std::vector<std::string> expected;  // Expect: FILE=VALUE
};

// Exit codes, as documented in --help.
constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;      // could not start, or could not go on
constexpr int kExitUsage = 2;        // command line
constexpr int kExitConfig = 3;       // the configuration file has mistakes
constexpr int kExitBusy = 3;         // release: an agent runs
constexpr int kExitUnsupported = 4;  // this host cannot be served: no pure cgroup v2

// Parses argv. When help was asked for or the line is wrong it prints and gives the exit code instead.
struct ParseOutcome {
  CommandLine line;
  int exit_code = -1;  // -1: go on
};
ParseOutcome parseCommandLine(int argc, char** argv);

}  // namespace plimsoll::agent
