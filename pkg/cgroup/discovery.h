// What libcgroup finds on this host: where cgroup v2 is mounted, and every cgroup there is. The only user of
// libcgroup, which is not thread-safe and keeps its mount table in globals: call once, at start, before other
// threads exist. It reads the process's own /proc/mounts, so a fake host goes around this file.
#pragma once

#include <string>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::cgroup {

struct Discovery {
  std::string mount_point;           // of the first cgroup2 in /proc/mounts; empty: none
  std::vector<std::string> cgroups;  // paths below the mount, "/" first, parents before children
};

base::Result<Discovery> discover();

}  // namespace plimsoll::cgroup
