#include "tests/support/podctl/pods.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/podctl/pod_cgroup.h"

namespace plimsoll::podctl {
namespace {

std::string listNames(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "there is none" : "there is: " + out;
}

// Both at once may grow one and shrink the other; taking the looser of each first never fails the container's
// write.
ContainerLimits looser(const ContainerLimits& a, const ContainerLimits& b) {
  auto loosest = [](int64_t x, int64_t y) { return x == 0 || y == 0 ? 0 : std::max(x, y); };
  ContainerLimits out = b;
  out.cpu_quota_us = loosest(a.cpu_quota_us, b.cpu_quota_us);
  out.memory_bytes = loosest(a.memory_bytes, b.memory_bytes);
  return out;
}

}  // namespace

bool StartedPod::allStarted() const {
  return std::none_of(containers.begin(), containers.end(),
                      [](const auto& c) { return c.error.has_value(); });
}

base::Result<StartedPod> Pods::run(const PodSpec& pod,
                                   const std::function<void(const std::string&)>& progress) {
  auto say = [&](const std::string& line) {
    if (progress) progress(line);
  };
  ASSIGN_OR_RETURN(const int64_t node_memory, nodeMemory());
  std::vector<ContainerLimits> limits;
  for (const auto& container : pod.containers) limits.push_back(containerLimits(pod, container, node_memory));

  StartedPod started{.cgroup = cgroupParent(pod)};
  RETURN_IF_ERROR(makePodCgroup(cgroup_root_, started.cgroup));
  RETURN_IF_ERROR(limitPodCgroup(cgroup_root_, started.cgroup, podLimits(limits)));
  auto sandbox = client_.runSandbox(pod, started.cgroup, podLimits(limits));
  if (!sandbox) {
    auto removed = removePodCgroup(cgroup_root_, started.cgroup);
    if (!removed) sandbox.error().message += " (and then: " + removed.error().message + ")";
    return tl::make_unexpected(sandbox.error());
  }
  started.sandbox_id = *sandbox;
  say("pod " + pod.name_space + "/" + pod.name + " sandbox " + started.sandbox_id);
  for (size_t i = 0; i < pod.containers.size(); ++i) {
    started.containers.push_back(start(started, pod, pod.containers[i], limits[i]));
    const StartedContainer& c = started.containers.back();
    say("container " + c.name + (c.error ? " FAILED: " + c.error->message : " " + c.id));
  }
  return started;
}

StartedContainer Pods::start(const StartedPod& started, const PodSpec& pod, const ContainerSpec& container,
                             const ContainerLimits& limits) {
  StartedContainer out{.name = container.name, .id = {}, .error = {}};
  auto id = client_.createContainer(started.sandbox_id, pod, started.cgroup, container, limits);
  if (!id) {
    out.error = id.error();
    return out;
  }
  out.id = *id;
  if (auto status = client_.startContainer(out.id); !status) out.error = status.error();
  return out;
}

base::Status Pods::remove(const SandboxInfo& pod, int64_t grace_seconds) {
  auto cgroup = cgroupDirectory(pod, "");
  ASSIGN_OR_RETURN(const auto containers, client_.containers(pod.id));
  for (const auto& container : containers) {
    auto stopped = client_.stopContainer(container.id, grace_seconds);
    if (!stopped && !stopped.error().isGone()) return stopped;
    auto removed = client_.removeContainer(container.id);
    if (!removed && !removed.error().isGone()) return removed;
  }
  RETURN_IF_ERROR(client_.stopSandbox(pod.id));
  RETURN_IF_ERROR(client_.removeSandbox(pod.id));
  std::error_code ignored;  // a log that stays does no harm
  std::filesystem::remove_all(logDirectory(pod.name_space, pod.name, pod.uid), ignored);
  if (!cgroup) return base::ok();
  return removePodCgroup("", *cgroup);
}

base::Result<SandboxInfo> Pods::find(const std::string& name_space, const std::string& name) {
  ASSIGN_OR_RETURN(const auto all, client_.sandboxes());
  std::vector<std::string> names;
  for (const auto& pod : all) {
    if (pod.name_space == name_space && pod.name == name) return pod;
    names.push_back(pod.name_space + "/" + pod.name);
  }
  return base::error(base::ErrorCode::NotFound,
                     "no pod " + name_space + "/" + name + "; " + listNames(names));
}

base::Result<ContainerInfo> Pods::findContainer(const SandboxInfo& pod, const std::string& name) {
  ASSIGN_OR_RETURN(const auto all, client_.containers(pod.id));
  if (name.empty() && all.size() == 1) return all.front();
  std::vector<std::string> names;
  for (const auto& container : all) {
    if (container.name == name) return container;
    names.push_back(container.name);
  }
  return base::error(base::ErrorCode::NotFound,
                     "no container \"" + name + "\" in pod " + pod.name + "; " + listNames(names));
}

base::Result<std::string> Pods::cgroupDirectory(const SandboxInfo& pod, const std::string& container_id) {
  for (const char* tier : {"/kubepods/pod", "/kubepods/burstable/pod", "/kubepods/besteffort/pod"}) {
    std::string directory = cgroup_root_ + tier + pod.uid;
    if (!container_id.empty()) directory += "/" + container_id;
    std::error_code ignored;
    if (std::filesystem::is_directory(directory, ignored)) return directory;
  }
  return base::error(base::ErrorCode::NotFound, "no cgroup of pod " + pod.name + " " + container_id);
}

base::Status Pods::resize(const SandboxInfo& pod, const ContainerInfo& container,
                          const ContainerLimits& wanted) {
  std::vector<ContainerLimits> before, after;
  ASSIGN_OR_RETURN(const auto all, client_.containers(pod.id));
  for (const auto& c : all) {
    ASSIGN_OR_RETURN(const ContainerDetail detail, client_.containerDetail(c.id));
    before.push_back(detail.limits);
    after.push_back(c.id == container.id ? wanted : detail.limits);
  }
  ASSIGN_OR_RETURN(const std::string cgroup, cgroupDirectory(pod, ""));
  RETURN_IF_ERROR(limitPodCgroup("", cgroup, looser(podLimits(before), podLimits(after))));
  RETURN_IF_ERROR(client_.updateContainer(container.id, wanted));
  return limitPodCgroup("", cgroup, podLimits(after));
}

base::Result<ContainerDetail> Pods::waitFor(const std::string& container_id, ContainerState state,
                                            std::chrono::seconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    ASSIGN_OR_RETURN(ContainerDetail detail, client_.containerDetail(container_id));
    if (detail.state == state) return detail;
    if (std::chrono::steady_clock::now() >= end) {
      return base::error(base::ErrorCode::DeadlineExceeded,
                         "the container is " + std::string(stateName(detail.state)) + ", not " +
                             std::string(stateName(state)) + ", after " + std::to_string(timeout.count()) +
                             " s");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

base::Result<std::string> Pods::log(const std::string& container_id) {
  ASSIGN_OR_RETURN(const ContainerDetail detail, client_.containerDetail(container_id));
  std::ifstream in(detail.log_path);
  if (!in) return base::error(base::ErrorCode::NotFound, "no log at \"" + detail.log_path + "\"");
  std::ostringstream text;
  text << in.rdbuf();
  return logText(text.str());
}

std::string logText(std::string_view cri_log) {
  std::string out;
  while (!cri_log.empty()) {
    const size_t end = std::min(cri_log.find('\n'), cri_log.size());
    const std::string_view line = cri_log.substr(0, end);
    cri_log.remove_prefix(std::min(end + 1, cri_log.size()));
    const size_t stream = line.find(' ');
    const size_t tag = stream == line.npos ? stream : line.find(' ', stream + 1);
    const size_t text = tag == line.npos ? tag : line.find(' ', tag + 1);
    if (text == line.npos) continue;
    out += line.substr(text + 1);
    if (line.substr(tag + 1, text - tag - 1) != "P") out += '\n';
  }
  return out;
}

}  // namespace plimsoll::podctl
