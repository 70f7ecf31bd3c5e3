#include "pkg/cgroup/devices.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "pkg/base/parse.h"
#include "pkg/model/device_number.h"
#include "pkg/sys/file.h"
#include "pkg/sys/mountinfo.h"

namespace plimsoll::cgroup {
namespace {

using base::Result;
using model::ContainerFacts;
using model::DeviceNumber;
using model::DeviceRef;
using model::MountFacts;

std::string textOf(DeviceNumber number) {
  return std::to_string(number.major) + ":" + std::to_string(number.minor);
}

// The kubelet's folders carry a volume's name: .../volumes/<plugin>/<volume>[/...] and
// .../volume-subpaths/<volume>/<container>/<index> (k8s.io/kubernetes pkg/kubelet/kubelet_getters.go).
bool isVolume(std::string_view source, std::string_view volume) {
  const auto parts = base::split(source, '/');
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] != volume) continue;
    if (parts[i - 1] == "volume-subpaths" || (i >= 2 && parts[i - 2] == "volumes")) return true;
  }
  return false;
}

// Where in the container the device is looked for.
Result<std::string> pathInContainer(const DeviceRef& device, const ContainerFacts& container) {
  if (device.kind == DeviceRef::Kind::Path) {
    if (device.name.starts_with('/') && (device.name + "/").find("/../") == std::string::npos)
      return device.name;
    return base::invalidArgument(device.toString() + " is not an absolute path");
  }
  for (const MountFacts& mount : container.mounts) {
    if (isVolume(mount.source, device.name)) return mount.destination;
  }
  return base::error(base::ErrorCode::NotFound,
                     "no mount of the container shows the volume \"" + device.name +
                         "\"; for hostPath, CSI and local volumes name the path, as in path:/data");
}

Result<DeviceNumber> deviceOf(const std::vector<sys::Mount>& mounts, const std::string& path,
                              const DeviceRef& device) {
  const sys::Mount* mount = sys::mountHolding(mounts, path);
  if (mount == nullptr) return base::error(base::ErrorCode::NotFound, "no mount holds " + device.toString());
  if (mount->major != 0) return DeviceNumber{mount->major, mount->minor};
  std::string advice = "; name the disk by its number, as in 8:0";
  if (mount->fs_type == "overlay") advice = ", the container's own layer; name a path on a volume";
  return base::error(
      base::ErrorCode::FailedPrecondition,
      device.toString() + " is on " + mount->fs_type + ", which has no block device of its own" + advice);
}

Result<std::vector<sys::Mount>> mountsOf(const sys::HostRoots& roots, int64_t pid) {
  ASSIGN_OR_RETURN(const std::string text,
                   sys::readFile(roots.proc + "/" + std::to_string(pid) + "/mountinfo", 8 * sys::kReadLimit));
  return sys::parseMountinfo(text);
}

// Before the container's process exists: through the mounts that the runtime was told to make.
Result<DeviceNumber> deviceBeforeStart(const sys::HostRoots& roots, const std::string& path,
                                       const DeviceRef& device, const ContainerFacts& container) {
  const MountFacts* holder = nullptr;
  for (const MountFacts& mount : container.mounts) {
    const bool longer = holder == nullptr || mount.destination.size() >= holder->destination.size();
    if (sys::isBelow(path, mount.destination) && longer) holder = &mount;
  }
  if (holder == nullptr) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       device.toString() + " is on none of the container's mounts; name a path on a volume");
  }
  if (!holder->source.starts_with('/')) {
    return base::error(base::ErrorCode::FailedPrecondition,
                       device.toString() + " is on " + holder->type + ", which has no block device");
  }
  const std::string rest = holder->destination == "/" ? path : path.substr(holder->destination.size());
  ASSIGN_OR_RETURN(const auto mounts, mountsOf(roots, 1));
  return deviceOf(mounts, holder->source + rest, device);
}

// sysfs: dev/block/8:1 leads to .../sda/sda1, where a partition has the file "partition" and lies in its
// disk.
Result<DeviceNumber> wholeDisk(const sys::HostRoots& roots, DeviceNumber number) {
  auto dir = sys::openDir(roots.sys + "/dev/block/" + textOf(number));
  if (!dir && dir.error().isGone()) {
    return base::error(base::ErrorCode::NotFound, "this node has no block device " + textOf(number));
  }
  if (!dir) return tl::make_unexpected(std::move(dir).error());
  if (faccessat(dir->get(), "partition", F_OK, 0) != 0) return number;
  const base::UniqueFd disk(openat(dir->get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSIGN_OR_RETURN(const std::string text, sys::readAt(disk.get(), "dev"));
  const auto parsed = model::parseDeviceNumber(base::trim(text));
  if (!parsed) {
    return base::error(base::ErrorCode::Internal,
                       "the disk of partition " + textOf(number) + " shows no device number");
  }
  return *parsed;
}

}  // namespace

Result<DeviceNumber> resolveDevice(const sys::HostRoots& roots, const DeviceRef& device,
                                   const ContainerFacts& container) {
  if (device.kind == DeviceRef::Kind::Number) return wholeDisk(roots, device.number);
  ASSIGN_OR_RETURN(const std::string path, pathInContainer(device, container));
  if (container.pid > 0) {
    if (auto mounts = mountsOf(roots, container.pid); mounts && !mounts->empty()) {
      ASSIGN_OR_RETURN(const DeviceNumber number, deviceOf(*mounts, path, device));
      return wholeDisk(roots, number);
    }
  }
  ASSIGN_OR_RETURN(const DeviceNumber number, deviceBeforeStart(roots, path, device, container));
  return wholeDisk(roots, number);
}

}  // namespace plimsoll::cgroup
