#include "pkg/netqos/cgroup_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

namespace plimsoll::netqos {
namespace {

using base::Result;

constexpr int kDeepest = 12;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

void collect(const std::string& mount, const std::string& path, int depth,
             std::map<uint64_t, std::string>& out) {
  std::unique_ptr<DIR, CloseDir> dir(opendir((mount + path).c_str()));
  if (dir == nullptr || depth > kDeepest) return;
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    std::string below = path + "/" + std::string(name);
    out[entry->d_ino] = below;
    collect(mount, below, depth + 1, out);
  }
}

bool isPath(const std::string& path) {
  return path.size() > 1 && path.front() == '/' && path.find("/../") == std::string::npos &&
         !path.ends_with("/..") && path.find('\0') == std::string::npos;
}

}  // namespace

Result<CgroupRef> CgroupTree::find(const std::string& path) const {
  if (!isPath(path)) return base::invalidArgument("\"" + path + "\" is not a cgroup");
  struct stat info = {};
  // On kernels with 64-bit inode numbers a cgroup's id is its inode.
  if (stat((mount_ + path).c_str(), &info) != 0) return base::errnoError(errno, "look at cgroup " + path);
  return CgroupRef{path, info.st_ino};
}

Result<base::UniqueFd> CgroupTree::open(const CgroupRef& cgroup) const {
  if (!isPath(cgroup.path)) return base::invalidArgument("\"" + cgroup.path + "\" is not a cgroup");
  base::UniqueFd fd(::open((mount_ + cgroup.path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info = {};
  if (!fd.valid() || fstat(fd.get(), &info) != 0)
    return base::errnoError(errno, "open cgroup " + cgroup.path);
  if (info.st_ino != cgroup.id) return base::errnoError(ESTALE, "open cgroup " + cgroup.path);
  return fd;
}

bool CgroupTree::exists(const CgroupRef& cgroup) const {
  auto now = find(cgroup.path);
  return now && now->id == cgroup.id;
}

std::vector<pid_t> CgroupTree::processes(const CgroupRef& cgroup) const {
  std::vector<pid_t> out;
  auto dir = open(cgroup);
  if (!dir) return out;
  auto text = sys::readAt(dir->get(), "cgroup.procs");
  if (!text) return out;
  for (std::string_view word : base::splitWords(*text))
    if (auto pid = base::parseInt<pid_t>(word); pid && *pid > 0) out.push_back(*pid);
  return out;
}

std::map<uint64_t, std::string> CgroupTree::paths() const {
  std::map<uint64_t, std::string> out;
  collect(mount_, "", 0, out);
  return out;
}

std::map<uint64_t, std::string> CgroupTree::paths(const std::string& from) const {
  std::map<uint64_t, std::string> out;
  auto own = find(from);
  if (own) out[own->id] = from;
  collect(mount_, from, 0, out);
  return out;
}

uint8_t CgroupTree::depth(const std::string& path) { return std::count(path.begin(), path.end(), '/'); }

}  // namespace plimsoll::netqos
