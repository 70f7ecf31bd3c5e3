// A node for the guest's tests: the real containerd, the agent in a pod of its own, and pods run as a kubelet
// would. Inside the virtual machine only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/plimsoll/v1/plimsoll.grpc.pb.h"
#include "tests/support/podctl/pods.h"

namespace plimsoll::vm {

constexpr char kApiSocket[] = "/run/plimsoll/plimsoll.sock";
constexpr char kAgentManifest[] = "/payload/demo/agent-pod.yaml";
// With the capabilities that pods' namespaces and scheduling need.
constexpr char kNamespacesManifest[] = "/payload/demo/agent-pod-namespaces.yaml";
constexpr char kConfigFile[] = "/etc/plimsoll/node.yaml";

// The whole file without trailing line ends; "<errno name>" when it cannot be read.
std::string fileText(const std::string& path);
void writeText(const std::string& path, const std::string& text);

// Which of the agent's security profiles it runs with here: PLIMSOLL_PROFILE, comma-separated; "processes"
// without, since containerd 1.7 leaves oom.score-adj to be lowered by us.
std::vector<std::string> securityProfiles();

// Until `done` is true; false after `limit`.
bool eventually(const std::function<bool()>& done, std::chrono::seconds limit = std::chrono::seconds(30));

class Node {
 public:
  // Aborts the test program when there is no runtime: nothing can be tested then.
  Node();

  podctl::Client& client() { return *client_; }
  podctl::Pods& pods() { return *pods_; }

  // The configuration file's text; the agent notices by itself.
  void configure(const std::string& yaml);
  // The agent in its pod, registered with the runtime. False with a message on stderr. Without `capabilities`
  // it lacks those that its profile names.
  bool startAgent(const std::string& manifest = kAgentManifest, bool capabilities = true);
  void killAgent();
  // The agent's process, 0 if there is none.
  int agentPid() const;
  std::string agentLog();

  // A pod of one container "app" that sleeps, unless the manifest says more. `metadata` and `container` are
  // YAML flow text put into the manifest.
  podctl::PodSpec pod(const std::string& name, const std::string& annotations,
                      const std::string& container_extra = "", const std::string& ns = "test");
  // Runs it; test failures name what the runtime said.
  podctl::StartedPod run(const podctl::PodSpec& spec);
  // Removes every pod but the agent's.
  void removePods();

  std::string cgroupOf(const podctl::StartedPod& pod, const std::string& container = "app");
  std::string idOf(const podctl::StartedPod& pod, const std::string& container = "app");

  // The agent's view.
  std::optional<v1::Node> node();
  // 8 for NRI "0.8.0"; 0 while no runtime is connected.
  int nriMinor();
  std::optional<v1::Container> container(const std::string& id);
  std::vector<v1::Container> containers();
  std::vector<v1::Event> events();
  // A setting of a container; empty state if it is not in the report.
  v1::Setting setting(const std::string& id, const std::string& key);

 private:
  std::unique_ptr<v1::Agent::Stub> stub();

  std::unique_ptr<podctl::Client> client_;
  std::optional<podctl::Pods> pods_;
};

// One node for the whole program: starting the agent takes seconds under emulation.
Node& node();

}  // namespace plimsoll::vm
