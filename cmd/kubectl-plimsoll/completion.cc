// completion and __complete: scripts for shells, and what they ask: which words could stand here.
//
// The answer is kubectl's own form for plug-ins (and cobra's): a candidate in each line, after a tab what it
// is, and at last ":4" (nothing else fits) or ":0" (file names fit).
#include <algorithm>
#include <chrono>
#include <ostream>

#include "cmd/kubectl-plimsoll/cluster.h"
#include "cmd/kubectl-plimsoll/command_line.h"
#include "cmd/kubectl-plimsoll/kubectl.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "pkg/model/setting.h"

namespace plimsoll::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kBash = R"(# bash completion for kubectl-plimsoll
_kubectl_plimsoll() {
  local lines line
  COMPREPLY=()
  mapfile -t lines < <(kubectl-plimsoll __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "${lines[@]}"; do
    case "$line" in
      :0) compopt -o default ;;
      :*) ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done
}
complete -F _kubectl_plimsoll kubectl-plimsoll
)";

constexpr const char* kZsh = R"(#compdef kubectl-plimsoll
_kubectl_plimsoll() {
  local -a lines candidates
  local line
  lines=("${(@f)$(kubectl-plimsoll __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    case "$line" in
      :0) _files ;;
      :*) ;;
      *$'\t'*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) candidates+=("${line//:/\\:}") ;;
    esac
  done
  (( ${#candidates} )) && _describe 'kubectl-plimsoll' candidates
}
compdef _kubectl_plimsoll kubectl-plimsoll
)";

constexpr const char* kFish = R"(# fish completion for kubectl-plimsoll
function __kubectl_plimsoll_complete
  set -l words (commandline -opc) (commandline -ct)
  kubectl-plimsoll __complete $words[2..-1] 2>/dev/null | string match -rv '^:[0-9]+$'
end
complete -c kubectl-plimsoll -f -a '(__kubectl_plimsoll_complete)'
)";

// kubectl looks for a program of the name kubectl_complete-plimsoll on the PATH.
constexpr const char* kKubectl = R"(#!/bin/sh
exec kubectl-plimsoll __complete "$@"
)";

struct Completion {
  Words candidates;  // "name\twhat it is"
  bool files = false;
};

std::string withHelp(std::string name, const std::string& help) {
  return std::move(name) + (help.empty() ? "" : "\t" + help);
}

Completion verbs(const CLI::App& app) {
  Completion out;
  for (const VerbRow& row : verbTable()) {
    if (!row.hidden)
      out.candidates.push_back(
          withHelp(std::string(row.name), app.get_subcommand(std::string(row.name))->get_description()));
  }
  return out;
}

Completion optionsOf(const CLI::App& verb) {
  Completion out;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames())
      out.candidates.push_back(withHelp("--" + name, option->get_description()));
  }
  return out;
}

Words split(const std::string& text, char at) {
  Words words;
  for (size_t from = 0; from <= text.size();) {
    const size_t end = std::min(text.find(at, from), text.size());
    words.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

// Only what is a name reaches the shell.
Words namesOf(const base::Result<std::string>& lines) {
  Words names;
  if (!lines) return names;
  for (const std::string& line : split(*lines, '\n')) {
    if (isObjectName(line)) names.push_back(line);
  }
  return names;
}

Words askCluster(const Options& options, const Words& what) {
  const Kubectl kubectl({options.kubectl, options.kubectl_flags, std::chrono::seconds(3)});
  Words arguments = {"get"};
  arguments.insert(arguments.end(), what.begin(), what.end());
  arguments.insert(arguments.end(), {"--no-headers", "--output=custom-columns=NAME:.metadata.name"});
  return namesOf(kubectl.run(arguments, 4u << 20));
}

Words pods(const Options& options) {
  Words what = {"pods"};
  if (isObjectName(options.ns)) what.push_back("--namespace=" + options.ns);
  return askCluster(options, what);
}

Completion valuesOf(const CLI::Option& option, const Options& options) {
  if (option.check_name("--namespace") || option.check_name("--agent-namespace"))
    return {askCluster(options, {"namespaces"}), false};
  if (option.check_name("--node")) return {askCluster(options, {"nodes"}), false};
  if (option.check_name("--filename") || option.check_name("--kubeconfig") ||
      option.check_name("--kubectl") || option.check_name("--socket"))
    return {{}, true};
  const std::string type = option.get_type_name();
  return {type.find('|') != std::string::npos ? split(type, '|') : Words(), false};
}

Completion argumentsOf(const CLI::App& verb, const Options& options) {
  Completion out;
  const std::string name = verb.get_name();
  if (name == "explain") {
    for (const model::SettingSpec& spec : model::settingsTable())
      out.candidates.push_back(withHelp(std::string(spec.key), std::string(spec.group)));
    return out;
  }
  const CLI::Option* positional = nullptr;
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_positional()) positional = option;
  }
  if (positional == nullptr) return out;
  if (positional->get_type_name().find('|') != std::string::npos) return valuesOf(*positional, options);
  if (name == "topology") return {askCluster(options, {"nodes"}), false};
  out.candidates = pods(options);
  if (name == "get") out.candidates.push_back("nodes");
  return out;
}

// "--output", "=", "js", as bash splits it.
void joinEquals(Words& words) {
  words.erase(std::remove(words.begin(), words.end() - 1, "="), words.end() - 1);
  if (words.back() == "=") words.back().clear();
}

Completion complete(Words words) {
  if (words.empty()) words.emplace_back();
  joinEquals(words);
  Options options;
  const auto app = makeApp(options, "kubectl plimsoll");
  if (words.size() == 1) return verbs(*app);
  const VerbRow* row = findVerb(words.front());
  if (row == nullptr || row->hidden) return {};
  const CLI::App* verb = app->get_subcommand(words.front());
  const std::string& before = words[words.size() - 2];
  const bool after_option = words.size() > 2 && before.starts_with('-');
  try {
    // For the namespace and the context that were given; CLI11 wants the words in reverse.
    Words line(words.rbegin() + (after_option ? 2 : 1), words.rend());
    app->parse(line);
  } catch (const CLI::Error&) {
    // Not complete yet.
  }
  if (after_option) {
    for (const CLI::Option* option : verb->get_options()) {
      if (option->check_name(before) && option->get_items_expected_max() > 0)
        return valuesOf(*option, options);
    }
  }
  return words.back().starts_with('-') ? optionsOf(*verb) : argumentsOf(*verb, options);
}

}  // namespace

int runComplete(const Options& options, Streams streams) {
  Words words = options.names;
  const std::string prefix = words.empty() || words.back() == "=" ? "" : words.back();
  const Completion found = complete(std::move(words));
  for (const std::string& candidate : found.candidates) {
    if (candidate.starts_with(prefix)) streams.out << candidate << "\n";
  }
  streams.out << (found.files ? ":0\n" : ":4\n");
  return kExitOk;
}

int runCompletion(const Options& options, Streams streams) {
  const std::string& shell = options.names.front();
  streams.out << (shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : kKubectl);
  return kExitOk;
}

}  // namespace plimsoll::cli
