#include "pkg/cgroup/path.h"

#include <algorithm>

#include "pkg/base/parse.h"

namespace plimsoll::cgroup {
namespace {

constexpr std::string_view kSlice = ".slice";
constexpr size_t kLongestName = 255;  // NAME_MAX
constexpr size_t kLongestPath = 4000;

bool isComponent(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.size() > kLongestName) return false;
  return std::none_of(name.begin(), name.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
}

tl::unexpected<base::Error> notAPath(std::string_view text) {
  std::string shown;
  for (unsigned char c : text.substr(0, 200)) shown += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  return base::invalidArgument("\"" + shown + "\" is not the path of a cgroup");
}

std::string_view lastComponent(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// "kubepods-pod1.slice:cri-containerd:ID"
Result<std::string> fromSystemd(const std::vector<std::string_view>& parts, std::string_view cgroup_parent) {
  std::string parent;
  if (lastComponent(cgroup_parent) == parts[0] && cgroup_parent.starts_with('/')) {
    parent = std::string(cgroup_parent);
  } else {
    // runc's rule: without a slice, system.slice.
    ASSIGN_OR_RETURN(parent, expandSlice(parts[0].empty() ? "system.slice" : parts[0]));
  }
  if (parent == "/") parent.clear();
  std::string unit(parts[2]);
  if (!unit.ends_with(kSlice)) {
    unit = (parts[1].empty() ? "" : std::string(parts[1]) + "-") + unit + ".scope";
  }
  if (!isComponent(unit)) return notAPath(unit);
  return parent + "/" + unit;
}

}  // namespace

base::Status checkPath(std::string_view path) {
  if (path == "/") return base::ok();
  if (!path.starts_with('/') || path.size() > kLongestPath) return notAPath(path);
  const auto parts = base::split(path.substr(1), '/');
  if (!std::all_of(parts.begin(), parts.end(), isComponent)) return notAPath(path);
  return base::ok();
}

Result<std::string> expandSlice(std::string_view slice) {
  if (slice == "-.slice") return "/";
  if (!slice.ends_with(kSlice) || !isComponent(slice)) return notAPath(slice);
  const std::string_view name = slice.substr(0, slice.size() - kSlice.size());
  std::string path, prefix;
  for (std::string_view part : base::split(name, '-')) {
    if (part.empty()) return notAPath(slice);
    prefix += (prefix.empty() ? "" : "-") + std::string(part);
    path += "/" + prefix + std::string(kSlice);
  }
  return path;
}

Result<std::string> fromRuntime(std::string_view cgroups_path, std::string_view cgroup_parent) {
  if (cgroups_path.empty()) return notAPath(cgroups_path);
  const auto parts = base::split(cgroups_path, ':');
  std::string path;
  if (parts.size() == 3 && !cgroups_path.starts_with('/')) {
    if (parts[2].empty()) return notAPath(cgroups_path);
    ASSIGN_OR_RETURN(path, fromSystemd(parts, cgroup_parent));
  } else {
    // runc takes a relative path as one below the root.
    path = (cgroups_path.starts_with('/') ? "" : "/") + std::string(cgroups_path);
  }
  RETURN_IF_ERROR(checkPath(path));
  if (path == "/") return notAPath(cgroups_path);
  return path;
}

Result<ProcCgroup> parseProcCgroup(std::string_view text) {
  constexpr std::string_view kUnified = "0::", kDeleted = " (deleted)";
  for (std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(kUnified)) continue;
    line.remove_prefix(kUnified.size());
    ProcCgroup found;
    if (line.ends_with(kDeleted)) {
      found.deleted = true;
      line.remove_suffix(kDeleted.size());
    }
    while (line == "/.." || line.starts_with("/../")) {
      ++found.up;
      line.remove_prefix(3);
    }
    found.path = line.empty() && found.up > 0 ? "/" : std::string(line);
    RETURN_IF_ERROR(checkPath(found.path));
    return found;
  }
  return base::error(base::ErrorCode::FailedPrecondition, "the process is in no cgroup of version 2");
}

bool isMember(const ProcCgroup& found, std::string_view path) {
  const auto below = [&](std::string_view known) {
    return found.path == known || (found.path.starts_with(known) && found.path[known.size()] == '/');
  };
  if (path.size() < 2) return false;
  if (below(path)) return true;
  if (found.up == 0) return false;
  // Names that we share with the process are hidden: try each end of the path, the longest first. The last
  // component holds the container's id, so that a match of it alone is one.
  for (size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (below(path.substr(slash))) return true;
  }
  return false;
}

}  // namespace plimsoll::cgroup
