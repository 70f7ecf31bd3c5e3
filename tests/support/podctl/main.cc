// podctl: runs pods on a container runtime without a kubelet, for the tests and the demo.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "pkg/model/quantity.h"
#include "tests/support/podctl/commands.h"

namespace plimsoll::podctl {
namespace {

struct Arguments {
  std::string socket = kContainerdSocket;
  std::vector<std::string> files;
  std::vector<std::string> command;
  Target target;
  bool all = false;
  bool whole_pod = false;
  int64_t grace = 0;
  int64_t timeout = 30;
  std::string state = "exited";
  std::string cpu_request, cpu_limit, memory_limit;
};

void addTarget(CLI::App* app, Arguments& a, bool with_container) {
  app->add_option("pod", a.target.pod, "name of the pod")->required(!a.all);
  app->add_option("-n,--namespace", a.target.name_space, "its namespace");
  if (with_container) app->add_option("-c,--container", a.target.container, "default: the only one");
}

void describe(CLI::App& app, Arguments& a) {
  app.require_subcommand(1);
  app.add_option("--socket", a.socket, "the runtime's CRI socket");
  app.add_subcommand("version", "the runtime's name, version and readiness");
  app.add_subcommand("ps", "all pods and containers");
  auto* run = app.add_subcommand("run", "start the pods of manifests (- is stdin)");
  run->add_option("files", a.files)->required();

  auto* rm = app.add_subcommand("rm", "stop and remove a pod");
  rm->add_option("pod", a.target.pod, "name of the pod");
  rm->add_option("-n,--namespace", a.target.name_space);
  rm->add_flag("-A,--all", a.all, "every pod");
  rm->add_option("--grace", a.grace, "seconds between the stop signal and the kill");

  auto* exec = app.add_subcommand("exec", "run a command in a container; its exit code is podctl's");
  addTarget(exec, a, true);
  exec->add_option("--timeout", a.timeout, "seconds");
  exec->add_option("command", a.command, "after --")->required();

  addTarget(app.add_subcommand("logs", "what a container printed"), a, true);
  addTarget(app.add_subcommand("inspect", "the runtime's own JSON on a container"), a, true);
  auto* cgroup = app.add_subcommand("cgroup", "the cgroup directory of a container");
  addTarget(cgroup, a, true);
  cgroup->add_flag("--whole-pod", a.whole_pod, "of the pod instead");

  auto* update = app.add_subcommand("update", "resize a container in place");
  addTarget(update, a, true);
  update->add_option("--cpu-request", a.cpu_request, "such as 250m");
  update->add_option("--cpu-limit", a.cpu_limit, "such as 1500m; 0: none");
  update->add_option("--memory-limit", a.memory_limit, "such as 64Mi");

  auto* wait = app.add_subcommand("wait", "wait until a container is in a state");
  addTarget(wait, a, true);
  wait->add_option("--for", a.state)->check(CLI::IsMember({"running", "exited"}));
  wait->add_option("--timeout", a.timeout, "seconds");
}

base::Result<std::optional<int64_t>> amount(const std::string& text, int64_t scale) {
  if (text.empty()) return std::nullopt;
  auto number = model::parseQuantity(text, scale);
  if (!number) return base::invalidArgument("\"" + text + "\" " + number.error().message);
  return *number;
}

base::Result<ResizeWish> wish(const Arguments& a) {
  ResizeWish out;
  ASSIGN_OR_RETURN(out.request_milli_cpu, amount(a.cpu_request, 1000));
  ASSIGN_OR_RETURN(out.limit_milli_cpu, amount(a.cpu_limit, 1000));
  ASSIGN_OR_RETURN(out.limit_memory, amount(a.memory_limit, 1));
  return out;
}

int dispatch(const std::string& name, Client& client, const Arguments& a) {
  if (name == "version") return showVersion(client);
  if (name == "ps") return listPods(client);
  if (name == "run") return runFiles(client, a.files);
  if (name == "rm") return removePods(client, a.target, a.all, a.grace);
  if (name == "exec") return execIn(client, a.target, a.command, a.timeout);
  if (name == "logs") return showLog(client, a.target);
  if (name == "inspect") return inspect(client, a.target);
  if (name == "cgroup") return showCgroup(client, a.target, a.whole_pod);
  if (name == "wait") return waitFor(client, a.target, a.state, a.timeout);
  auto wanted = wish(a);
  if (!wanted) return complain(wanted.error());
  return resize(client, a.target, *wanted);
}

int mainOf(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Runs pods on a container runtime without a kubelet, for tests.");
  describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  const std::string command = app.get_subcommands().front()->get_name();
  if (command == "rm" && !arguments.all && arguments.target.pod.empty()) {
    return complain(base::Error{base::ErrorCode::InvalidArgument, "rm needs a pod's name, or --all"});
  }
  auto client = Client::connect(arguments.socket);
  if (!client) return complain(client.error());
  return dispatch(command, **client, arguments);
}

}  // namespace
}  // namespace plimsoll::podctl

int main(int argc, char** argv) { return plimsoll::podctl::mainOf(argc, argv); }
