#include "pkg/sandbox/sandbox.h"

#include <dirent.h>
#include <sys/prctl.h>

#include <cerrno>
#include <memory>

namespace plimsoll::sandbox {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

// 0: cannot be told, as where /proc is not mounted.
int countThreads() {
  std::unique_ptr<DIR, DirCloser> tasks(opendir("/proc/self/task"));
  int count = 0;
  while (tasks && readdir(tasks.get())) ++count;
  return count > 2 ? count - 2 : 0;  // without "." and ".."
}

std::vector<std::string> allProfiles() {
  std::vector<std::string> names;
  for (std::string_view name : profileNames()) names.emplace_back(name);
  return names;
}

std::vector<std::string> lackingSentences(const std::vector<std::string>& names, CapabilitySet missing) {
  std::vector<std::string> sentences;
  for (const std::string& name : names) {
    for (const CapabilityReason& reason : findProfile(name)->capabilities) {
      if (!missing.has(reason.capability)) continue;
      sentences.push_back("no CAP_" + capabilityName(reason.capability) + " (profile " + name +
                          "), so not: " + std::string(reason.without));
    }
  }
  return sentences;
}

}  // namespace

Result<Inside> enter(const Options& options) {
  if (countThreads() > 1) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       "capabilities belong to each thread, and there are other threads already");
  }
  bool named = !options.profiles.empty();
  const std::vector<std::string> names = named ? options.profiles : allProfiles();
  ASSIGN_OR_RETURN(Needs needs, needsOf(names));
  ASSIGN_OR_RETURN(ThreadCapabilities have, threadCapabilities());
  Inside inside;
  inside.kept = needs.capabilities & have.permitted;
  if (named) inside.missing = needs.capabilities.without(have.permitted);
  inside.lacking = lackingSentences(names, inside.missing);
  RETURN_IF_ERROR(reduceTo(inside.kept));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return base::errnoError(errno, "set no_new_privs");
  Status filtered = installFilter(needs.syscalls, options.seccomp);
  if (filtered) {
    inside.seccomp = options.seccomp;
  } else {
    inside.seccomp_problem = filtered.error().message;
  }
  return inside;
}

Result<SeccompMode> seccompModeOf(std::string_view name) {
  for (SeccompMode mode : {SeccompMode::Off, SeccompMode::Log, SeccompMode::Enforce}) {
    if (toString(mode) == name) return mode;
  }
  return base::invalidArgument("seccomp mode \"" + std::string(name) + "\" must be off, log or enforce");
}

std::string_view toString(SeccompMode mode) {
  switch (mode) {
    case SeccompMode::Off:
      return "off";
    case SeccompMode::Log:
      return "log";
    case SeccompMode::Enforce:
      return "enforce";
  }
  return "off";
}

}  // namespace plimsoll::sandbox
