// Pods as a whole, in the kubelet's place: cgroup, sandbox and containers up, resized and down again, and the
// look-ups that tests need. Blocks. Not for: restarts, probes, images (they are in the machine already).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/podctl/client.h"

namespace plimsoll::podctl {

struct StartedContainer {
  std::string name;
  std::string id;                    // "" when it could not be created
  std::optional<base::Error> error;  // the runtime's refusal, whole
};

struct StartedPod {
  std::string sandbox_id;
  std::string cgroup;  // below the cgroup root
  std::vector<StartedContainer> containers;
  bool allStarted() const;
};

class Pods {
 public:
  explicit Pods(Client& client, std::string cgroup_root = "/sys/fs/cgroup")
      : client_(client), cgroup_root_(std::move(cgroup_root)) {}

  // An error of the sandbox ends it and leaves nothing behind; one of a container stands beside its name and
  // the others go on, as under the kubelet. `progress` hears of each step once it is done.
  base::Result<StartedPod> run(const PodSpec& pod,
                               const std::function<void(const std::string&)>& progress = {});
  // Containers get `grace_seconds` to end. Gone already is well.
  base::Status remove(const SandboxInfo& pod, int64_t grace_seconds);

  // NotFound names what there is.
  base::Result<SandboxInfo> find(const std::string& name_space, const std::string& name);
  // With an empty name: the only container.
  base::Result<ContainerInfo> findContainer(const SandboxInfo& pod, const std::string& name);
  // The absolute cgroup directory of a container, or of the pod with an empty id.
  base::Result<std::string> cgroupDirectory(const SandboxInfo& pod, const std::string& container_id);

  // An in-place resize, pod cgroup included: grown before the container grows, shrunk after it shrank.
  base::Status resize(const SandboxInfo& pod, const ContainerInfo& container, const ContainerLimits& wanted);

  // DeadlineExceeded says what the state is instead.
  base::Result<ContainerDetail> waitFor(const std::string& container_id, ContainerState state,
                                        std::chrono::seconds timeout);

  // The container's log without CRI's time stamps and stream tags.
  base::Result<std::string> log(const std::string& container_id);

 private:
  StartedContainer start(const StartedPod& started, const PodSpec& pod, const ContainerSpec& container,
                         const ContainerLimits& limits);

  Client& client_;
  std::string cgroup_root_;
};

// The messages of a log in CRI's format ("<time> stdout F <text>" a line; P marks a part that goes on).
std::string logText(std::string_view cri_log);

}  // namespace plimsoll::podctl
