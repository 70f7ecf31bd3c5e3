#include "cmd/kubectl-plimsoll/agents.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

namespace plimsoll::cli {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

constexpr size_t kMostStreams = 64;

std::chrono::milliseconds timeoutOf(const Options& options) {
  return std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1000));
}

Kubectl::Options kubectlOptions(const Options& options) {
  return {options.kubectl, options.kubectl_flags, timeoutOf(options)};
}

bool isOnPath(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// The socket to ask; nullopt: the cluster. On a node without kubectl there is only one way.
std::optional<std::string> socketOf(const Options& options) {
  if (options.way == Way::Kubectl) return std::nullopt;
  if (!options.socket.empty()) return options.socket;
  if (options.way == Way::Socket) return kDefaultSocket;
  if (!options.kubectl_flags.empty() || isOnPath(options.kubectl)) return std::nullopt;
  if (::access(kDefaultSocket, F_OK) != 0) return std::nullopt;
  return kDefaultSocket;
}

Status checkNames(const Options& options) {
  for (const std::string& name : options.names) {
    if (!isObjectName(name))
      return base::invalidArgument("\"" + name + "\" is not a name that a pod can have");
  }
  if (!isObjectName(options.ns))
    return base::invalidArgument("\"" + options.ns + "\" is no namespace's name");
  return base::ok();
}

}  // namespace

struct Agents::Member {
  std::string node;
  std::optional<AgentPod> pod;     // nullopt: by the socket
  std::unique_ptr<Tunnel> tunnel;  // outlives the client
  std::unique_ptr<Client> client;

  void close() {
    client.reset();
    tunnel.reset();
  }
  Result<Client*> open(const std::optional<Kubectl>& kubectl, std::chrono::milliseconds timeout) {
    if (client) return client.get();
    ASSIGN_OR_RETURN(Tunnel opened, kubectl->tunnel(connectArguments(*pod)));
    tunnel = std::make_unique<Tunnel>(std::move(opened));
    client = std::make_unique<Client>(tunnel->takeStream(), timeout, [this] { return tunnel->complaint(); });
    return client.get();
  }
};

Agents::Agents(Agents&&) noexcept = default;
Agents& Agents::operator=(Agents&&) noexcept = default;
Agents::~Agents() = default;

Result<Agents> Agents::find(const Options& options, Scope scope) {
  Agents agents;
  agents.timeout_ = timeoutOf(options);
  agents.ns_ = options.ns.empty() ? "default" : options.ns;
  if (const auto socket = socketOf(options)) {
    auto member = std::make_unique<Member>();
    member->client = std::make_unique<Client>(*socket, agents.timeout_);
    agents.members_.push_back(std::move(member));
    return agents;
  }
  RETURN_IF_ERROR(agents.findInCluster(options, scope));
  return agents;
}

Status Agents::findInCluster(const Options& options, Scope scope) {
  kubectl_.emplace(kubectlOptions(options));
  at_once_ = static_cast<size_t>(options.parallel);
  if (options.ns.empty() && !options.all_namespaces && scope != Scope::Nodes) {
    const auto ns = kubectl_->run({"config", "view", "--minify", "--output=jsonpath={..namespace}"});
    if (!ns && ns.error().code != ErrorCode::Unavailable) return tl::unexpected(ns.error());
    // Without a context (in a pod of the cluster) kubectl refuses to say; there the default is meant.
    if (ns && !ns->empty()) ns_ = *ns;
  }
  Options resolved = options;
  resolved.ns = ns_;
  RETURN_IF_ERROR(checkNames(resolved));
  ASSIGN_OR_RETURN(const std::string json, kubectl_->run(findAgentsArguments(options.agent_namespace)));
  ASSIGN_OR_RETURN(std::vector<AgentPod> pods, parseAgents(json));
  if (pods.empty()) {
    return base::error(
        ErrorCode::NotFound,
        "no agent runs in this cluster: no running pod with the label "
        "app.kubernetes.io/name=plimsoll" +
            (options.agent_namespace.empty() ? std::string() : " in namespace " + options.agent_namespace));
  }
  std::set<std::string> wanted(options.nodes.begin(), options.nodes.end());
  bool all = wanted.empty();
  if (all && (scope == Scope::Pods || scope == Scope::Past)) {
    ASSIGN_OR_RETURN(const std::vector<std::string> hosts, wantedNodes(resolved, scope));
    wanted.insert(hosts.begin(), hosts.end());
    all = scope == Scope::Past && wanted.empty();
  }
  for (AgentPod& pod : pods) {
    if (!all && wanted.erase(pod.node) == 0) continue;
    auto member = std::make_unique<Member>();
    member->node = pod.node;
    member->pod = std::move(pod);
    members_.push_back(std::move(member));
  }
  if (all && scope == Scope::Any) members_.resize(1);
  if (all) return base::ok();
  for (const std::string& node : wanted)
    without_.push_back({node, {ErrorCode::Unavailable, "no agent runs on this node", 0}});
  return base::ok();
}

// Scope::Past: empty means all of them.
Result<std::vector<std::string>> Agents::wantedNodes(const Options& options, Scope scope) const {
  std::vector<std::string> names = options.names;
  if (scope == Scope::Past && names.empty()) return std::vector<std::string>();
  const PodQuery query{options.all_namespaces ? "" : options.ns, options.selector, names};
  ASSIGN_OR_RETURN(const std::string columns, kubectl_->run(findPodsArguments(query)));
  ASSIGN_OR_RETURN(const std::vector<PodPlace> pods, parsePods(columns));
  std::set<std::string> nodes, found;
  for (const PodPlace& pod : pods) {
    if (!names.empty() && std::find(names.begin(), names.end(), pod.name) == names.end()) continue;
    found.insert(pod.name);
    if (!pod.node.empty()) nodes.insert(pod.node);
  }
  const bool all_found = found.size() == std::set<std::string>(names.begin(), names.end()).size();
  if (scope == Scope::Past && !all_found) return std::vector<std::string>();
  return std::vector<std::string>(nodes.begin(), nodes.end());
}

const std::string& Agents::nodeOf(size_t index) const { return members_[index]->node; }

Status Agents::allowAtOnce() {
  if (members_.size() > kMostStreams) {
    return base::error(ErrorCode::ResourceExhausted,
                       std::to_string(members_.size()) + " nodes are too many to watch at once (" +
                           std::to_string(kMostStreams) + "); choose some with --node");
  }
  at_once_ = std::max(at_once_, members_.size());
  return base::ok();
}

void Agents::forEach(const std::function<bool(size_t, Result<Client*>)>& visit) {
  // Connections are kept for the next question only where there is room for all of them.
  const bool keep = members_.size() <= at_once_;
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < members_.size();) {
      const bool good = visit(i, members_[i]->open(kubectl_, timeout_));
      if (kubectl_ && (!good || !keep)) members_[i]->close();
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(at_once_, members_.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace plimsoll::cli
