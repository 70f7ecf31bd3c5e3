#include "pkg/cgroup/container_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pkg/base/parse.h"

namespace plimsoll::cgroup {
namespace {

// A container may make cgroups of its own; work for one container stays bounded.
constexpr size_t kMostCgroups = 1024;

// Where the parents' limit shows: an empty cpuset.cpus means "as above".
std::string fileOfAncestor(const std::string& file) {
  return file == "cpuset.cpus" || file == "cpuset.mems" ? file + ".effective" : file;
}

void addPids(std::string_view text, std::vector<pid_t>& pids) {
  for (std::string_view word : base::splitWords(text)) {
    // 0 stands for a process that our PID namespace does not see.
    const auto pid = base::parseInt<pid_t>(word);
    if (pid && *pid > 0) pids.push_back(*pid);
  }
}

}  // namespace

Result<ContainerCgroup> ContainerCgroup::open(const Hierarchy& hierarchy, std::string path) {
  RETURN_IF_ERROR(checkPath(path));
  if (path == "/") return base::invalidArgument("the root of the cgroup tree belongs to no container");
  auto dir = sys::openDirBeneath(hierarchy.dir(), std::string_view(path).substr(1), hierarchy.lookup());
  if (!dir) {
    dir.error().message = "cgroup " + dir.error().message;
    return tl::make_unexpected(std::move(dir).error());
  }
  struct stat info {};
  if (fstat(dir->get(), &info) != 0) return base::errnoError(errno, "stat cgroup " + path);
  // On 64-bit systems the inode's number of a cgroup is its id (kernfs; seen on 6.18).
  return ContainerCgroup(*std::move(dir), std::move(path), info.st_ino);
}

bool ContainerCgroup::gone() const {
  return faccessat(dir_.get(), "cgroup.procs", F_OK, 0) != 0 && (errno == ENOENT || errno == ENODEV);
}

// The same errno means two things: "No such device" of a removed cgroup, and of a device that io.max names.
base::Error ContainerCgroup::explain(base::Error error, const std::string& file) const {
  if (!error.isGone() && error.sys_errno != EOPNOTSUPP) {
    error.message = path_ + ": " + error.message;
    return error;
  }
  if (gone()) {
    error.code = base::ErrorCode::NotFound;
    error.message = "cgroup " + path_ + " was removed";
  } else if (error.sys_errno == ENOENT || error.sys_errno == EOPNOTSUPP) {
    error.code = base::ErrorCode::Unimplemented;
    error.message = path_ + (error.sys_errno == ENOENT ? " has no " : " does not support ") + file;
  } else {
    error.code = base::ErrorCode::InvalidArgument;
    error.message = path_ + ": " + error.message;
  }
  return error;
}

Result<std::string> ContainerCgroup::read(const std::string& file) const {
  auto text = sys::readAt(dir_.get(), file);
  if (!text) return tl::make_unexpected(explain(std::move(text).error(), file));
  return text;
}

Status ContainerCgroup::write(const std::string& file, const std::vector<std::string>& values) const {
  auto status = sys::writeAt(dir_.get(), file, values);
  if (!status) return tl::make_unexpected(explain(std::move(status).error(), file));
  return status;
}

std::vector<model::AncestorValue> ContainerCgroup::ancestors(const std::string& file) const {
  const std::string name = fileOfAncestor(file);
  std::vector<model::AncestorValue> values;
  base::UniqueFd current;
  // By "..", not by path: these are the parents even if the path has a new owner by now.
  for (std::string path = path_; !path.empty();) {
    const int below = current.valid() ? current.get() : dir_.get();
    base::UniqueFd parent(openat(below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid()) break;
    path.resize(path.rfind('/'));
    if (auto text = sys::readAt(parent.get(), name)) values.push_back({path + "/" + name, *std::move(text)});
    current = std::move(parent);
  }
  return values;
}

Result<std::set<std::string, std::less<>>> ContainerCgroup::files() const {
  auto names = sys::listAt(dir_.get(), sys::Entries::Files);
  if (!names) return tl::make_unexpected(explain(std::move(names).error(), "any file"));
  // A directory that was removed can still be listed, and is empty then.
  if (names->empty() && gone())
    return base::error(base::ErrorCode::NotFound, "cgroup " + path_ + " was removed");
  return std::set<std::string, std::less<>>(names->begin(), names->end());
}

Result<std::vector<pid_t>> ContainerCgroup::pids() const {
  ASSIGN_OR_RETURN(const std::string own, read("cgroup.procs"));
  std::vector<pid_t> pids;
  addPids(own, pids);
  std::vector<base::UniqueFd> found;
  const auto addChildren = [&found](int dir) {
    for (const std::string& name :
         sys::listAt(dir, sys::Entries::Directories).value_or(std::vector<std::string>())) {
      base::UniqueFd child(openat(dir, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child.valid()) found.push_back(std::move(child));
    }
  };
  addChildren(dir_.get());
  for (size_t visited = 0; !found.empty(); ++visited) {
    if (visited == kMostCgroups) {
      return base::error(
          base::ErrorCode::ResourceExhausted,
          path_ + " has more than " + std::to_string(kMostCgroups) + " cgroups of its own below it");
    }
    const base::UniqueFd child = std::move(found.back());
    found.pop_back();
    // A child may vanish meanwhile, or be threaded (EOPNOTSUPP), and then its parent lists the processes.
    if (auto text = sys::readAt(child.get(), "cgroup.procs")) addPids(*text, pids);
    addChildren(child.get());
  }
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

}  // namespace plimsoll::cgroup
