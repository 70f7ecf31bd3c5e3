#include "cmd/kubectl-plimsoll/cluster.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace plimsoll::cli {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

constexpr const char* kAgentSelector = "app.kubernetes.io/name=plimsoll";
constexpr size_t kLongestName = 253;

// "" where there is no such text.
std::string text(const Json& object, const char* outer, const char* inner) {
  const auto group = object.find(outer);
  if (group == object.end() || !group->is_object()) return "";
  const auto value = group->find(inner);
  return value != group->end() && value->is_string() ? value->get<std::string>() : "";
}

// The entry of `list` in `object[outer][inner]` whose `key` is `value`; null: none.
const Json* entry(const Json& object, const char* outer, const char* inner, const char* key,
                  std::string_view value) {
  const auto group = object.find(outer);
  if (group == object.end() || !group->is_object()) return nullptr;
  const auto list = group->find(inner);
  if (list == group->end() || !list->is_array()) return nullptr;
  for (const Json& each : *list) {
    if (each.is_object() && each.contains(key) && each[key] == value) return &each;
  }
  return nullptr;
}

// Nothing where the pod is no agent that could be asked.
std::optional<AgentPod> agentOf(const Json& pod) {
  if (!pod.is_object() || entry(pod, "spec", "containers", "name", kAgentContainer) == nullptr) return {};
  AgentPod agent{text(pod, "metadata", "namespace"), text(pod, "metadata", "name"),
                 text(pod, "spec", "nodeName"), false};
  if (!isObjectName(agent.ns) || !isObjectName(agent.name) || !isObjectName(agent.node)) return {};
  const Json* running = entry(pod, "status", "containerStatuses", "name", kAgentContainer);
  if (running == nullptr || !running->contains("state") || !(*running)["state"].contains("running"))
    return {};
  const Json* ready = entry(pod, "status", "conditions", "type", "Ready");
  agent.ready = ready != nullptr && ready->value("status", Json()) == "True" &&
                text(pod, "metadata", "deletionTimestamp").empty();
  return agent;
}

bool isNameChar(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool isObjectName(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || !isNameChar(name.front()) || !isNameChar(name.back()))
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return isNameChar(c) || c == '-' || c == '.'; });
}

std::vector<std::string> findAgentsArguments(const std::string& ns) {
  return {"get", "pods", std::string("--selector=") + kAgentSelector,
          ns.empty() ? "--all-namespaces" : "--namespace=" + ns, "--output=json"};
}

Result<std::vector<AgentPod>> parseAgents(std::string_view json) {
  const Json document = Json::parse(json.begin(), json.end(), nullptr, false);
  if (!document.is_object() || !document.contains("items") || !document["items"].is_array())
    return base::invalidArgument("kubectl get pods gave something else than a list of pods");
  std::map<std::string, AgentPod> by_node;
  std::set<std::string> namespaces;
  for (const Json& pod : document["items"]) {
    const auto agent = agentOf(pod);
    if (!agent) continue;
    namespaces.insert(agent->ns);
    // While an update runs a node may have two: the one that is ready answers.
    const auto [known, added] = by_node.emplace(agent->node, *agent);
    if (!added && agent->ready && !known->second.ready) known->second = *agent;
  }
  if (namespaces.size() > 1) {
    std::string list;
    for (const std::string& ns : namespaces) list += (list.empty() ? "" : ", ") + ns;
    return base::error(ErrorCode::FailedPrecondition,
                       "pods that call themselves the agent run in several namespaces (" + list +
                           "); say which to trust with --agent-namespace");
  }
  std::vector<AgentPod> agents;
  for (auto& [node, agent] : by_node) agents.push_back(std::move(agent));
  return agents;
}

std::vector<std::string> findPodsArguments(const PodQuery& query) {
  // Columns and not JSON: a large cluster's pods are a hundred times larger than what is asked of them.
  std::vector<std::string> arguments = {
      "get",
      "pods",
      query.ns.empty() ? "--all-namespaces" : "--namespace=" + query.ns,
      "--output=custom-columns=NS:.metadata.namespace,POD:.metadata.name,NODE:.spec.nodeName",
      "--no-headers",
      "--ignore-not-found"};
  if (!query.selector.empty()) arguments.push_back("--selector=" + query.selector);
  // kubectl takes no names beside --all-namespaces, and no selector beside names.
  if (!query.ns.empty() && query.selector.empty()) {
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), query.names.begin(), query.names.end());
    if (query.names.empty()) arguments.pop_back();
  }
  return arguments;
}

Result<std::vector<PodPlace>> parsePods(std::string_view columns) {
  std::vector<PodPlace> pods;
  std::istringstream lines{std::string(columns)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    PodPlace pod;
    if (!(words >> pod.ns)) continue;
    words >> pod.name >> pod.node;
    if (pod.node == "<none>") pod.node.clear();
    if (!isObjectName(pod.ns) || !isObjectName(pod.name) || (!pod.node.empty() && !isObjectName(pod.node)))
      return base::invalidArgument("kubectl get pods gave something else than names of pods");
    pods.push_back(std::move(pod));
  }
  return pods;
}

std::vector<std::string> connectArguments(const AgentPod& agent) {
  return {"exec",
          "--stdin",
          "--namespace=" + agent.ns,
          "--container=" + std::string(kAgentContainer),
          agent.name,
          "--",
          "/plimsolld",
          "connect"};
}

}  // namespace plimsoll::cli
