#include "cmd/kubectl-plimsoll/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <map>

#include "pkg/model/setting.h"

namespace plimsoll::cli {
namespace {

constexpr std::array<std::string_view, 11> kVerbs = {
    "get", "describe", "explain", "lint", "events", "doctor", "version", "top", "history", "diff", "help"};

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 wrong command line, agent not reachable, not found, or file not readable;\n"
    "2 lint or doctor found an error. diff: 0 none, 1 differences, 2 error.\n"
    "Environment: PLIMSOLL_SOCKET is used where --socket is not given; NO_COLOR switches colours off.";

void addColour(CLI::App* verb, Options& options) {
  static const std::map<std::string, ColourMode> kModes = {
      {"auto", ColourMode::Auto}, {"always", ColourMode::Always}, {"never", ColourMode::Never}};
  verb->add_option("--color", options.colours, "auto, always or never")
      ->transform(CLI::CheckedTransformer(kModes, CLI::ignore_case).description(""));
}

void addOutput(CLI::App* verb, Options& options, std::map<std::string, Output> formats,
               const std::string& help) {
  verb->add_option("-o,--output", options.output, help)
      ->transform(CLI::CheckedTransformer(std::move(formats)).description(""));
}

void addAgent(CLI::App* verb, Options& options) {
  verb->add_option("--socket", options.socket, "the agent's socket")
      ->envname("PLIMSOLL_SOCKET")
      ->capture_default_str();
  verb->add_option("--request-timeout", options.timeout_seconds, "seconds to wait for an answer")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
}

void addSelection(CLI::App* verb, Options& options) {
  verb->add_option("-n,--namespace", options.ns, "namespace of the pods")->capture_default_str();
  verb->add_flag("-A,--all-namespaces", options.all_namespaces, "pods of all namespaces");
}

void addHeaders(CLI::App* verb, Options& options) {
  verb->add_flag("--no-headers", options.no_headers, "leave the headers out");
}

const std::map<std::string, Output> kDocuments = {{"json", Output::Json}, {"yaml", Output::Yaml}};

std::map<std::string, Output> withDocuments(std::map<std::string, Output> more) {
  more.insert(kDocuments.begin(), kDocuments.end());
  return more;
}

void addGet(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("get", "One line per container: class, settings in order, state");
  verb->add_option("NAME", options.names, "pods (\"get nodes\": the node itself)");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  addOutput(verb, options, withDocuments({{"wide", Output::Wide}, {"name", Output::Name}}),
            "wide, json, yaml or name");
  addHeaders(verb, options);
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

void addDescribe(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand(
      "describe", "Each setting's way from the annotation to the kernel, and why they differ");
  verb->add_option("POD", options.names, "pods")->required();
  verb->add_option("-c,--container", options.container, "only this container");
  addOutput(verb, options, withDocuments({{"wide", Output::Wide}}), "wide, json or yaml");
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

void addExplain(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("explain", "What a setting does, takes and needs (works without an agent)");
  verb->add_option("KEY", options.names, "a setting, such as memory.high");
  verb->add_flag("--list", options.list, "all settings");
  addOutput(verb, options, withDocuments({{"wide", Output::Wide}}), "wide, json or yaml");
  addHeaders(verb, options);
  addColour(verb, options);
}

void addLint(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("lint", "Check the annotations in manifests (works without an agent)");
  verb->add_option("-f,--filename", options.files,
                   "file, directory, or - for standard input; may be repeated")
      ->required();
  verb->add_flag("--strict", options.strict, "warnings count as errors");
  addOutput(verb, options, kDocuments, "json or yaml");
  addColour(verb, options);
}

void addEvents(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("events", "What the agent decided and did");
  verb->add_flag("-w,--watch", options.watch, "go on with new events");
  verb->add_option("--for", options.for_object, "only of this pod: pod/NAME");
  addOutput(verb, options, kDocuments, "json or yaml");
  addHeaders(verb, options);
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

void addDoctor(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("doctor", "Check that this node can do what Plimsoll needs");
  verb->add_flag("--local", options.local,
                 "check the node this runs on (in this version the only way, and the default)");
  verb->add_option("--root", options.root, "where the host's file system is")->capture_default_str();
  addOutput(verb, options, kDocuments, "json or yaml");
  addAgent(verb, options);
  addColour(verb, options);
}

void addHistory(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("history", "What was changed for a pod, and put back: its journal");
  verb->add_option("POD", options.names, "a pod; without it all of the namespace")->expected(0, 1);
  verb->add_option("-c,--container", options.container, "only this container");
  verb->add_option("--limit", options.limit, "the newest so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  addOutput(verb, options, withDocuments({{"wide", Output::Wide}}), "wide, json or yaml");
  addHeaders(verb, options);
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

void addDiff(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("diff", "Desired against actual: exit code 0 none, 1 differences, 2 error");
  verb->add_option("POD", options.names, "pods; without them all of the namespace");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  verb->add_option("-c,--container", options.container, "only this container");
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

void addVersion(CLI::App& app, Options& options) {
  CLI::App* verb = app.add_subcommand("version", "The versions of this plugin and of the agent");
  verb->add_flag("--client", options.client_only, "only of this plugin");
  addOutput(verb, options, kDocuments, "json or yaml");
  addAgent(verb, options);
}

void addTop(CLI::App& app, Options& options) {
  CLI::App* verb =
      app.add_subcommand("top", "Throttling, pressure, memory and events of containers with settings");
  verb->add_option("POD", options.names, "pods");
  verb->add_option("-l,--selector", options.selector, "label selector over the pods' labels");
  verb->add_option("--sort-by", options.sort_by,
                   "name, throttled, cpu-psi, mem-psi, io-psi, memory, pids or kills")
      ->check(CLI::IsMember({"name", "throttled", "cpu-psi", "mem-psi", "io-psi", "memory", "pids", "kills"})
                  .description(""))
      ->capture_default_str();
  verb->add_flag("--traffic", options.traffic,
                 "what the traffic programs counted instead: class, limits, bytes, drops, marks");
  verb->add_flag("-w,--watch", options.watch, "look again and again");
  verb->add_option("--interval", options.interval_seconds,
                   "seconds between two looks (the agent reads anew every 5)")
      ->check(CLI::Range(1, 3600).description(""))
      ->capture_default_str();
  addOutput(verb, options, withDocuments({{"wide", Output::Wide}}), "wide, json or yaml");
  addHeaders(verb, options);
  addSelection(verb, options);
  addAgent(verb, options);
  addColour(verb, options);
}

std::string quotedNear(std::string_view word) {
  const auto near = model::nearest(word, kVerbs);
  return near ? "; did you mean \"" + std::string(*near) + "\"?" : "";
}

}  // namespace

std::string programName(std::string_view argv0) {
  const std::string_view name = argv0.substr(argv0.rfind('/') + 1);
  return name.starts_with("kubectl-") ? "kubectl " + std::string(name.substr(8)) : std::string(name);
}

ParseOutcome parseCommandLine(int argc, const char* const* argv) {
  ParseOutcome outcome;
  Options& options = outcome.options;
  const std::string name = programName(argc > 0 ? argv[0] : "kubectl-plimsoll");
  CLI::App app{"Shows what containers asked of the kernel, what they got, and why the two differ", name};
  app.footer(kFooter);
  addGet(app, options);
  addDescribe(app, options);
  addExplain(app, options);
  addLint(app, options);
  addEvents(app, options);
  addDoctor(app, options);
  addVersion(app, options);
  addTop(app, options);
  addHistory(app, options);
  addDiff(app, options);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);

  const bool has_verb = argc > 1 && argv[1][0] != '-';
  if (has_verb && std::find(kVerbs.begin(), kVerbs.end(), argv[1]) == kVerbs.end()) {
    std::cerr << "error: unknown command " << quoted(argv[1]) << quotedNear(argv[1]) << "\nRun '" << name
              << " --help' for usage.\n";
    outcome.exit_code = kExitError;
    return outcome;
  }
  if (argc < 2 || (has_verb && std::string_view(argv[1]) == "help")) {
    std::cout << app.help();
    outcome.exit_code = argc < 2 ? kExitError : kExitOk;
    return outcome;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    std::cout << (chosen.empty() ? app.help() : chosen.front()->help(name)) << "\n";
    outcome.exit_code = kExitOk;
    return outcome;
  } catch (const CLI::ParseError& error) {
    std::cerr << "error: " << printable(error.what()) << "\nRun '" << name << " --help' for usage.\n";
    // 1 would say that there are differences.
    outcome.exit_code = std::string_view(argv[1]) == "diff" ? kExitDiffError : kExitError;
    return outcome;
  }
  const std::string chosen = app.get_subcommands().front()->get_name();
  options.verb = static_cast<Verb>(std::find(kVerbs.begin(), kVerbs.end(), chosen) - kVerbs.begin());
  return outcome;
}

}  // namespace plimsoll::cli
