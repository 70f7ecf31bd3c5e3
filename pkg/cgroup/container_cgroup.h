// One container's cgroup, held open: a cgroup that is made again under the same path is another one, and is
// never written to by mistake.
//
// Errors: gone (Error::isGone(), the cgroup was removed: normal, go on with the next container) is told apart
// from Unimplemented (the cgroup lives and has no such file: controller not enabled, or an older kernel). The
// errno and the file's path are kept. Cgroups are never created or removed here. Holds no lock; one thread at
// a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "pkg/cgroup/hierarchy.h"
#include "pkg/model/ancestor.h"

namespace plimsoll::cgroup {

class ContainerCgroup {
 public:
  // `path` as path.h gives it; not "/", which is the node's.
  static Result<ContainerCgroup> open(const Hierarchy& hierarchy, std::string path);

  const std::string& path() const { return path_; }
  // The kernel's cgroup id: not used again while the node runs.
  uint64_t id() const { return id_; }
  // The cgroup was removed.
  bool gone() const;

  // As the kernel shows it, trailing line end included.
  Result<std::string> read(const std::string& file) const;
  // Each value by one write(2), in order; stops at the first that fails.
  Status write(const std::string& file, const std::vector<std::string>& values) const;

  // The same file of each ancestor that has it, from the parent to the root. Levels that have no such file or
  // cannot be read are left out: what is not known binds nothing.
  std::vector<model::AncestorValue> ancestors(const std::string& file) const;

  // A path to the file by way of our held directory, for system calls that take no descriptor (inotify).
  std::string pathOf(const std::string& file) const {
    return "/proc/self/fd/" + std::to_string(dir_.get()) + "/" + file;
  }

  Result<std::set<std::string, std::less<>>> files() const;
  // Of this cgroup and all below it.
  Result<std::vector<pid_t>> pids() const;

 private:
  ContainerCgroup(base::UniqueFd dir, std::string path, uint64_t id)
      : dir_(std::move(dir)), path_(std::move(path)), id_(id) {}
  base::Error explain(base::Error error, const std::string& file) const;

  base::UniqueFd dir_;
  std::string path_;
  uint64_t id_;
};

}  // namespace plimsoll::cgroup
