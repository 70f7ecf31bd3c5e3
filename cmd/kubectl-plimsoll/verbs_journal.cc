// history and diff: what was changed for a pod, and what of it is not as it should be.
#include <algorithm>
#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/view_diff.h"
#include "cmd/kubectl-plimsoll/view_history.h"

namespace plimsoll::cli {
namespace {

using History = std::vector<pb::HistoryEntry>;

pb::GetHistoryRequest requestOf(const Options& options) {
  pb::GetHistoryRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (!options.names.empty()) {
    // A pod's name alone means nothing.
    request.set_namespace_(options.ns);
    request.set_pod(options.names.front());
    request.set_container(options.container);
  }
  request.set_limit(options.limit);
  return request;
}

// By time where they are of several nodes, and of all the newest.
History merge(std::vector<std::pair<std::string, History>> answers, size_t limit) {
  History all;
  for (auto& [node, entries] : answers) {
    for (pb::HistoryEntry& entry : entries) {
      entry.set_node(node);
      all.push_back(std::move(entry));
    }
  }
  if (answers.size() > 1) {
    std::stable_sort(all.begin(), all.end(), [](const pb::HistoryEntry& a, const pb::HistoryEntry& b) {
      return std::pair(a.time().seconds(), a.time().nanos()) <
             std::pair(b.time().seconds(), b.time().nanos());
    });
  }
  if (all.size() > limit) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(limit));
  return all;
}

// Only agents that never recorded anything: the first thing to do is done by none.
void dropNothingRecorded(std::vector<Silence>& silent, bool any_answer) {
  if (!any_answer) return;
  std::erase_if(silent, [](const Silence& each) { return each.error.isGone(); });
}

}  // namespace

int runHistory(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Past);
  if (!agents) return fail(streams, agents.error().message);
  const Options meant = withNamespace(options, *agents);
  auto answers =
      agents->ask<History>([request = requestOf(meant)](Client& client) { return client.history(request); });
  dropNothingRecorded(answers.silent, !answers.got.empty());
  const int exit_code = reportSilence(streams, answers.silent, !answers.got.empty());
  if (exit_code == kExitError) return exit_code;
  const History entries = merge(std::move(answers.got), static_cast<size_t>(meant.limit));
  if (isDocument(meant.output)) {
    const JsonValue json = document(std::span<const pb::HistoryEntry>(entries));
    streams.out << (meant.output == Output::Json ? toJson(json) : toYaml(json));
  } else if (entries.empty()) {
    streams.err << "Nothing is recorded"
                << (meant.names.empty() ? "" : " of pod " + printable(meant.names.front())) << ".\n";
  } else {
    streams.out << historyTable(entries, viewOf(meant, streams, agents->byKubectl()));
  }
  return exit_code;
}

int runDiff(const Options& options, Streams streams) {
  auto agents = Agents::find(options, Scope::Pods);
  if (!agents) return fail(streams, agents.error().message, kExitDiffError);
  const Options meant = withNamespace(options, *agents);
  Gathered found = gatherContainers(*agents, meant);
  const auto missing = missingNames(meant, found.containers);
  keepNamed(meant, found.containers);
  const std::string text = diffText(found.containers, viewOf(meant, streams));
  streams.out << text;
  const int silence = reportSilence(streams, found.silent, found.any_answer);
  if (silence != kExitOk) return kExitDiffError;
  if (reportMissing(meant, streams, missing, agents->byKubectl()) != kExitOk) return kExitDiffError;
  if (found.containers.empty() && !meant.container.empty())
    return fail(streams, "no container \"" + meant.container + "\"", kExitDiffError);
  return text.empty() ? kExitOk : kExitDifferences;
}

}  // namespace plimsoll::cli
