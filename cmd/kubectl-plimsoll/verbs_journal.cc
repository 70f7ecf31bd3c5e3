// history and diff: what was changed for a pod, and what of it is not as it should be.
#include <algorithm>
#include <chrono>
#include <ostream>

#include "cmd/kubectl-plimsoll/client.h"
#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"
#include "cmd/kubectl-plimsoll/verbs.h"
#include "cmd/kubectl-plimsoll/view_diff.h"
#include "cmd/kubectl-plimsoll/view_history.h"

namespace plimsoll::cli {
namespace {

using base::Result;
using Containers = std::vector<pb::Container>;

bool isNamed(const Options& options, const pb::Container& container) {
  return options.names.empty() ||
         std::find(options.names.begin(), options.names.end(), container.pod().name()) != options.names.end();
}

// Those that are named; NotFound: a name that nothing answers to.
Result<Containers> select(const Options& options) {
  pb::ListContainersRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  request.set_label_selector(options.selector);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  ASSIGN_OR_RETURN(Containers all, connect(options).containers(std::move(request)));
  std::erase_if(all, [&](const pb::Container& container) {
    return !isNamed(options, container) ||
           (!options.container.empty() && container.name() != options.container);
  });
  for (const std::string& name : options.names) {
    const auto is_named = [&](const pb::Container& container) { return container.pod().name() == name; };
    if (std::any_of(all.begin(), all.end(), is_named)) continue;
    return base::error(base::ErrorCode::NotFound, "no such container is known on this node: pod \"" + name +
                                                      "\" in namespace " + options.ns);
  }
  return all;
}

}  // namespace

int runHistory(const Options& options, Streams streams) {
  pb::GetHistoryRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (!options.names.empty()) {
    // A pod's name alone means nothing.
    request.set_namespace_(options.ns);
    request.set_pod(options.names.front());
    request.set_container(options.container);
  }
  request.set_limit(options.limit);
  const auto entries = connect(options).history(request);
  if (!entries) return fail(streams, entries.error().message, kExitError);
  if (options.output == Output::Json || options.output == Output::Yaml) {
    const JsonValue json = document(std::span<const pb::HistoryEntry>(*entries));
    streams.out << (options.output == Output::Json ? toJson(json) : toYaml(json));
  } else if (entries->empty()) {
    streams.err << "Nothing is recorded"
                << (options.names.empty() ? "" : " of pod " + printable(options.names.front())) << ".\n";
  } else {
    streams.out << historyTable(*entries, viewOf(options, streams));
  }
  return kExitOk;
}

int runDiff(const Options& options, Streams streams) {
  const auto containers = select(options);
  if (!containers) return fail(streams, containers.error().message, kExitDiffError);
  const std::string text = diffText(*containers, viewOf(options, streams));
  streams.out << text;
  return text.empty() ? kExitOk : kExitDifferences;
}

}  // namespace plimsoll::cli
