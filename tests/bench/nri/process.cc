#include "tests/bench/nri/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace plimsoll::bench {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The number after "Key:" of a status file; 0 if there is none.
uint64_t statusField(const std::string& text, const std::string& key) {
  size_t at = text.find("\n" + key + ":");
  if (at == std::string::npos) return 0;
  return strtoull(text.c_str() + at + key.size() + 2, nullptr, 10);
}

}  // namespace

base::Result<Process> Process::start(std::string command, const std::string& socket) {
  if (size_t at = command.find("{socket}"); at != std::string::npos) command.replace(at, 8, socket);
  command = "exec " + command;
  pid_t pid = fork();
  if (pid < 0) return base::errnoError(errno, "fork");
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  return Process(pid);
}

Process::~Process() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

base::Result<Usage> Process::usage() const {
  std::filesystem::path proc = "/proc/" + std::to_string(pid_);
  Usage usage;
  usage.rss_kib = statusField(contents(proc / "status"), "VmRSS");
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(proc / "task", error)) {
    usage.wakeups += statusField(contents(task.path() / "status"), "voluntary_ctxt_switches");
    std::istringstream times(contents(task.path() / "schedstat"));
    uint64_t ran = 0;
    times >> ran;
    usage.cpu += std::chrono::nanoseconds(ran);
  }
  if (error || usage.rss_kib == 0) return base::error(base::ErrorCode::NotFound, "the plugin has ended");
  return usage;
}

}  // namespace plimsoll::bench
