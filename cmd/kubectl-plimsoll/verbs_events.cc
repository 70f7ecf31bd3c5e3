// events: what the agents decided and did, so far or on and on.
#include <algorithm>
#include <mutex>
#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/verb_support.h"

namespace plimsoll::cli {
namespace {

using base::Result;
using Events = std::vector<pb::Event>;

// The pod of --for, among the names from then on.
base::Status useFor(Options& options) {
  if (options.for_object.empty()) return base::ok();
  const size_t slash = options.for_object.find('/');
  const std::string kind = options.for_object.substr(0, slash);
  if (slash == std::string::npos || (kind != "pod" && kind != "pods" && kind != "po")) {
    return base::invalidArgument("--for takes pod/NAME");
  }
  options.names = {options.for_object.substr(slash + 1)};
  return base::ok();
}

pb::WatchEventsRequest requestOf(const Options& options) {
  pb::WatchEventsRequest request;
  request.set_follow(options.watch);
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (!options.names.empty()) request.set_pod(options.names.front());
  return request;
}

void printOne(const Options& options, const Streams& streams, const pb::Event& event, const View& view) {
  switch (options.output) {
    case Output::Json:
      streams.out << toJson(document(event), true);
      break;
    case Output::Yaml:
      streams.out << "---\n" << toYaml(document(event));
      break;
    default:
      streams.out << eventLine(event, view);
  }
  streams.out << std::flush;
}

int watch(const Options& options, const Streams& streams, Agents& agents) {
  if (auto allowed = agents.allowAtOnce(); !allowed) return fail(streams, allowed.error().message);
  View view = viewOf(options, streams, agents.byKubectl());
  if (!isDocument(options.output) && view.headers) streams.out << eventHeader(view) << std::flush;
  std::mutex printing;
  const auto answers = agents.askNamed<bool>([&](const std::string& node, Client& client) -> Result<bool> {
    RETURN_IF_ERROR(client.events(requestOf(options), [&](const pb::WatchEventsResponse& response) {
      std::lock_guard lock(printing);
      if (response.dropped() > 0) streams.err << "missed " << response.dropped() << " events\n";
      view.now = Clock::now();
      pb::Event event = response.event();
      event.set_node(node);
      printOne(options, streams, event, view);
      return static_cast<bool>(streams.out);  // nobody reads any more
    }));
    return true;
  });
  return reportSilence(streams, answers.silent, !answers.got.empty());
}

// By time where they are of several nodes; each node's own are in order already.
Events merge(std::vector<std::pair<std::string, Events>> answers) {
  Events all;
  for (auto& [node, events] : answers) {
    for (pb::Event& event : events) {
      event.set_node(node);
      all.push_back(std::move(event));
    }
  }
  if (answers.size() < 2) return all;
  std::stable_sort(all.begin(), all.end(), [](const pb::Event& a, const pb::Event& b) {
    return std::pair(a.time().seconds(), a.time().nanos()) < std::pair(b.time().seconds(), b.time().nanos());
  });
  return all;
}

int list(const Options& options, const Streams& streams, Agents& agents) {
  auto answers = agents.ask<Events>([&](Client& client) -> Result<Events> {
    Events events;
    RETURN_IF_ERROR(client.events(requestOf(options), [&](const pb::WatchEventsResponse& response) {
      events.push_back(response.event());
      return true;
    }));
    return events;
  });
  const int exit_code = reportSilence(streams, answers.silent, !answers.got.empty());
  if (exit_code == kExitError) return exit_code;
  const Events events = merge(std::move(answers.got));
  if (isDocument(options.output)) {
    const JsonValue json = document(std::span<const pb::Event>(events));
    streams.out << (options.output == Output::Json ? toJson(json) : toYaml(json));
  } else if (events.empty()) {
    const std::string scope = options.all_namespaces ? "" : " in " + options.ns + " namespace";
    streams.err << "No events found" << printable(scope) << ".\n";
  } else {
    streams.out << eventTable(events, viewOf(options, streams, agents.byKubectl()));
  }
  return exit_code;
}

}  // namespace

int runEvents(const Options& options, Streams streams) {
  Options meant = options;
  if (auto used = useFor(meant); !used) return fail(streams, used.error().message);
  auto agents = Agents::find(meant, Scope::Past);
  if (!agents) return fail(streams, agents.error().message);
  meant = withNamespace(std::move(meant), *agents);
  return meant.watch ? watch(meant, streams, *agents) : list(meant, streams, *agents);
}

}  // namespace plimsoll::cli
