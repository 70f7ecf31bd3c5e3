#include "pkg/cgroup/hierarchy.h"

#include <algorithm>
#include <iterator>

#include "pkg/base/parse.h"

namespace plimsoll::cgroup {
namespace {

constexpr std::string_view kResourceControllers[] = {"cpu", "cpuset", "memory", "blkio", "pids", "hugetlb"};

bool isV1(const sys::Mount& mount) { return mount.fs_type == "cgroup"; }
bool isV2(const sys::Mount& mount) { return mount.fs_type == "cgroup2"; }

bool hasResourceController(const sys::Mount& mount) {
  const auto options = base::split(mount.super_options, ',');
  return isV1(mount) && std::any_of(options.begin(), options.end(), [](std::string_view option) {
           return std::find(std::begin(kResourceControllers), std::end(kResourceControllers), option) !=
                  std::end(kResourceControllers);
         });
}

std::string_view withoutEndSlash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

std::string refusal(Mode mode, const std::string& root) {
  constexpr std::string_view kRemedy =
      "; Plimsoll needs cgroup v2 alone: boot the kernel with systemd.unified_cgroup_hierarchy=1";
  switch (mode) {
    case Mode::Hybrid:
      return "this host runs cgroup v1 and v2 side by side (hybrid)" + std::string(kRemedy);
    case Mode::V1:
      return "this host runs cgroup v1" + std::string(kRemedy);
    case Mode::NotMounted:
    case Mode::Unified:
      break;
  }
  return "no cgroup v2 file system is mounted at " + root + "; mount the host's there, or name its place";
}

// "/../.." for a mount whose root lies two levels above that of our cgroup namespace.
int levelsAbove(std::string_view mount_root) {
  const auto parts = base::split(mount_root, '/');
  return static_cast<int>(std::count(parts.begin(), parts.end(), ".."));
}

// Directories exactly `depth` levels below `dir`, each as "/a/b".
std::vector<std::string> directoriesAt(int dir, sys::Lookup lookup, int depth) {
  std::vector<std::string> level = {""};
  for (int i = 0; i < depth; ++i) {
    std::vector<std::string> next;
    for (const std::string& parent : level) {
      auto opened =
          sys::openDirBeneath(dir, parent.empty() ? parent : std::string_view(parent).substr(1), lookup);
      if (!opened) continue;
      for (const std::string& name :
           sys::listAt(opened->get(), sys::Entries::Directories).value_or(std::vector<std::string>())) {
        next.push_back(parent + "/" + name);
      }
    }
    level = std::move(next);
  }
  return level;
}

}  // namespace

Mode modeOf(const std::vector<sys::Mount>& mounts, std::string_view root) {
  const std::string_view path = withoutEndSlash(root);
  const sys::Mount* holder = sys::mountHolding(mounts, path);
  if (holder != nullptr && isV2(*holder) && holder->mount_point == path) {
    return std::any_of(mounts.begin(), mounts.end(), hasResourceController) ? Mode::Hybrid : Mode::Unified;
  }
  if (!std::any_of(mounts.begin(), mounts.end(), isV1)) return Mode::NotMounted;
  return std::any_of(mounts.begin(), mounts.end(), isV2) ? Mode::Hybrid : Mode::V1;
}

Result<Hierarchy> Hierarchy::open(const sys::HostRoots& roots) {
  ASSIGN_OR_RETURN(const std::string text, sys::readFile(roots.proc + "/self/mountinfo"));
  ASSIGN_OR_RETURN(const auto mounts, sys::parseMountinfo(text));
  const Mode mode = modeOf(mounts, roots.cgroup);
  if (mode != Mode::Unified)
    return base::error(base::ErrorCode::FailedPrecondition, refusal(mode, roots.cgroup));
  ASSIGN_OR_RETURN(base::UniqueFd dir, sys::openDir(roots.cgroup));
  ASSIGN_OR_RETURN(const std::string controllers, sys::readAt(dir.get(), "cgroup.controllers"));
  const sys::Mount* mount = sys::mountHolding(mounts, withoutEndSlash(roots.cgroup));
  Hierarchy hierarchy(std::move(dir), sys::probeLookup(), levelsAbove(mount->root));
  for (std::string_view name : base::splitWords(controllers)) hierarchy.controllers_.emplace(name);
  return hierarchy;
}

Result<std::string> Hierarchy::locate(std::string_view proc_cgroup_text) const {
  ASSIGN_OR_RETURN(const ProcCgroup found, parseProcCgroup(proc_cgroup_text));
  const int unnamed = hidden_ - found.up;
  if (found.deleted) return base::error(base::ErrorCode::NotFound, "cgroup " + found.path + " was removed");
  if (unnamed == 0) return found.path;
  if (unnamed > 0 && found.path != "/") {
    for (const std::string& above : directoriesAt(dir(), lookup_, unnamed)) {
      const std::string path = above + found.path;
      if (sys::openDirBeneath(dir(), path.substr(1), lookup_)) return path;
    }
  }
  return base::error(base::ErrorCode::NotFound,
                     "cgroup " + found.path + " is not below the mounted cgroup tree");
}

}  // namespace plimsoll::cgroup
