// plimsolld: joins the runtime's protocol, the reconciler and the agent's API. No decision is made here.

#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <iostream>

#include "cmd/plimsolld/agent.h"
#include "cmd/plimsolld/confinement.h"
#include "cmd/plimsolld/connect.h"
#include "cmd/plimsolld/doctor.h"
#include "cmd/plimsolld/node_steps.h"
#include "cmd/plimsolld/options.h"
#include "cmd/plimsolld/release.h"
#include "pkg/base/log.h"
#include "pkg/config/config.h"

namespace plimsoll::agent {
namespace {

namespace log = base::log;

log::Level levelOf(const std::string& name) {
  if (name == "debug") return log::Level::Debug;
  if (name == "warn") return log::Level::Warn;
  if (name == "error") return log::Level::Error;
  return log::Level::Info;
}

// A descriptor for each container with settings; the usual soft limit of 1024 is for programs that call
// select(2).
void raiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int checkConfig(const std::string& file) {
  auto loaded = config::readNodeConfig(file);
  if (!loaded) {
    std::cerr << loaded.error().message << "\n";
    return kExitConfig;
  }
  std::cout << file << ": " << loaded->policy.classes.size() << " classes, " << loaded->policy.rules.size()
            << " rules\n";
  return kExitOk;
}

int run(AgentOptions options) {
  log::setLevel(levelOf(options.log_level));
  // A peer that hangs up is an error of write(2), not a signal.
  signal(SIGPIPE, SIG_IGN);
  raiseFileLimit();
  // Few threads allocate here; an arena for each of gRPC's would only cost memory.
  mallopt(M_ARENA_MAX, 2);
  if (auto confined = confine(options.sandbox); !confined) {
    std::cerr << "plimsolld: " << confined.error().message << "\n";
    return kExitFailure;
  }
  Started started = Agent::start(std::move(options));
  if (!started.agent) {
    std::cerr << "plimsolld: " << started.message << "\n";
    return started.exit_code;
  }
  started.agent->run();
  return kExitOk;
}

}  // namespace
}  // namespace plimsoll::agent

int main(int argc, char** argv) {
  using namespace plimsoll::agent;
  ParseOutcome parsed = parseCommandLine(argc, argv);
  if (parsed.exit_code >= 0) return parsed.exit_code;
  switch (parsed.line.command) {
    case Command::CheckConfig:
      return checkConfig(parsed.line.file);
    case Command::Release:
      return runRelease(parsed.line.options, parsed.line.release, std::cout, std::cerr);
    case Command::Doctor:
      return runDoctor(parsed.line.options, parsed.line.doctor, std::cout, std::cerr);
    case Command::Connect:
      return runConnect(parsed.line.options.api_socket, std::cerr);
    case Command::Hold:
      return runHold(std::cerr);
    case Command::Expect:
      return runExpect(parsed.line.expected, parsed.line.options.roots.cgroup, std::cout, std::cerr);
    case Command::Version:
      std::cout << "plimsolld " << PLIMSOLL_VERSION << "\n";
      return kExitOk;
    case Command::Run:
      break;
  }
  return run(std::move(parsed.line.options));
}
