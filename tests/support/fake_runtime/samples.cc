#include "tests/support/fake_runtime/samples.h"

namespace plimsoll::fake {
namespace {

std::string hexId(const std::string& seed) {
  std::string id;
  for (size_t i = 0; i < 64; ++i) id.push_back("0123456789abcdef"[(seed[i % seed.size()] + i * 7) % 16]);
  return id.substr(0, 64 - seed.size()) + seed;
}

}  // namespace

api::PodSandbox samplePod(int n) {
  std::string number = std::to_string(n);
  api::PodSandbox pod;
  pod.set_id(hexId("f" + number));
  pod.set_name("web-" + number);
  pod.set_uid("6a1f0000-0000-4000-8000-" + std::string(12 - std::min<size_t>(12, number.size()), '0') +
              number);
  pod.set_namespace_("default");
  pod.set_runtime_handler("runc");
  pod.set_pid(1000);
  auto& labels = *pod.mutable_labels();
  labels["io.kubernetes.pod.name"] = pod.name();
  labels["io.kubernetes.pod.namespace"] = pod.namespace_();
  labels["io.kubernetes.pod.uid"] = pod.uid();
  labels["app"] = "web";
  auto& annotations = *pod.mutable_annotations();
  annotations["kubernetes.io/config.seen"] = "2026-01-01T00:00:00Z";
  annotations["kubernetes.io/config.source"] = "api";
  annotations["io.kubernetes.cri.container-type"] = "sandbox";
  annotations["io.kubernetes.cri.sandbox-id"] = pod.id();
  auto* linux_part = pod.mutable_linux();
  linux_part->set_cgroup_parent("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + number +
                                ".slice");
  linux_part->set_cgroups_path("kubepods-burstable-pod" + number + ".slice:cri-containerd:" + pod.id());
  return pod;
}

api::Container sampleContainer(const api::PodSandbox& pod, const std::string& name) {
  api::Container container;
  container.set_id(hexId("c" + name + pod.name().substr(4)));
  container.set_pod_sandbox_id(pod.id());
  container.set_name(name);
  auto& labels = *container.mutable_labels();
  labels["io.kubernetes.container.name"] = name;
  labels["io.kubernetes.pod.name"] = pod.name();
  labels["io.kubernetes.pod.namespace"] = pod.namespace_();
  labels["io.kubernetes.pod.uid"] = pod.uid();
  auto& annotations = *container.mutable_annotations();
  annotations["io.kubernetes.cri.container-type"] = "container";
  annotations["io.kubernetes.cri.container-name"] = name;
  annotations["io.kubernetes.cri.sandbox-id"] = pod.id();
  container.add_args("/bin/server");
  container.add_env("PATH=/usr/local/bin:/usr/bin:/bin");
  container.add_env("HOSTNAME=" + pod.name());
  auto* mount = container.add_mounts();
  mount->set_destination("/proc");
  mount->set_type("proc");
  mount->set_source("proc");
  mount->add_options("nosuid");
  auto* resources = container.mutable_linux()->mutable_resources();
  resources->mutable_cpu()->mutable_shares()->set_value(512);
  resources->mutable_cpu()->mutable_quota()->set_value(100'000);
  resources->mutable_cpu()->mutable_period()->set_value(100'000);
  resources->mutable_memory()->mutable_limit()->set_value(256 << 20);
  std::string slice = pod.linux().cgroup_parent();
  container.mutable_linux()->set_cgroups_path(slice.substr(slice.rfind('/') + 1) +
                                              ":cri-containerd:" + container.id());
  return container;
}

}  // namespace plimsoll::fake
