// get nodes, doctor and version: what agents say of themselves.
#include <algorithm>
#include <ostream>

#include "cmd/kubectl-plimsoll/doctor.h"
#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"

namespace plimsoll::cli {
namespace {

using base::Result;

void print(const Streams& streams, Output output, const JsonValue& json) {
  streams.out << (output == Output::Json ? toJson(json) : toYaml(json));
}

Answers<pb::Node> askNodes(Agents& agents) {
  return agents.ask<pb::Node>([](Client& client) { return client.node(); });
}

// "node-1: " in front of the name of what was checked.
std::vector<Check> checkAgents(Agents& agents) {
  const Answers<pb::Node> answers = askNodes(agents);
  std::vector<Check> checks;
  const auto add = [&](const std::string& node, const Result<pb::Node>& answer) {
    for (Check& check : checkAgent(answer, PLIMSOLL_VERSION)) {
      check.node = node;
      checks.push_back(std::move(check));
    }
  };
  for (const auto& [node, answer] : answers.got) add(node, answer);
  for (const Silence& each : answers.silent) add(each.node, tl::unexpected(each.error));
  return checks;
}

JsonValue versionOf(const std::string& name, const pb::Node& node) {
  return {{"node", name}, {"agentVersion", node.agent_version()}};
}

}  // namespace

int runGetNodes(const Options& options, Streams streams) {
  Options meant = options;
  meant.nodes.insert(meant.nodes.end(), meant.names.begin(), meant.names.end());
  meant.names.clear();
  auto agents = Agents::find(meant, Scope::Nodes);
  if (!agents) return fail(streams, agents.error().message);
  const Answers<pb::Node> answers = askNodes(*agents);
  std::vector<pb::Node> nodes;
  for (const auto& [name, node] : answers.got) nodes.push_back(node);
  const int exit_code = reportSilence(streams, answers.silent, !nodes.empty());
  if (nodes.empty()) return exit_code;
  if (isDocument(options.output)) {
    print(streams, options.output,
          agents->byKubectl() ? document(std::span<const pb::Node>(nodes)) : document(nodes.front()));
  } else if (options.output == Output::Name) {
    for (const pb::Node& node : nodes) streams.out << "node/" << printable(node.name()) << "\n";
  } else {
    streams.out << nodeTable(nodes, viewOf(options, streams));
  }
  return exit_code;
}

int runDoctor(const Options& options, Streams streams) {
  Options meant = options;
  if (meant.local && meant.socket.empty()) meant.socket = kDefaultSocket;
  if (meant.local) meant.way = Way::Socket;
  auto agents = Agents::find(meant, Scope::Nodes);
  if (!agents) return fail(streams, agents.error().message);
  std::vector<Check> checks;
  if (!agents->byKubectl()) checks = checkHost(options.root);
  for (Check& check : checkAgents(*agents)) checks.push_back(std::move(check));
  if (isDocument(options.output)) {
    print(streams, options.output, document(checks));
  } else {
    streams.out << renderChecks(checks, Palette(streams.colours));
  }
  return hasErrors(checks) ? kExitFindings : kExitOk;
}

int runVersion(const Options& options, Streams streams) {
  JsonValue versions = {{"clientVersion", PLIMSOLL_VERSION}};
  std::string lines = std::string("Client Version: ") + PLIMSOLL_VERSION + "\n";
  int exit_code = kExitOk;
  if (!options.client_only) {
    auto agents = Agents::find(options, Scope::Nodes);
    Answers<pb::Node> answers;
    if (agents) {
      answers = askNodes(*agents);
    } else {
      answers.silent.push_back({"", agents.error()});
    }
    for (const auto& [name, node] : answers.got) {
      lines += "Agent Version" + (name.empty() ? "" : " (" + printable(name) + ")") + ": " +
               printable(node.agent_version()) + "\n";
      if (name.empty()) versions["agentVersion"] = node.agent_version();
      if (!name.empty()) versions["agents"].push_back(versionOf(name, node));
    }
    exit_code = reportSilence(streams, answers.silent, !answers.got.empty());
  }
  if (isDocument(options.output)) {
    print(streams, options.output, versions);
  } else {
    streams.out << lines;
  }
  return exit_code;
}

}  // namespace plimsoll::cli
