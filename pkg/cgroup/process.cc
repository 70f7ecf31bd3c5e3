#include "pkg/cgroup/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "pkg/base/parse.h"
#include "pkg/cgroup/path.h"
#include "pkg/sys/file.h"

namespace plimsoll::cgroup {
namespace {

struct RlimitName {
  std::string_view name;
  int number;
};
constexpr RlimitName kRlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},         {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},     {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},     {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_STACK", RLIMIT_STACK},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
};

constexpr std::string_view kScoreFile = "oom_score_adj";

std::string nameOf(pid_t pid) { return "process " + std::to_string(pid); }

// Whether the numbers in `proc` are those that our system calls take: there /proc/self is us.
bool isOwnNamespace(const std::string& proc) {
  char target[32];
  const ssize_t n = readlink((proc + "/self").c_str(), target, sizeof target);
  return n > 0 && std::string_view(target, static_cast<size_t>(n)) == std::to_string(getpid());
}

base::UniqueFd openPidfd(pid_t pid) {
  return base::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

rlim_t toKernel(int64_t value) { return value == model::kMax ? RLIM_INFINITY : static_cast<rlim_t>(value); }
int64_t fromKernel(rlim_t value) {
  return value >= static_cast<rlim_t>(model::kMax) ? model::kMax : static_cast<int64_t>(value);
}

}  // namespace

std::optional<int> rlimitNumber(std::string_view oci_name) {
  for (const RlimitName& entry : kRlimits) {
    if (entry.name == oci_name) return entry.number;
  }
  return std::nullopt;
}

Result<Process> Process::open(const sys::HostRoots& roots, pid_t pid, std::string_view cgroup_path) {
  if (pid <= 0) return base::invalidArgument(std::to_string(pid) + " is not a process");
  ASSIGN_OR_RETURN(base::UniqueFd dir, sys::openDir(roots.proc + "/" + std::to_string(pid)));
  base::UniqueFd pidfd;
  if (isOwnNamespace(roots.proc)) {
    pidfd = openPidfd(pid);
    if (!pidfd.valid()) return base::errnoError(errno, "open " + nameOf(pid));
  }
  // Read after both were opened: that it can be read shows that the process still has the number, and so that
  // both mean the same process.
  ASSIGN_OR_RETURN(const std::string text, sys::readAt(dir.get(), "cgroup"));
  ASSIGN_OR_RETURN(const ProcCgroup found, parseProcCgroup(text));
  if (!isMember(found, cgroup_path)) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       nameOf(pid) + " is in cgroup " + found.path + ", not in " + std::string(cgroup_path));
  }
  return Process(std::move(dir), std::move(pidfd), pid);
}

Result<int> Process::oomScoreAdj() const {
  ASSIGN_OR_RETURN(const std::string text, sys::readAt(dir_.get(), std::string(kScoreFile)));
  const auto value = base::parseInt<int>(base::trim(text));
  if (!value)
    return base::error(base::ErrorCode::Internal, "oom_score_adj of " + nameOf(pid_) + " is no number");
  return *value;
}

Status Process::setOomScoreAdj(int value) const {
  Status status = sys::writeAt(dir_.get(), std::string(kScoreFile), {std::to_string(value)});
  if (!status) {
    status.error().message = nameOf(pid_) + ": " + status.error().message;
    if (status.error().sys_errno == EACCES)
      status.error().message += " (a lower value needs CAP_SYS_RESOURCE)";
  }
  return status;
}

Status Process::stillTheSame() const {
  if (!pidfd_.valid()) {
    return base::error(base::ErrorCode::Unimplemented,
                       "limits and scheduling of processes need the host's PID namespace (hostPID)");
  }
  // ESRCH once the process is reaped, which is before its number can be given away.
  if (syscall(SYS_pidfd_send_signal, pidfd_.get(), 0, nullptr, 0) != 0 && errno == ESRCH) {
    return base::errnoError(ESRCH, nameOf(pid_));
  }
  return base::ok();
}

Result<model::Rlimit> Process::rlimit(int resource) const {
  RETURN_IF_ERROR(stillTheSame());
  struct rlimit limit {};
  if (prlimit(pid_, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0) {
    return base::errnoError(errno, "read a limit of " + nameOf(pid_));
  }
  RETURN_IF_ERROR(stillTheSame());
  return model::Rlimit{fromKernel(limit.rlim_cur), fromKernel(limit.rlim_max)};
}

Status Process::setRlimit(int resource, const model::Rlimit& limit) const {
  RETURN_IF_ERROR(stillTheSame());
  const struct rlimit wanted { toKernel(limit.soft), toKernel(limit.hard) };
  if (prlimit(pid_, static_cast<__rlimit_resource>(resource), &wanted, nullptr) != 0) {
    auto failed = base::errnoError(errno, "set a limit of " + nameOf(pid_));
    if (failed.value().sys_errno == EPERM)
      failed.value().message += " (a higher hard limit needs CAP_SYS_RESOURCE)";
    return failed;
  }
  return stillTheSame();
}

Status Process::forEachThread(const std::function<Status(pid_t tid)>& visit) const {
  RETURN_IF_ERROR(stillTheSame());
  const base::UniqueFd task(openat(dir_.get(), "task", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!task.valid()) return base::errnoError(errno, "open the threads of " + nameOf(pid_));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, sys::listAt(task.get(), sys::Entries::Directories));
  Status first;
  for (const std::string& name : names) {
    const auto tid = base::parseInt<pid_t>(name);
    const base::UniqueFd thread(
        openat(task.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!tid || !thread.valid()) continue;
    Status status = visit(*tid);
    // The thread lives, so its number was nobody else's during the visit.
    if (!sys::readAt(thread.get(), "comm")) continue;
    if (!status && !status.error().isGone() && first) first = std::move(status);
  }
  return first;
}

}  // namespace plimsoll::cgroup
