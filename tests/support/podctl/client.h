// A client of the Container Runtime Interface (CRI v1) over a unix socket: one call, one method, in plain
// values. A runtime's refusal comes whole: its gRPC code and its sentence, behind the method's name.
//
// Not for: pods as a whole (pods.h). Blocks; each call has a deadline; any thread.
//
//   ASSIGN_OR_RETURN(auto client, Client::connect("/run/containerd/containerd.sock"));
//   ASSIGN_OR_RETURN(std::string sandbox, client->runSandbox(pod, cgroupParent(pod), podLimits(limits)));
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "tests/support/podctl/kubelet.h"
#include "tests/support/podctl/pod.h"

namespace plimsoll::podctl {

inline constexpr char kContainerdSocket[] = "/run/containerd/containerd.sock";

// Where the runtime writes the logs of a pod's containers; the kubelet's place for them.
std::string logDirectory(const std::string& name_space, const std::string& name, const std::string& uid);

struct RuntimeVersion {
  std::string name;
  std::string version;
  std::string api_version;
};

struct SandboxInfo {
  std::string id;
  std::string name;
  std::string name_space;
  std::string uid;
  bool ready = false;
};

enum class ContainerState { Created, Running, Exited, Unknown };
std::string_view stateName(ContainerState state);

struct ContainerInfo {
  std::string id;
  std::string name;
  std::string sandbox_id;
  ContainerState state = ContainerState::Unknown;
};

struct ContainerDetail {
  ContainerState state = ContainerState::Unknown;
  int exit_code = 0;  // of an exited container
  std::string reason;
  std::string log_path;
  ContainerLimits limits;  // as the runtime last heard them
  std::string json;        // the runtime's own words: containerd's has "pid" and "runtimeSpec"
};

struct ExecOutcome {
  int exit_code = 0;
  std::string output;
  std::string errors;
};

class Client {
 public:
  // Unavailable when nobody answers there within `patience`.
  static base::Result<std::unique_ptr<Client>> connect(
      const std::string& socket, std::chrono::seconds patience = std::chrono::seconds(10));
  ~Client();

  base::Result<RuntimeVersion> version();
  // Unready conditions ("NetworkReady: cni plugin not initialized"); empty when all is well.
  base::Result<std::string> complaints();

  base::Result<std::string> runSandbox(const PodSpec& pod, const std::string& cgroup_parent,
                                       const ContainerLimits& limits);
  base::Status stopSandbox(const std::string& id);
  base::Status removeSandbox(const std::string& id);
  base::Result<std::vector<SandboxInfo>> sandboxes();

  // `pod` and `cgroup_parent` as they were given to runSandbox.
  base::Result<std::string> createContainer(const std::string& sandbox_id, const PodSpec& pod,
                                            const std::string& cgroup_parent, const ContainerSpec& container,
                                            const ContainerLimits& limits);
  base::Status startContainer(const std::string& id);
  base::Status stopContainer(const std::string& id, int64_t grace_seconds);
  base::Status removeContainer(const std::string& id);
  base::Status updateContainer(const std::string& id, const ContainerLimits& limits);
  // Of one sandbox, or of all with "".
  base::Result<std::vector<ContainerInfo>> containers(const std::string& sandbox_id = "");
  base::Result<ContainerDetail> containerDetail(const std::string& id);
  base::Result<ExecOutcome> exec(const std::string& id, const std::vector<std::string>& command,
                                 std::chrono::seconds timeout = std::chrono::seconds(30));

 private:
  struct Stub;
  explicit Client(std::unique_ptr<Stub> stub);
  std::unique_ptr<Stub> stub_;
};

}  // namespace plimsoll::podctl
