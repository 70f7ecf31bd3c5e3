#include "cmd/plimsolld/confinement.h"

#include "pkg/base/log.h"

namespace plimsoll::agent {

namespace log = base::log;

void addSandboxOptions(CLI::App& app, sandbox::Options& options) {
  std::vector<std::string> names;
  for (std::string_view name : sandbox::profileNames()) names.emplace_back(name);
  app.add_option(
         "--security-profile", options.profiles,
         "what to keep the capabilities and system calls for, comma-separated; default: everything that "
         "this process was given")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  app.add_option_function<std::string>(
         "--seccomp",
         [&options](const std::string& name) { options.seccomp = *sandbox::seccompModeOf(name); },
         "enforce, log (everything works, the kernel's audit log tells what would not) or off")
      ->check(CLI::IsMember({"enforce", "log", "off"}))
      ->default_str(std::string(sandbox::toString(options.seccomp)));
}

base::Status confine(const sandbox::Options& options) {
  ASSIGN_OR_RETURN(sandbox::Inside inside, sandbox::enter(options));
  log::info("Confined", {{"capabilities", sandbox::toString(inside.kept)},
                         {"seccomp", sandbox::toString(inside.seccomp)}});
  for (const std::string& sentence : inside.lacking)
    log::warn("Less than the profile asks for", {{"lacking", sentence}});
  if (!inside.seccomp_problem.empty())
    log::warn("No seccomp filter; the agent works without", {{"reason", inside.seccomp_problem}});
  return base::ok();
}

}  // namespace plimsoll::agent
