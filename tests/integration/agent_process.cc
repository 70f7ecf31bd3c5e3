#include "tests/integration/agent_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include "pkg/base/unique_fd.h"

namespace plimsoll::integration {
namespace {

pid_t spawn(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t pid = 0;
  int failed = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

int waitFor(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Finished runProgram(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  base::UniqueFd reader(ends[0]), writer(ends[1]);
  pid_t pid = spawn(arguments, writer.get());
  writer.reset();
  Finished finished;
  std::array<char, 4096> chunk;
  for (ssize_t n; (n = read(reader.get(), chunk.data(), chunk.size())) > 0;) {
    finished.output.append(chunk.data(), static_cast<size_t>(n));
  }
  finished.exit_code = pid > 0 ? waitFor(pid) : -1;
  return finished;
}

bool eventually(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

namespace {

// Elsewhere than where it was built, in the virtual machine.
std::string program(const char* variable, const char* built) {
  const char* other = getenv(variable);
  return other ? other : built;
}

}  // namespace

AgentProcess::AgentProcess(sys::HostRoots roots, std::string directory)
    : roots_(std::move(roots)), directory_(std::move(directory)) {}

AgentProcess::~AgentProcess() {
  if (pid_ > 0) stop(SIGKILL);
}

std::vector<std::string> AgentProcess::arguments() const {
  std::vector<std::string> arguments = {program("PLIMSOLLD", PLIMSOLLD),
                                        "--nri-socket=" + nriSocket(),
                                        "--api-socket=" + apiSocket(),
                                        "--http-address=" + (http_ ? httpSocket() : "off"),
                                        "--state-dir=" + stateDirectory(),
                                        "--cgroup-root=" + roots_.cgroup,
                                        "--proc-root=" + roots_.proc,
                                        "--sys-root=" + roots_.sys,
                                        "--bpffs=" + bpffs_,
                                        "--sweep-seconds=1"};
  if (!profile_.empty()) arguments.push_back("--security-profile=" + profile_);
  if (!cri_socket_.empty()) arguments.push_back("--cri-socket=" + cri_socket_);
  if (std::ifstream(configFile())) arguments.push_back("--config=" + configFile());
  return arguments;
}

void AgentProcess::start() {
  base::UniqueFd out(open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  pid_ = spawn(arguments(), out.get());
}

int AgentProcess::stop(int signal) {
  kill(pid_, signal);
  int code = waitFor(pid_);
  pid_ = 0;
  return code;
}

std::string AgentProcess::log() const {
  std::ifstream in(directory_ + "/log");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Finished AgentProcess::kubectl(std::vector<std::string> arguments) const {
  std::vector<std::string> all = {KUBECTL_PLIMSOLL};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.push_back("--socket=" + apiSocket());
  return runProgram(all);
}

}  // namespace plimsoll::integration
