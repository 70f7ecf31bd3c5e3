#include "tests/support/podctl/pod_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "pkg/base/unique_fd.h"

namespace plimsoll::podctl {
namespace {

base::Status writeFile(const std::string& path, const std::string& value) {
  base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "open " + path);
  if (::write(fd.get(), value.data(), value.size()) < 0) {
    return base::errnoError(errno, "write \"" + value + "\" to " + path);
  }
  return base::ok();
}

base::Status handDownControllers(const std::string& directory) {
  std::ifstream in(directory + "/cgroup.controllers");
  std::string controller, all;
  while (in >> controller) all += (all.empty() ? "+" : " +") + controller;
  if (all.empty())
    return base::error(base::ErrorCode::FailedPrecondition, directory + " has no cgroup v2 controllers");
  return writeFile(directory + "/cgroup.subtree_control", all);
}

std::string limitOrMax(int64_t value) { return value > 0 ? std::to_string(value) : "max"; }

base::Status removeDirectory(const std::filesystem::path& path) {
  // The kernel empties a cgroup a moment after its last process was reaped.
  for (int attempt = 0;; ++attempt) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return base::ok();
    if (errno != EBUSY || attempt == 50) return base::errnoError(errno, "rmdir " + path.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

base::Status makePodCgroup(const std::string& cgroup_root, const std::string& parent) {
  std::string directory = cgroup_root;
  std::istringstream parts(parent);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part.empty()) continue;
    RETURN_IF_ERROR(handDownControllers(directory));
    directory += "/" + part;
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
      return base::errnoError(errno, "mkdir " + directory);
    }
    // Best effort yields to everyone: its tier has the smallest weight, as the kubelet sets it.
    if (part == "besteffort") RETURN_IF_ERROR(writeFile(directory + "/cpu.weight", "1"));
  }
  return handDownControllers(directory);
}

base::Status limitPodCgroup(const std::string& cgroup_root, const std::string& parent,
                            const ContainerLimits& limits) {
  const std::string directory = cgroup_root + parent;
  RETURN_IF_ERROR(writeFile(directory + "/cpu.weight", std::to_string(cpuWeight(limits.cpu_shares))));
  RETURN_IF_ERROR(writeFile(directory + "/cpu.max",
                            limitOrMax(limits.cpu_quota_us) + " " + std::to_string(limits.cpu_period_us)));
  return writeFile(directory + "/memory.max", limitOrMax(limits.memory_bytes));
}

base::Status removePodCgroup(const std::string& cgroup_root, const std::string& parent) {
  const std::filesystem::path directory = cgroup_root + parent;
  std::error_code ignored;  // a directory that cannot be listed is one that is gone; rmdir says the rest
  std::vector<std::filesystem::path> below;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.is_directory(ignored)) below.push_back(entry.path());
  }
  for (const auto& path : below) RETURN_IF_ERROR(removeDirectory(path));
  return removeDirectory(directory);
}

base::Result<int64_t> nodeMemory() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  int64_t kib = 0;
  if (!(in >> key >> kib) || key != "MemTotal:") {
    return base::error(base::ErrorCode::Internal, "/proc/meminfo does not begin with MemTotal");
  }
  return kib * 1024;
}

}  // namespace plimsoll::podctl
