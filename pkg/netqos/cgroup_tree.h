// Cgroups by path and id below the mount, as far as traffic has to know them: which one an id stands for,
// whether it still exists, who is in it.
//
// An id is never given out twice while the node runs; a path may be. Errors: gone. Threads: any.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/netqos/types.h"

namespace plimsoll::netqos {

class CgroupTree {
 public:
  explicit CgroupTree(std::string mount) : mount_(std::move(mount)) {}

  // With its id; InvalidArgument: no path within the tree.
  base::Result<CgroupRef> find(const std::string& path) const;
  // Gone: the path does not exist, or has another id by now.
  base::Result<base::UniqueFd> open(const CgroupRef& cgroup) const;
  bool exists(const CgroupRef& cgroup) const;
  // Of itself, not of those below; none where it is gone.
  std::vector<pid_t> processes(const CgroupRef& cgroup) const;
  // The whole tree. What appears or ends meanwhile may be missing.
  std::map<uint64_t, std::string> paths() const;
  // One cgroup with all below it.
  std::map<uint64_t, std::string> paths(const std::string& from) const;

  // How deep below the root: "/a/b" is 2.
  static uint8_t depth(const std::string& path);

 private:
  std::string mount_;
};

}  // namespace plimsoll::netqos
