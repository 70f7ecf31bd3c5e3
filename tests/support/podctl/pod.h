// A pod as its manifest says it, as far as the test machines run pods: plain values, no protobuf.
//
// parsePods reads Kubernetes' own `kind: Pod` YAML, several documents in a text. It is a reader of our own
// tests' manifests, so a field it does not know is an error and not a silence. Not for workloads other than
// Pod.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::podctl {

// A missing number was not written. CPUs in thousandths, memory in bytes.
struct Amounts {
  std::optional<int64_t> milli_cpu;
  std::optional<int64_t> memory;
  std::map<std::string, int64_t> hugepages;  // "2MB" (the cgroup file's spelling) to bytes
};

struct VolumeMount {
  std::string mount_path;
  std::string host_path;
  bool read_only = false;
  bool bidirectional = false;
};

struct ContainerSpec {
  std::string name;
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<std::pair<std::string, std::string>> env;
  Amounts requests;  // what is not requested but limited is requested as limited, as the API server does
  Amounts limits;
  std::vector<VolumeMount> mounts;
  bool privileged = false;
  bool read_only_root = false;
  std::optional<int64_t> run_as_user;
  std::vector<std::string> add_capabilities;
  std::vector<std::string> drop_capabilities;
  bool no_new_privileges = false;  // allowPrivilegeEscalation: false
  std::string seccomp_profile;     // a file on the host; empty: unconfined
};

struct PodSpec {
  std::string name;
  std::string name_space = "default";
  std::string uid;  // made from namespace and name when the manifest has none
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<ContainerSpec> containers;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  int64_t grace_seconds = 30;
  std::map<std::string, std::string> sysctls;
};

// InvalidArgument names the document, the field and what is wrong with it.
base::Result<std::vector<PodSpec>> parsePods(std::string_view yaml);

}  // namespace plimsoll::podctl
