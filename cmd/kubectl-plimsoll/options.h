// The plugin's command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/kubectl-plimsoll/text.h"

namespace plimsoll::cli {

// Exit codes, as documented in --help and docs/kubectl-plimsoll.md.
constexpr int kExitOk = 0;
constexpr int kExitError =
    1;  // wrong command line, agent not reachable, nothing of that name, file not readable
constexpr int kExitFindings = 2;  // lint or doctor found an error
constexpr int kExitPartial = 3;   // some nodes did not answer; what others said is printed
// diff, as kubectl's: 1 where there are differences, more where something went wrong.
constexpr int kExitDifferences = 1;
constexpr int kExitDiffError = 2;

enum class Verb {
  Get,
  Describe,
  Explain,
  Lint,
  Simulate,
  Events,
  History,
  Diff,
  Top,
  Tree,
  Topology,
  Doctor,
  Bundle,
  Version,
  Completion,
  Man,
  Complete
};
enum class Output { Table, Wide, Json, Yaml, Name };
// How the agents are reached.
enum class Way { Auto, Socket, Kubectl };

constexpr const char* kDefaultSocket = "/run/plimsoll/plimsoll.sock";

struct Options {
  Verb verb = Verb::Get;

  Way way = Way::Auto;
  std::string socket;  // empty: none was named
  double timeout_seconds = 10;
  std::string kubectl = "kubectl";
  std::vector<std::string> kubectl_flags;  // "--context=x", passed through
  std::string agent_namespace;             // empty: wherever they are
  std::vector<std::string> nodes;          // empty: those that host the pods
  int parallel = 8;

  Output output = Output::Table;
  ColourMode colours = ColourMode::Auto;
  bool no_headers = false;

  std::string ns;  // empty: that of kubectl's context, else "default"
  bool all_namespaces = false;
  std::string selector;
  std::string container;           // describe, history, diff
  std::vector<std::string> names;  // get, describe, top: pods; explain: the key; completion: the shell
  bool list = false;               // explain
  std::vector<std::string> files;  // lint, simulate
  bool strict = false;             // lint: warnings count as errors
  bool watch = false;              // events, top
  int interval_seconds = 5;        // top -w
  std::string sort_by = "name";    // top
  bool traffic = false;            // top
  std::string for_object;          // events: "pod/web-0"
  int limit = 1000;                // history
  bool client_only = false;        // version
  bool local = false;              // doctor
  std::string root = "/";          // doctor
  std::string file;                // bundle: what to write; empty: a name with the time
  bool ascii = false;              // tree
};

// "kubectl plimsoll" when started as kubectl's plugin (argv[0] "kubectl-plimsoll"), else the name it was
// started by.
std::string programName(std::string_view argv0);

// When help was asked for or the line is wrong it prints and gives the exit code instead.
struct ParseOutcome {
  Options options;
  int exit_code = -1;  // -1: go on
};
ParseOutcome parseCommandLine(int argc, const char* const* argv);

}  // namespace plimsoll::cli
