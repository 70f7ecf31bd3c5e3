#include "tests/support/podctl/messages.h"

#include <functional>

namespace plimsoll::podctl {
namespace cri = runtime::v1;
namespace {

void fill(cri::NamespaceOption* out, const PodSpec& pod) {
  out->set_network(pod.host_network ? cri::NODE : cri::POD);
  out->set_pid(pod.host_pid ? cri::NODE : cri::CONTAINER);
  out->set_ipc(pod.host_ipc ? cri::NODE : cri::POD);
}

// The names the kubelet labels sandboxes and containers with (k8s.io/kubelet/pkg/types): NRI plugins read
// them.
template <typename Labels>
void fillPodLabels(Labels& labels, const PodSpec& pod) {
  labels["io.kubernetes.pod.name"] = pod.name;
  labels["io.kubernetes.pod.namespace"] = pod.name_space;
  labels["io.kubernetes.pod.uid"] = pod.uid;
}

void fillSecurity(cri::LinuxContainerSecurityContext* out, const PodSpec& pod,
                  const ContainerSpec& container) {
  out->set_privileged(container.privileged);
  out->set_readonly_rootfs(container.read_only_root);
  if (container.run_as_user) out->mutable_run_as_user()->set_value(*container.run_as_user);
  for (const auto& name : container.add_capabilities) out->mutable_capabilities()->add_add_capabilities(name);
  for (const auto& name : container.drop_capabilities)
    out->mutable_capabilities()->add_drop_capabilities(name);
  out->set_no_new_privs(container.no_new_privileges);
  out->mutable_seccomp()->set_profile_type(
      container.seccomp_profile.empty() ? cri::SecurityProfile::Unconfined : cri::SecurityProfile::Localhost);
  out->mutable_seccomp()->set_localhost_ref(container.seccomp_profile);
  fill(out->mutable_namespace_options(), pod);
}

void fillMounts(cri::ContainerConfig& out, const ContainerSpec& container) {
  for (const VolumeMount& mount : container.mounts) {
    cri::Mount* m = out.add_mounts();
    m->set_container_path(mount.mount_path);
    m->set_host_path(mount.host_path);
    m->set_readonly(mount.read_only);
    if (mount.bidirectional) m->set_propagation(cri::PROPAGATION_BIDIRECTIONAL);
  }
}

}  // namespace

std::string logDirectory(const std::string& name_space, const std::string& name, const std::string& uid) {
  return "/var/log/pods/" + name_space + "_" + name + "_" + uid;
}

cri::LinuxContainerResources toResources(const ContainerLimits& limits) {
  cri::LinuxContainerResources out;
  out.set_cpu_shares(limits.cpu_shares);
  out.set_cpu_period(limits.cpu_period_us);
  // An update to "no limit" must say so; zero would mean "leave it".
  out.set_cpu_quota(limits.cpu_quota_us > 0 ? limits.cpu_quota_us : -1);
  out.set_oom_score_adj(limits.oom_score_adj);
  if (limits.memory_bytes > 0) {
    out.set_memory_limit_in_bytes(limits.memory_bytes);
    // Equal to the memory limit: no swap, as the kubelet has it without NodeSwap.
    out.set_memory_swap_limit_in_bytes(limits.memory_bytes);
  }
  for (const auto& [size, bytes] : limits.hugepages) {
    cri::HugepageLimit* limit = out.add_hugepage_limits();
    limit->set_page_size(size);
    limit->set_limit(bytes);
  }
  return out;
}

ContainerLimits fromResources(const cri::LinuxContainerResources& resources) {
  ContainerLimits out{.cpu_shares = resources.cpu_shares(),
                      .cpu_quota_us = resources.cpu_quota() > 0 ? resources.cpu_quota() : 0,
                      .cpu_period_us = resources.cpu_period(),
                      .memory_bytes = resources.memory_limit_in_bytes(),
                      .oom_score_adj = resources.oom_score_adj()};
  for (const auto& limit : resources.hugepage_limits()) out.hugepages[limit.page_size()] = limit.limit();
  return out;
}

ContainerState fromState(cri::ContainerState state) {
  switch (state) {
    case cri::CONTAINER_CREATED:
      return ContainerState::Created;
    case cri::CONTAINER_RUNNING:
      return ContainerState::Running;
    case cri::CONTAINER_EXITED:
      return ContainerState::Exited;
    default:
      return ContainerState::Unknown;
  }
}

cri::PodSandboxConfig sandboxConfig(const PodSpec& pod, const std::string& cgroup_parent,
                                    const ContainerLimits& limits) {
  cri::PodSandboxConfig out;
  out.mutable_metadata()->set_name(pod.name);
  out.mutable_metadata()->set_namespace_(pod.name_space);
  out.mutable_metadata()->set_uid(pod.uid);
  if (!pod.host_network) out.set_hostname(pod.name);
  out.set_log_directory(logDirectory(pod.name_space, pod.name, pod.uid));
  out.mutable_labels()->insert(pod.labels.begin(), pod.labels.end());
  fillPodLabels(*out.mutable_labels(), pod);
  out.mutable_annotations()->insert(pod.annotations.begin(), pod.annotations.end());
  (*out.mutable_annotations())["kubernetes.io/config.source"] = "api";

  cri::LinuxPodSandboxConfig* node = out.mutable_linux();
  node->set_cgroup_parent(cgroup_parent);
  node->mutable_sysctls()->insert(pod.sysctls.begin(), pod.sysctls.end());
  *node->mutable_resources() = toResources(limits);
  node->mutable_overhead();
  fill(node->mutable_security_context()->mutable_namespace_options(), pod);
  node->mutable_security_context()->mutable_seccomp()->set_profile_type(cri::SecurityProfile::RuntimeDefault);
  return out;
}

cri::ContainerConfig containerConfig(const PodSpec& pod, const ContainerSpec& container,
                                     const ContainerLimits& limits) {
  cri::ContainerConfig out;
  out.mutable_metadata()->set_name(container.name);
  out.mutable_image()->set_image(container.image);
  out.mutable_image()->set_user_specified_image(container.image);
  out.mutable_command()->Add(container.command.begin(), container.command.end());
  out.mutable_args()->Add(container.args.begin(), container.args.end());
  out.set_working_dir(container.working_dir);
  for (const auto& [key, value] : container.env) {
    cri::KeyValue* variable = out.add_envs();
    variable->set_key(key);
    variable->set_value(value);
  }
  fillMounts(out, container);
  fillPodLabels(*out.mutable_labels(), pod);
  (*out.mutable_labels())["io.kubernetes.container.name"] = container.name;
  auto& annotations = *out.mutable_annotations();
  annotations["io.kubernetes.container.restartCount"] = "0";
  annotations["io.kubernetes.pod.terminationGracePeriod"] = std::to_string(pod.grace_seconds);
  out.set_log_path(container.name + "/0.log");
  *out.mutable_linux()->mutable_resources() = toResources(limits);
  // One out-of-memory kill ends the container as a whole: the kubelet's default on cgroup v2.
  (*out.mutable_linux()->mutable_resources()->mutable_unified())["memory.oom.group"] = "1";
  fillSecurity(out.mutable_linux()->mutable_security_context(), pod, container);
  return out;
}

}  // namespace plimsoll::podctl
