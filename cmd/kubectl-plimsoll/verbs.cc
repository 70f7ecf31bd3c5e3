#include "cmd/kubectl-plimsoll/verbs.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <istream>
#include <ostream>

#include "cmd/kubectl-plimsoll/client.h"
#include "cmd/kubectl-plimsoll/doctor.h"
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

// Containers of the pods that are named, in the order of the agent. A name that nothing answers to is
// reported in `missing`.
Result<std::vector<pb::Container>> select(const Options& options, std::vector<std::string>& missing) {
  Client client = connect(options);
  pb::ListContainersRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  request.set_label_selector(options.selector);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  ASSIGN_OR_RETURN(std::vector<pb::Container> all, client.containers(request));
  for (const std::string& name : options.names) {
    const auto named = [&](const pb::Container& container) { return container.pod().name() == name; };
    if (std::none_of(all.begin(), all.end(), named)) missing.push_back(name);
  }
  std::erase_if(all, [&](const pb::Container& container) {
    const bool other_pod = !options.names.empty() && std::find(options.names.begin(), options.names.end(),
                                                               container.pod().name()) == options.names.end();
    return other_pod || (!options.container.empty() && container.name() != options.container);
  });
  return all;
}

int reportMissing(const Options& options, const Streams& streams, const std::vector<std::string>& missing) {
  for (const std::string& name : missing) {
    fail(streams, "no pod \"" + name + "\" is known on this node" + scopeOf(options) +
                      (options.all_namespaces ? "" : " (other namespaces: -n, -A)"));
  }
  return missing.empty() ? kExitOk : kExitError;
}

int getNode(const Options& options, const Streams& streams) {
  const Result<pb::Node> node = connect(options).node();
  if (!node) return fail(streams, node.error().message);
  if (isDocument(options.output)) {
    print(streams, options.output, document(*node));
  } else if (options.output == Output::Name) {
    streams.out << "node/" << printable(node->name()) << "\n";
  } else {
    streams.out << nodeTable(*node, viewOf(options, streams));
  }
  return kExitOk;
}

// "get pods web-0" and "get web-0" are the same; the resource's word is optional.
bool dropResource(std::vector<std::string>& names, std::initializer_list<std::string_view> words) {
  if (names.empty() || std::find(words.begin(), words.end(), names.front()) == words.end()) return false;
  names.erase(names.begin());
  return true;
}

int runGet(Options options, const Streams& streams) {
  if (dropResource(options.names, {"node", "nodes", "no"})) return getNode(options, streams);
  dropResource(options.names, {"pod", "pods", "po", "container", "containers"});
  std::vector<std::string> missing;
  const auto containers = select(options, missing);
  if (!containers) return fail(streams, containers.error().message);
  if (isDocument(options.output)) {
    print(streams, options.output, document(std::span(*containers)));
  } else if (options.output == Output::Name) {
    streams.out << containerNames(*containers);
  } else if (!containers->empty()) {
    streams.out << containerTable(*containers, viewOf(options, streams));
  } else if (missing.empty()) {
    streams.err << "No containers found" << printable(scopeOf(options)) << ".\n";
  }
  return reportMissing(options, streams, missing);
}

// Nothing where it cannot be had: an older agent, or none of the containers runs.
TrafficById trafficOf(const Options& options) {
  pb::GetStatsRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  TrafficById traffic;
  const auto stats = connect(options).stats(std::move(request));
  if (!stats) return traffic;
  for (const pb::ContainerStats& each : *stats) {
    if (each.has_traffic()) traffic[each.id()] = each.traffic();
  }
  return traffic;
}

int runDescribe(const Options& options, const Streams& streams) {
  std::vector<std::string> missing;
  const auto containers = select(options, missing);
  if (!containers) return fail(streams, containers.error().message);
  const int exit_code = reportMissing(options, streams, missing);
  if (containers->empty()) {
    return exit_code == kExitOk
               ? fail(streams, "no container \"" + options.container + "\" in " + options.names.front())
               : exit_code;
  }
  if (isDocument(options.output)) {
    print(streams, options.output, document(std::span(*containers)));
    return exit_code;
  }
  std::vector<pb::Event> events;
  pb::WatchEventsRequest request;
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (options.names.size() == 1) request.set_pod(options.names.front());
  const auto status = connect(options).events(request, [&](const pb::WatchEventsResponse& response) {
    events.push_back(response.event());
    return true;
  });
  if (!status) return fail(streams, status.error().message);
  streams.out << describeContainers(*containers, events, viewOf(options, streams), trafficOf(options));
  return exit_code;
}

Result<pb::WatchEventsRequest> eventsRequest(const Options& options) {
  pb::WatchEventsRequest request;
  request.set_follow(options.watch);
  if (!options.all_namespaces) request.set_namespace_(options.ns);
  if (options.for_object.empty()) return request;
  const size_t slash = options.for_object.find('/');
  const std::string kind = options.for_object.substr(0, slash);
  if (slash == std::string::npos || (kind != "pod" && kind != "pods" && kind != "po")) {
    return base::invalidArgument("--for takes pod/NAME");
  }
  request.set_pod(options.for_object.substr(slash + 1));
  return request;
}

int watchEvents(const Options& options, const Streams& streams, const pb::WatchEventsRequest& request) {
  View view = viewOf(options, streams);
  if (!isDocument(options.output) && view.headers) streams.out << eventHeader(view) << std::flush;
  const auto status = connect(options).events(request, [&](const pb::WatchEventsResponse& response) {
    if (response.dropped() > 0) streams.err << "missed " << response.dropped() << " events\n";
    view.now = Clock::now();
    switch (options.output) {
      case Output::Json:
        streams.out << toJson(document(response.event()), true);
        break;
      case Output::Yaml:
        streams.out << "---\n" << toYaml(document(response.event()));
        break;
      default:
        streams.out << eventLine(response.event(), view);
    }
    streams.out << std::flush;
    return static_cast<bool>(streams.out);  // nobody reads any more
  });
  return status ? kExitOk : fail(streams, status.error().message);
}

int runEvents(const Options& options, const Streams& streams) {
  const auto request = eventsRequest(options);
  if (!request) return fail(streams, request.error().message);
  if (options.watch) return watchEvents(options, streams, *request);
  std::vector<pb::Event> events;
  const auto status = connect(options).events(*request, [&](const pb::WatchEventsResponse& response) {
    events.push_back(response.event());
    return true;
  });
  if (!status) return fail(streams, status.error().message);
  if (isDocument(options.output)) {
    print(streams, options.output, document(std::span<const pb::Event>(events)));
  } else if (events.empty()) {
    streams.err << "No events found" << printable(scopeOf(options)) << ".\n";
  } else {
    streams.out << eventTable(events, viewOf(options, streams));
  }
  return kExitOk;
}

int runDoctor(const Options& options, const Streams& streams) {
  std::vector<Check> checks = checkHost(options.root);
  for (Check& check : checkAgent(connect(options).node(), PLIMSOLL_VERSION))
    checks.push_back(std::move(check));
  if (isDocument(options.output)) {
    print(streams, options.output, document(checks));
  } else {
    streams.out << renderChecks(checks, Palette(streams.colours));
  }
  return hasErrors(checks) ? kExitFindings : kExitOk;
}

int runVersion(const Options& options, const Streams& streams) {
  JsonValue versions = {{"clientVersion", PLIMSOLL_VERSION}};
  std::string problem;
  if (!options.client_only) {
    const Result<pb::Node> node = connect(options).node();
    if (node) {
      versions["agentVersion"] = node->agent_version();
    } else {
      problem = node.error().message;
    }
  }
  if (isDocument(options.output)) {
    print(streams, options.output, versions);
  } else {
    streams.out << "Client Version: " << PLIMSOLL_VERSION << "\n";
    if (versions.contains("agentVersion")) {
      streams.out << "Agent Version: " << printable(versions["agentVersion"].get<std::string>()) << "\n";
    }
  }
  return problem.empty() ? kExitOk : fail(streams, problem);
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
    case Verb::Events:
      return runEvents(options, streams);
    case Verb::Doctor:
      return runDoctor(options, streams);
    case Verb::Version:
      return runVersion(options, streams);
    case Verb::Top:
      return runTop(options, streams);
    case Verb::History:
      return runHistory(options, streams);
    case Verb::Diff:
      return runDiff(options, streams);
  }
  return kExitError;
}

}  // namespace plimsoll::cli
