#include "cmd/kubectl-plimsoll/command_line.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace plimsoll::cli {
namespace {

template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 wrong command line, no agent reachable, not found, or file not readable;\n"
    "2 lint or doctor found an error; 3 some nodes did not answer. diff: 0 none, 1 differences, 2 error.\n"
    "Environment: PLIMSOLL_SOCKET and PLIMSOLL_KUBECTL are used where --socket or --kubectl is not given;\n"
    "NO_COLOR switches colours off.";

// The words that an option takes stand where its type does: in the help, the manual and the completion.
template <typename Value>
void addChoice(CLI::App* verb, const std::string& names, Value& value, const Words<Value>& words,
               const std::string& help) {
  std::string list;
  for (const auto& [word, meaning] : words) list += (list.empty() ? "" : "|") + word;
  verb->add_option(names, value, help)
      ->transform(CLI::CheckedTransformer(words).description(""))
      ->type_name(list);
}

void addWord(CLI::Option* option, const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : "|") + word;
  option->check(CLI::IsMember(words).description(""))->type_name(list);
}

void addColour(CLI::App* verb, Options& options) {
  addChoice(verb, "--color", options.colours,
            {{"auto", ColourMode::Auto}, {"always", ColourMode::Always}, {"never", ColourMode::Never}},
            "colours: on a terminal, always or never");
}

void addOutput(CLI::App* verb, Options& options, const Words<Output>& more) {
  Words<Output> words = more;
  words.insert(words.end(), {{"json", Output::Json}, {"yaml", Output::Yaml}});
  addChoice(verb, "-o,--output", options.output, words, "another form than the usual");
}

// kubectl's own options, given on to it as they are.
void addPassedOn(CLI::App* verb, Options& options) {
  constexpr std::pair<const char*, const char*> kFlags[] = {
      {"context", "kubectl's context"}, {"cluster", "kubectl's cluster"},
      {"user", "kubectl's user"},       {"kubeconfig", "kubectl's configuration file"},
      {"as", "user to impersonate"},    {"as-group", "group to impersonate; may be repeated"}};
  for (const auto& [name, help] : kFlags) {
    const std::string flag = "--" + std::string(name);
    verb->add_option_function<std::vector<std::string>>(
            flag,
            [&options, flag](const std::vector<std::string>& values) {
              for (const std::string& value : values) options.kubectl_flags.push_back(flag + "=" + value);
            },
            help)
        ->allow_extra_args(false);
  }
}

void addAgents(CLI::App* verb, Options& options) {
  verb->add_option("--socket", options.socket, "the socket of this machine's agent, instead of the cluster");
  addChoice(verb, "--via", options.way,
            {{"auto", Way::Auto}, {"socket", Way::Socket}, {"kubectl", Way::Kubectl}},
            "how the agents are reached");
  verb->add_option("--request-timeout", options.timeout_seconds, "seconds to wait for an answer")
      ->check(CLI::Range(0.1, 3600.0).description(""))
      ->type_name("SECONDS")
      ->capture_default_str();
  verb->add_option("--node", options.nodes, "only the agents of these nodes; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--agent-namespace", options.agent_namespace, "where the agents run (all namespaces)");
  verb->add_option("--parallel", options.parallel, "nodes to ask at once")
      ->check(CLI::Range(1, 64).description(""))
      ->type_name("NUMBER")
      ->capture_default_str();
  verb->add_option("--kubectl", options.kubectl, "the kubectl to use")
      ->envname("PLIMSOLL_KUBECTL")
      ->capture_default_str();
  addPassedOn(verb, options);
}

void addSelection(CLI::App* verb, Options& options) {
  verb->add_option("-n,--namespace", options.ns, "namespace of the pods (that of kubectl's context)");
  verb->add_flag("-A,--all-namespaces", options.all_namespaces, "pods of all namespaces");
}

void addHeaders(CLI::App* verb, Options& options) {
  verb->add_flag("--no-headers", options.no_headers, "leave the headers out");
}

// What every verb has that asks agents of pods.
void addPodVerb(CLI::App* verb, Options& options) {
  addSelection(verb, options);
  addAgents(verb, options);
  addColour(verb, options);
}

void addGet(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("get", "One line per container: class, settings in order, state");
  verb->add_option("NAME", options.names, "pods (\"get nodes\": the nodes themselves)");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  addOutput(verb, options, {{"wide", Output::Wide}, {"name", Output::Name}});
  addHeaders(verb, options);
  addPodVerb(verb, options);
}

void addDescribe(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "describe", "Each setting's way from the annotation to the kernel, and why they differ");
  verb->add_option("POD", options.names, "pods")->required();
  verb->add_option("-c,--container", options.container, "only this container");
  addOutput(verb, options, {{"wide", Output::Wide}});
  addPodVerb(verb, options);
}

void addExplain(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("explain", "What a setting does, takes and needs (works without an agent)");
  verb->add_option("KEY", options.names, "a setting, such as memory.high");
  verb->add_flag("--list", options.list, "all settings");
  addOutput(verb, options, {{"wide", Output::Wide}});
  addHeaders(verb, options);
  addColour(verb, options);
}

void addFiles(CLI::App* verb, Options& options) {
  verb->add_option("-f,--filename", options.files,
                   "file, directory, or - for standard input; may be repeated")
      ->required();
}

void addLint(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("lint", "Check the annotations in manifests (works without an agent)");
  addFiles(verb, options);
  verb->add_flag("--strict", options.strict, "warnings count as errors");
  addOutput(verb, options, {});
  addColour(verb, options);
}

void addSimulate(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "simulate", "What a node's configuration would make of a manifest's pods; changes nothing");
  addFiles(verb, options);
  verb->add_option("-n,--namespace", options.ns, "namespace of objects that name none");
  addOutput(verb, options, {});
  addAgents(verb, options);
  addColour(verb, options);
}

void addEvents(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("events", "What the agent decided and did");
  verb->add_flag("-w,--watch", options.watch, "go on with new events");
  verb->add_option("--for", options.for_object, "only of this pod: pod/NAME");
  addOutput(verb, options, {{"wide", Output::Wide}});
  addHeaders(verb, options);
  addPodVerb(verb, options);
}

void addDoctor(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("doctor", "Check that nodes can do what Plimsoll needs");
  verb->add_flag("--local", options.local, "check the machine this runs on, and its agent");
  verb->add_option("--root", options.root, "where the host's file system is")->capture_default_str();
  addOutput(verb, options, {});
  addAgents(verb, options);
  addColour(verb, options);
}

void addHistory(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("history", "What was changed for a pod, and put back: its journal");
  verb->add_option("POD", options.names, "a pod; without it all of the namespace")->expected(0, 1);
  verb->add_option("-c,--container", options.container, "only this container");
  verb->add_option("--limit", options.limit, "the newest so many")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("NUMBER")
      ->capture_default_str();
  addOutput(verb, options, {{"wide", Output::Wide}});
  addHeaders(verb, options);
  addPodVerb(verb, options);
}

void addDiff(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("diff", "Desired against actual: exit code 0 none, 1 differences, 2 error");
  verb->add_option("POD", options.names, "pods; without them all of the namespace");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  verb->add_option("-c,--container", options.container, "only this container");
  addPodVerb(verb, options);
}

void addTop(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("top", "Throttling, pressure, memory and events of containers with settings");
  verb->add_option("POD", options.names, "pods");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  addWord(verb->add_option("--sort-by", options.sort_by, "order, descending but for the name"),
          {"name", "throttled", "cpu-psi", "mem-psi", "io-psi", "memory", "pids", "kills"});
  verb->add_flag("--traffic", options.traffic,
                 "what the traffic programs counted instead: class, limits, bytes, drops, marks");
  verb->add_flag("-w,--watch", options.watch, "look again and again");
  verb->add_option("--interval", options.interval_seconds,
                   "seconds between two looks (the agent reads anew every 5)")
      ->check(CLI::Range(1, 3600).description(""))
      ->type_name("SECONDS")
      ->capture_default_str();
  addOutput(verb, options, {{"wide", Output::Wide}});
  addHeaders(verb, options);
  addPodVerb(verb, options);
}

void addTree(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("tree", "The cgroups of a pod and all above it, and which limit of them binds");
  verb->add_option("POD", options.names, "pods")->required();
  verb->add_flag("--ascii", options.ascii, "draw with ASCII only");
  addOutput(verb, options, {});
  verb->add_option("-n,--namespace", options.ns, "namespace of the pods (that of kubectl's context)");
  addAgents(verb, options);
  addColour(verb, options);
}

void addTopology(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("topology", "NUMA nodes, cores and caches, and who may use which of them");
  verb->add_option("NODE", options.nodes, "nodes; without them all");
  addOutput(verb, options, {});
  addAgents(verb, options);
  addColour(verb, options);
}

void addBundle(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("bundle", "One archive with what a bug report needs");
  verb->add_option("-f,--filename", options.file,
                   "the file to write (plimsoll-bundle-TIME.tar), - for standard output");
  addAgents(verb, options);
}

void addVersion(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("version", "The versions of this plugin and of the agents");
  verb->add_flag("--client", options.client_only, "only of this plugin");
  addOutput(verb, options, {});
  addAgents(verb, options);
}

void addCompletion(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("completion", "Prints a script that completes command lines in a shell");
  addWord(verb->add_option("SHELL", options.names, "the shell; kubectl: for kubectl's own completion")
              ->required()
              ->expected(1),
          {"bash", "zsh", "fish", "kubectl"});
}

// What the scripts of `completion` call.
void addComplete(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("__complete", "")->group("");
  verb->prefix_command();
  verb->callback([verb, &options] { options.names = verb->remaining(); });
}

void addMan(CLI::App& app, Options&) { app.add_subcommand("man", "Prints the manual page"); }

constexpr VerbRow kTable[] = {{"get", Verb::Get, addGet},
                              {"describe", Verb::Describe, addDescribe},
                              {"explain", Verb::Explain, addExplain},
                              {"lint", Verb::Lint, addLint},
                              {"simulate", Verb::Simulate, addSimulate},
                              {"events", Verb::Events, addEvents},
                              {"history", Verb::History, addHistory},
                              {"diff", Verb::Diff, addDiff},
                              {"top", Verb::Top, addTop},
                              {"tree", Verb::Tree, addTree},
                              {"topology", Verb::Topology, addTopology},
                              {"doctor", Verb::Doctor, addDoctor},
                              {"bundle", Verb::Bundle, addBundle},
                              {"version", Verb::Version, addVersion},
                              {"completion", Verb::Completion, addCompletion},
                              {"man", Verb::Man, addMan},
                              {"__complete", Verb::Complete, addComplete, true}};

}  // namespace

std::span<const VerbRow> verbTable() { return kTable; }

const VerbRow* findVerb(std::string_view name) {
  const auto* row = std::find_if(std::begin(kTable), std::end(kTable),
                                 [&](const VerbRow& each) { return each.name == name; });
  return row == std::end(kTable) ? nullptr : row;
}

std::unique_ptr<CLI::App> makeApp(Options& options, const std::string& name) {
  auto app = std::make_unique<CLI::App>(
      "Shows what containers asked of the kernel, what they got, and why the two differ", name);
  app->footer(kFooter);
  for (const VerbRow& row : kTable) row.add(*app, options);
  app->require_subcommand(1);
  app->get_formatter()->column_width(34);
  return app;
}

}  // namespace plimsoll::cli
