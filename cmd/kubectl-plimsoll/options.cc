#include "cmd/kubectl-plimsoll/options.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cmd/kubectl-plimsoll/command_line.h"
#include "pkg/model/setting.h"

namespace plimsoll::cli {
namespace {

std::string quotedNear(std::string_view word) {
  std::vector<std::string_view> names = {"help"};
  for (const VerbRow& row : verbTable()) names.push_back(row.name);
  const auto near = model::nearest(word, names);
  return near ? "; did you mean \"" + std::string(*near) + "\"?" : "";
}

ParseOutcome unknownVerb(const std::string& word, const std::string& name) {
  std::cerr << "error: unknown command " << quoted(word) << quotedNear(word) << "\nRun '" << name
            << " --help' for usage.\n";
  return {{}, kExitError};
}

// What the command line says wins over the environment.
void useEnvironment(Options& options) {
  const char* socket = std::getenv("PLIMSOLL_SOCKET");
  const bool wants_cluster = options.way == Way::Kubectl || !options.kubectl_flags.empty();
  if (options.socket.empty() && !wants_cluster && socket != nullptr) options.socket = socket;
}

}  // namespace

std::string programName(std::string_view argv0) {
  const std::string_view name = argv0.substr(argv0.rfind('/') + 1);
  return name.starts_with("kubectl-") ? "kubectl " + std::string(name.substr(8)) : std::string(name);
}

ParseOutcome parseCommandLine(int argc, const char* const* argv) {
  ParseOutcome outcome;
  const std::string name = programName(argc > 0 ? argv[0] : "kubectl-plimsoll");
  const auto app = makeApp(outcome.options, name);
  const std::string_view word = argc > 1 ? argv[1] : "";
  const bool has_verb = !word.empty() && word.front() != '-';
  if (has_verb && word != "help" && findVerb(word) == nullptr) return unknownVerb(argv[1], name);
  if (argc < 2 || word == "help") {
    std::cout << app->help();
    outcome.exit_code = argc < 2 ? kExitError : kExitOk;
    return outcome;
  }
  try {
    app->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app->get_subcommands();
    std::cout << (chosen.empty() ? app->help() : chosen.front()->help(name)) << "\n";
    outcome.exit_code = kExitOk;
    return outcome;
  } catch (const CLI::ParseError& error) {
    std::cerr << "error: " << printable(error.what()) << "\nRun '" << name << " --help' for usage.\n";
    // 1 would say that there are differences.
    outcome.exit_code = word == "diff" ? kExitDiffError : kExitError;
    return outcome;
  }
  outcome.options.verb = findVerb(app->get_subcommands().front()->get_name())->verb;
  useEnvironment(outcome.options);
  return outcome;
}

}  // namespace plimsoll::cli
