// tree and topology: what the kernel shows of cgroups, and of the machine below them.
#include <algorithm>
#include <ostream>

#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/view_tree.h"

namespace plimsoll::cli {
namespace {

using base::Result;

struct PodTree {
  std::string pod;
  pb::GetTreeResponse tree;
};
using Trees = std::vector<PodTree>;

// A pod that this agent does not know is on another node, or nowhere.
Result<Trees> askTrees(Client& client, const Options& options) {
  Trees trees;
  for (const std::string& name : options.names) {
    pb::GetTreeRequest request;
    request.set_namespace_(options.ns);
    request.set_pod(name);
    auto tree = client.tree(request);
    if (tree) {
      trees.push_back({name, std::move(*tree)});
    } else if (!tree.error().isGone()) {
      return tl::unexpected(tree.error());
    }
  }
  return trees;
}

void print(const Streams& streams, Output output, const JsonValue& json) {
  streams.out << (output == Output::Json ? toJson(json) : toYaml(json));
}

// One document where one thing was found, a list otherwise.
void printAll(const Streams& streams, Output output, const char* kind, const std::vector<JsonValue>& items) {
  if (items.size() == 1) return print(streams, output, items.front());
  print(streams, output, {{"apiVersion", "plimsoll.dev/v1"}, {"kind", kind}, {"items", items}});
}

}  // namespace

int runTree(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Pods);
  if (!agents) return fail(streams, agents.error().message);
  const Options meant = withNamespace(options, *agents);
  const auto answers = agents->ask<Trees>([&](Client& client) { return askTrees(client, meant); });
  std::vector<JsonValue> documents;
  std::vector<std::string> missing = meant.names;
  std::string text;
  for (const auto& [node, trees] : answers.got) {
    for (const PodTree& each : trees) {
      std::erase(missing, each.pod);
      JsonValue json = document(each.tree);
      json["metadata"] = {{"namespace", meant.ns}, {"pod", each.pod}};
      if (!node.empty()) json["metadata"]["node"] = node;
      documents.push_back(std::move(json));
      if (meant.names.size() > 1) text += (text.empty() ? "" : "\n") + printable(each.pod) + "\n";
      text += treeText(each.tree, {meant.ascii}, viewOf(meant, streams));
    }
  }
  if (isDocument(meant.output)) {
    printAll(streams, meant.output, "CgroupTreeList", documents);
  } else {
    streams.out << text;
  }
  const int silence = reportSilence(streams, answers.silent, !answers.got.empty());
  if (silence == kExitError) return silence;
  // Cgroups are looked for only where something is to be set.
  for (const std::string& name : missing)
    fail(streams,
         "no container with settings is known of pod \"" + name + "\" in " + meant.ns + " namespace");
  return missing.empty() ? silence : worse(silence, kExitError);
}

int runTopology(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Nodes);
  if (!agents) return fail(streams, agents.error().message);
  const auto answers =
      agents->ask<pb::Topology>([](Client& client) { return client.topology(pb::GetTopologyRequest()); });
  std::vector<JsonValue> documents;
  std::string text;
  for (const auto& [node, topology] : answers.got) {
    JsonValue json = document(topology);
    if (!node.empty()) json["metadata"] = {{"name", node}};
    documents.push_back(std::move(json));
    if (!node.empty()) text += (text.empty() ? "" : "\n") + ("Node: " + printable(node)) + "\n";
    text += topologyText(topology, viewOf(options, streams));
  }
  const int silence = reportSilence(streams, answers.silent, !answers.got.empty());
  if (silence == kExitError) return silence;
  if (isDocument(options.output)) {
    printAll(streams, options.output, "TopologyList", documents);
  } else {
    streams.out << text;
  }
  return silence;
}

}  // namespace plimsoll::cli
