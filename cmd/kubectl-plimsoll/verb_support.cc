#include "cmd/kubectl-plimsoll/verb_support.h"

#include <algorithm>
#include <ostream>
#include <tuple>

namespace plimsoll::cli {
namespace {

using Containers = std::vector<pb::Container>;

bool isNamed(const Options& options, const std::string& pod) {
  return options.names.empty() ||
         std::find(options.names.begin(), options.names.end(), pod) != options.names.end();
}

constexpr const char* kExecHint =
    "hint: the agents are reached with \"kubectl exec\": it needs the right to get pods and to create "
    "pods/exec in the agents' namespace; on a node itself root may use --socket\n";

}  // namespace

View viewOf(const Options& options, const Streams& streams, bool nodes) {
  return {Palette(streams.colours), Clock::now(),           options.output == Output::Wide,
          !options.no_headers,      options.all_namespaces, nodes};
}

int fail(const Streams& streams, const std::string& message, int exit_code) {
  streams.err << "error: " << printable(message) << "\n";
  return exit_code;
}

bool isDocument(Output output) { return output == Output::Json || output == Output::Yaml; }

int reportSilence(const Streams& streams, const std::vector<Silence>& silent, bool any_answer) {
  bool forbidden = false;
  for (const Silence& each : silent) {
    fail(streams, (each.node.empty() ? "" : "node " + each.node + ": ") + each.error.message);
    forbidden |= !each.node.empty() && each.error.code == base::ErrorCode::PermissionDenied;
  }
  if (forbidden) streams.err << kExecHint;
  if (silent.empty()) return kExitOk;
  return any_answer ? kExitPartial : kExitError;
}

int worse(int one, int other) { return std::max(one, other); }

Options withNamespace(Options options, const Agents& agents) {
  options.ns = agents.ns();
  return options;
}

pb::ListContainersRequest listRequest(const Options& options) {
  pb::ListContainersRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  request.set_label_selector(options.selector);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  return request;
}

void keepNamed(const Options& options, Containers& containers) {
  std::erase_if(containers, [&](const pb::Container& container) {
    return !isNamed(options, container.pod().name()) ||
           (!options.container.empty() && container.name() != options.container);
  });
}

Containers merge(std::vector<std::pair<std::string, Containers>> answers) {
  Containers all;
  for (auto& [node, containers] : answers) {
    for (pb::Container& container : containers) {
      container.set_node(node);
      all.push_back(std::move(container));
    }
  }
  if (answers.size() < 2) return all;
  std::stable_sort(all.begin(), all.end(), [](const pb::Container& a, const pb::Container& b) {
    return std::forward_as_tuple(a.pod().namespace_(), a.pod().name(), a.name(), a.id()) <
           std::forward_as_tuple(b.pod().namespace_(), b.pod().name(), b.name(), b.id());
  });
  return all;
}

std::vector<std::string> missingNames(const Options& options, const Containers& containers) {
  std::vector<std::string> missing;
  for (const std::string& name : options.names) {
    const auto named = [&](const pb::Container& container) { return container.pod().name() == name; };
    if (std::none_of(containers.begin(), containers.end(), named)) missing.push_back(name);
  }
  return missing;
}

int reportMissing(const Options& options, const Streams& streams, const std::vector<std::string>& missing,
                  bool by_kubectl) {
  const std::string scope = options.all_namespaces ? "" : " in " + options.ns + " namespace";
  for (const std::string& name : missing) {
    fail(streams, "no pod \"" + name + "\" is known " + (by_kubectl ? "to the agents" : "on this node") +
                      scope + (options.all_namespaces ? "" : " (other namespaces: -n, -A)"));
  }
  return missing.empty() ? kExitOk : kExitError;
}

Gathered gatherContainers(Agents& agents, const Options& options) {
  auto answers = agents.ask<Containers>(
      [request = listRequest(options)](Client& client) { return client.containers(request); });
  Gathered gathered;
  gathered.any_answer = !answers.got.empty();
  gathered.silent = std::move(answers.silent);
  gathered.containers = merge(std::move(answers.got));
  return gathered;
}

}  // namespace plimsoll::cli
