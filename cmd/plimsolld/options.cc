#include "cmd/plimsolld/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "cmd/plimsolld/confinement.h"

namespace plimsoll::agent {
namespace {

constexpr std::string_view kFooter =
    "Exit codes: 0 ended by a signal, 1 failure, 2 wrong command line, 3 wrong configuration,\n"
    "4 this host cannot be served (cgroup v1 or hybrid).\n"
    "release: 0 nothing of Plimsoll's is left, 1 something could not be put back, 3 an agent runs.\n"
    "doctor: 0 traffic control can be had here, 1 not.";

void addRunOptions(CLI::App& app, AgentOptions& options) {
  addSandboxOptions(app, options.sandbox);
  app.add_option("--config", options.config, "node configuration (YAML); reloaded when it changes");
  app.add_option("--nri-socket", options.nri_socket, "the runtime's NRI socket")->capture_default_str();
  app.add_option("--nri-name", options.nri_name, "name to register with")->capture_default_str();
  app.add_option("--nri-index", options.nri_index, "two digits; the runtime calls lower ones first")
      ->capture_default_str();
  app.add_option("--cri-socket", options.cri_socket,
                 "the runtime's CRI socket: compares its own list with what NRI told")
      ->capture_default_str();
  app.add_option("--api-socket", options.api_socket, "socket of the agent's gRPC API")->capture_default_str();
  app.add_option("--http-address", options.http_address,
                 "IP:PORT or path of a unix socket for /metrics, /livez and /readyz, or off")
      ->capture_default_str();
  app.add_option("--state-dir", options.state_dir, "directory of the journal of what was changed")
      ->capture_default_str();
  app.add_option("--handover-seconds", options.handover_seconds,
                 "how long to wait for another agent of this node to end, as in an update")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  app.add_option("--cgroup-root", options.roots.cgroup, "the host's cgroup v2 mount")->capture_default_str();
  app.add_option("--proc-root", options.roots.proc, "the host's /proc")->capture_default_str();
  app.add_option("--sys-root", options.roots.sys, "the host's /sys")->capture_default_str();
  app.add_option("--bpffs", options.bpffs, "where bpffs is mounted: what outlives the agent is pinned there")
      ->capture_default_str();
  app.add_option("--sweep-seconds", options.sweep_seconds, "shortest time between looks for foreign changes")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
}

CLI::App* addRelease(CLI::App& app, ReleaseOptions& options) {
  CLI::App* release =
      app.add_subcommand("release", "put back what was changed on this node and is still ours");
  release->add_flag("--dry-run", options.dry_run, "only show what would be put back");
  release
      ->add_option_function<std::string>(
          "-o,--output", [&options](const std::string& format) { options.json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  release->add_option("--wait-seconds", options.wait_seconds, "how long to wait for an agent that still runs")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  release->fallthrough();
  return release;
}

CLI::App* addDoctor(CLI::App& app, DoctorOptions& options) {
  CLI::App* doctor = app.add_subcommand(
      "doctor", "say which traffic control this node will have and what it lacks; changes nothing");
  doctor
      ->add_option_function<std::string>(
          "-o,--output", [&options](const std::string& format) { options.json = format == "json"; },
          "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  doctor->fallthrough();
  return doctor;
}

}  // namespace

ParseOutcome parseCommandLine(int argc, char** argv) {
  ParseOutcome outcome;
  CLI::App app{"plimsolld: sets the kernel for annotated pods, in place before their first instruction"};
  app.footer(std::string(kFooter));
  addRunOptions(app, outcome.line.options);
  CLI::App* check = app.add_subcommand("check-config", "read a configuration, list its mistakes, and end");
  check->add_option("FILE", outcome.line.file)->required();
  CLI::App* release = addRelease(app, outcome.line.release);
  CLI::App* doctor = addDoctor(app, outcome.line.doctor);
  CLI::App* connect = app.add_subcommand(
      "connect", "join standard input and output with the API's socket (for kubectl plimsoll)");
  connect->fallthrough();
  CLI::App* hold = app.add_subcommand("hold", "do nothing until SIGTERM; for pods that must stay");
  CLI::App* expect = app.add_subcommand(
      "expect",
      "within a container: compare files of its own cgroup with FILE=VALUE; 0 all as wanted, 1 not");
  expect->add_option("FILE=VALUE", outcome.line.expected)->required();
  CLI::App* version = app.add_subcommand("version", "print the version");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    outcome.exit_code = app.exit(e, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
    return outcome;
  }
  if (*check) outcome.line.command = Command::CheckConfig;
  if (*release) outcome.line.command = Command::Release;
  if (*doctor) outcome.line.command = Command::Doctor;
  if (*connect) outcome.line.command = Command::Connect;
  if (*hold) outcome.line.command = Command::Hold;
  if (*expect) outcome.line.command = Command::Expect;
  if (*version) outcome.line.command = Command::Version;
  return outcome;
}

}  // namespace plimsoll::agent
