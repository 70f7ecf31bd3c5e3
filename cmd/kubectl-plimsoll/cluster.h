// What is asked of the cluster by kubectl, and what its answers say: where the agents run, which nodes host
// the pods that are meant. Pure, any thread.
//
// An agent is a running pod with the label app.kubernetes.io/name=plimsoll and a container "plimsolld".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::cli {

inline constexpr std::string_view kAgentContainer = "plimsolld";

struct AgentPod {
  std::string ns, name, node;
  bool ready = false;
  friend bool operator==(const AgentPod&, const AgentPod&) = default;
};

struct PodPlace {
  std::string ns, name, node;  // node "": not scheduled yet
  friend bool operator==(const PodPlace&, const PodPlace&) = default;
};

// A name as Kubernetes gives them to pods, nodes and namespaces (RFC 1123 subdomain). What is not one never
// becomes an argument.
bool isObjectName(std::string_view name);

// `ns` "": in all namespaces.
std::vector<std::string> findAgentsArguments(const std::string& ns);
// From the answer to that, `kubectl get pods -o json`: one for each node, by node. InvalidArgument: not such
// a list. FailedPrecondition: agents in several namespaces, one of which may be somebody's who only says so.
base::Result<std::vector<AgentPod>> parseAgents(std::string_view json);

struct PodQuery {
  std::string ns;  // "": all
  std::string selector;
  std::vector<std::string> names;  // empty: all
};
std::vector<std::string> findPodsArguments(const PodQuery& query);
base::Result<std::vector<PodPlace>> parsePods(std::string_view columns);

// Runs the agent's `connect` in its container.
std::vector<std::string> connectArguments(const AgentPod& agent);

}  // namespace plimsoll::cli
