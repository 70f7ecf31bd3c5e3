// kubectl-plimsoll: inspection of what plimsolld does on a node. docs/kubectl-plimsoll.md.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "cmd/kubectl-plimsoll/options.h"
#include "cmd/kubectl-plimsoll/verbs.h"

int main(int argc, char** argv) {
  using namespace plimsoll::cli;
  const ParseOutcome outcome = parseCommandLine(argc, argv);
  if (outcome.exit_code >= 0) return outcome.exit_code;
  const bool colours = useColours(outcome.options.colours, ::isatty(STDOUT_FILENO) == 1,
                                  std::getenv("NO_COLOR"), std::getenv("TERM"));
  const int exit_code = run(outcome.options, {std::cin, std::cout, std::cerr, colours});
  std::cout.flush();
  return exit_code;
}
