// What is known of a pod, a container and the node when a plan is made. Plain values: whoever plans has no
// need to ask the system again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pkg/model/rules.h"

namespace plimsoll::model {

using StringMap = std::map<std::string, std::string, std::less<>>;

struct PodFacts {
  std::string sandbox_id;
  std::string name;
  std::string ns;
  std::string uid;
  StringMap labels;
  StringMap annotations;
  std::optional<std::string> service_account;  // not in NRI; known where the kubelet's API gives it
  QosClass qos = QosClass::BestEffort;
  std::string cgroup_parent;  // as the runtime gives it
  bool host_network = false;  // shares the node's network namespace
  bool host_ipc = false;      // shares the node's IPC namespace
  int64_t sandbox_pid = 0;    // the process that holds the pod's namespaces; 0: not known
};

struct MountFacts {
  std::string destination;  // in the container
  std::string source;       // on the host
  std::string type;
};

// What the kubelet and the runtime already decided: the base that a setting overrides. nullopt: not set by
// them.
struct BaseResources {
  std::optional<uint64_t> cpu_shares;
  std::optional<int64_t> cpu_quota_us;
  std::optional<uint64_t> cpu_period_us;
  std::optional<int64_t> memory_limit;
  std::optional<int64_t> pids_limit;
  std::optional<int64_t> oom_score_adj;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  StringMap unified;
};

enum class ContainerState { Unknown, Created, Running, Paused, Stopped };

struct ContainerFacts {
  std::string id;
  std::string name;
  std::string sandbox_id;
  ContainerState state = ContainerState::Unknown;
  std::string cgroups_path;  // as the runtime gives it; pkg/cgroup turns it into a path
  int64_t pid = 0;           // 0: not known (yet)
  BaseResources base;
  std::vector<MountFacts> mounts;
};

struct NodeFacts {
  KernelVersion kernel;
  std::string kernel_release;
  std::string runtime_name;
  std::string runtime_version;
  std::string nri_version;
  // What this runtime takes in a creation request, besides what every one does (unified, rlimits).
  std::set<Carrier> nri_carriers;
  // The agent may enter a pod's namespaces (CAP_SYS_ADMIN). Then it writes sysctls itself, since only so the
  // value before is known.
  bool may_enter_namespaces = false;
  // Whether the node's owner wants traffic priorities and rates, and why they cannot be had all the same.
  bool traffic = false;
  std::string traffic_problem;
  std::set<std::string, std::less<>> controllers;  // of the v2 tree
  // Files that a container's cgroup has on this kernel; empty: not known, and then nothing is called
  // unsupported.
  std::set<std::string, std::less<>> cgroup_files;
  CpuSet online_cpus;
  CpuSet online_mems;
  int64_t page_size = 4096;
};

}  // namespace plimsoll::model
