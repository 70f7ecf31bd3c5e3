#include "pkg/cgroup/discovery.h"

#include <libcgroup.h>

#include <string_view>

namespace plimsoll::cgroup {
namespace {

// libcgroup's name for the files that every cgroup v2 has: found also where no controller is enabled (seen
// with 2.0.2).
constexpr const char* kCoreController = "cgroup";

base::Status failure(int code, std::string_view what) {
  return base::error(base::ErrorCode::Internal,
                     "libcgroup cannot " + std::string(what) + ": " + cgroup_strerror(code));
}

std::string withoutEndSlash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

// The walk shows files too, and each directory by its whole path.
void take(const cgroup_file_info& info, Discovery& found) {
  if (info.type != CGROUP_FILE_TYPE_DIR || info.full_path == nullptr) return;
  const std::string path = withoutEndSlash(info.full_path);
  if (info.depth == 0) {
    found.mount_point = path;
    found.cgroups.emplace_back("/");
  } else if (path.starts_with(found.mount_point + "/")) {
    found.cgroups.push_back(path.substr(found.mount_point.size()));
  }
}

}  // namespace

base::Result<Discovery> discover() {
  if (int code = cgroup_init(); code != 0) {
    if (code == ECGROUPNOTMOUNTED) return Discovery{};
    return tl::make_unexpected(failure(code, "read the mounts").error());
  }
  void* handle = nullptr;
  cgroup_file_info info{};
  int base_level = 0;
  int code = cgroup_walk_tree_begin(kCoreController, "/", 0, &handle, &info, &base_level);
  if (code != 0) return Discovery{};  // no cgroup v2; and then there is no handle to end
  Discovery found;
  for (; code == 0; code = cgroup_walk_tree_next(0, &handle, &info, base_level)) take(info, found);
  cgroup_walk_tree_end(&handle);
  if (code != ECGEOF) return tl::make_unexpected(failure(code, "walk the tree").error());
  return found;
}

}  // namespace plimsoll::cgroup
