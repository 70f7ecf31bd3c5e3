#include "cmd/kubectl-plimsoll/verbs.h"

#include <algorithm>
#include <iterator>
#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/view_traffic.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {
namespace {

using base::Result;

void print(const Streams& streams, Output output, const JsonValue& json) {
  streams.out << (output == Output::Json ? toJson(json) : toYaml(json));
}

std::string scopeOf(const Options& options) {
  return options.all_namespaces ? "" : " in " + options.ns + " namespace";
}

// "get pods web-0" and "get web-0" are the same; the resource's word is optional.
bool dropResource(std::vector<std::string>& names, std::initializer_list<std::string_view> words) {
  if (names.empty() || std::find(words.begin(), words.end(), names.front()) == words.end()) return false;
  names.erase(names.begin());
  return true;
}

int runGet(Options options, const Streams& streams) {
  if (dropResource(options.names, {"node", "nodes", "no"})) return runGetNodes(options, streams);
  dropResource(options.names, {"pod", "pods", "po", "container", "containers"});
  auto agents = Agents::find(options, Scope::Pods);
  if (!agents) return fail(streams, agents.error().message);
  options = withNamespace(std::move(options), *agents);
  Gathered found = gatherContainers(*agents, options);
  const auto missing = missingNames(options, found.containers);
  keepNamed(options, found.containers);
  const bool nothing = found.containers.empty() && found.silent.empty() && missing.empty();
  if (isDocument(options.output)) {
    print(streams, options.output, document(std::span<const pb::Container>(found.containers)));
  } else if (options.output == Output::Name) {
    streams.out << containerNames(found.containers);
  } else if (!found.containers.empty()) {
    streams.out << containerTable(found.containers, viewOf(options, streams, agents->byKubectl()));
  } else if (nothing) {
    streams.err << "No containers found" << printable(scopeOf(options)) << ".\n";
  }
  const int silence = reportSilence(streams, found.silent, found.any_answer);
  if (silence == kExitError) return silence;
  return worse(silence, reportMissing(options, streams, missing, agents->byKubectl()));
}

// What is known of pods on one node.
struct Known {
  std::vector<pb::Container> containers;
  std::vector<pb::Event> events;
  TrafficById traffic;  // empty where it cannot be had: an older agent, or none of the containers runs
};

Result<Known> askAbout(Client& client, const Options& options) {
  Known known;
  ASSIGN_OR_RETURN(known.containers, client.containers(listRequest(options)));
  if (known.containers.empty()) return known;
  pb::WatchEventsRequest events;
  pb::GetStatsRequest stats;
  if (!options.all_namespaces) events.set_namespace_(options.ns);
  if (options.names.size() == 1) events.set_pod(options.names.front());
  stats.set_namespace_(events.namespace_());
  stats.set_pod(events.pod());
  if (!isDocument(options.output)) {
    RETURN_IF_ERROR(client.events(events, [&](const pb::WatchEventsResponse& response) {
      known.events.push_back(response.event());
      return true;
    }));
  }
  const auto counted = client.stats(std::move(stats));
  if (!counted) return known;
  for (const pb::ContainerStats& each : *counted) {
    if (each.has_traffic()) known.traffic[each.id()] = each.traffic();
  }
  return known;
}

int runDescribe(Options options, const Streams& streams) {
  auto agents = Agents::find(options, Scope::Pods);
  if (!agents) return fail(streams, agents.error().message);
  options = withNamespace(std::move(options), *agents);
  auto answers = agents->ask<Known>([&](Client& client) { return askAbout(client, options); });
  std::vector<std::pair<std::string, std::vector<pb::Container>>> by_node;
  Known all;
  for (auto& [node, known] : answers.got) {
    by_node.emplace_back(node, std::move(known.containers));
    std::move(known.events.begin(), known.events.end(), std::back_inserter(all.events));
    all.traffic.merge(known.traffic);
  }
  all.containers = merge(std::move(by_node));
  const auto missing = missingNames(options, all.containers);
  keepNamed(options, all.containers);
  const int silence = reportSilence(streams, answers.silent, !answers.got.empty());
  if (silence == kExitError) return silence;
  const int exit_code = worse(silence, reportMissing(options, streams, missing, agents->byKubectl()));
  if (all.containers.empty()) {
    return exit_code == kExitOk
               ? fail(streams, "no container \"" + options.container + "\" in " + options.names.front())
               : exit_code;
  }
  if (isDocument(options.output)) {
    print(streams, options.output,
          withTraffic(document(std::span<const pb::Container>(all.containers)), all.traffic));
  } else {
    streams.out << describeContainers(all.containers, all.events, viewOf(options, streams), all.traffic);
  }
  return exit_code;
}

}  // namespace

int run(const Options& options, Streams streams) {
  switch (options.verb) {
    case Verb::Get:
      return runGet(options, streams);
    case Verb::Describe:
      return runDescribe(options, streams);
    case Verb::Explain:
      return runExplain(options, streams);
    case Verb::Lint:
      return runLint(options, streams);
    case Verb::Simulate:
      return runSimulate(options, streams);
    case Verb::Events:
      return runEvents(options, streams);
    case Verb::History:
      return runHistory(options, streams);
    case Verb::Diff:
      return runDiff(options, streams);
    case Verb::Top:
      return runTop(options, streams);
    case Verb::Tree:
      return runTree(options, streams);
    case Verb::Topology:
      return runTopology(options, streams);
    case Verb::Doctor:
      return runDoctor(options, streams);
    case Verb::Bundle:
      return runBundle(options, streams);
    case Verb::Version:
      return runVersion(options, streams);
    case Verb::Completion:
      return runCompletion(options, streams);
    case Verb::Complete:
      return runComplete(options, streams);
    case Verb::Man:
      return runMan(options, streams);
  }
  return kExitError;
}

}  // namespace plimsoll::cli
