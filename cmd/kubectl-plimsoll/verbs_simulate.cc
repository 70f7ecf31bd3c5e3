// simulate: what a node's configuration would make of a manifest. The node decides, nothing is changed.
#include <ostream>

#include "cmd/kubectl-plimsoll/manifests.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/view_simulate.h"

namespace plimsoll::cli {
namespace {

using base::Result;
using Simulations = std::vector<pb::SimulateResponse>;  // one for each manifest

Result<Simulations> simulateAll(Client& client, const std::vector<Manifest>& manifests,
                                const std::string& ns) {
  Simulations all;
  for (const Manifest& manifest : manifests) {
    pb::SimulateRequest request;
    request.set_manifest(manifest.text);
    request.set_namespace_(ns);
    ASSIGN_OR_RETURN(pb::SimulateResponse response, client.simulate(request));
    all.push_back(std::move(response));
  }
  return all;
}

}  // namespace

int runSimulate(const Options& options, Streams streams) {
  const auto manifests = readManifests(options.files, streams.in);
  if (!manifests) return fail(streams, manifests.error().message);
  auto agents = Agents::find(options, Scope::Any);
  if (!agents) return fail(streams, agents.error().message);
  auto answers =
      agents->ask<Simulations>([&](Client& client) { return simulateAll(client, *manifests, agents->ns()); });
  const View view = viewOf(options, streams);
  pb::SimulateResponse all;
  for (auto& [node, simulations] : answers.got) {
    for (size_t i = 0; i < simulations.size(); ++i) {
      for (pb::Container& container : *simulations[i].mutable_containers()) container.set_node(node);
      if (!isDocument(options.output))
        streams.out << lintFindings((*manifests)[i].name, simulations[i].lint(), view);
      all.MergeFrom(simulations[i]);
    }
  }
  const int exit_code = reportSilence(streams, answers.silent, !answers.got.empty());
  if (exit_code == kExitError) return exit_code;
  const std::vector<pb::Container> containers(all.containers().begin(), all.containers().end());
  if (isDocument(options.output)) {
    streams.out << (options.output == Output::Json ? toJson(document(all)) : toYaml(document(all)));
  } else {
    streams.out << simulationText(containers, view);
    if (containers.empty()) streams.err << "No pods found in what was given.\n";
  }
  if (exit_code != kExitOk) return exit_code;
  return allGranted(containers) ? kExitOk : kExitFindings;
}

}  // namespace plimsoll::cli
