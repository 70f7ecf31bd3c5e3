// Where the host's pseudo file systems are mounted as this process sees them. Passed to whoever reads them:
// the agent in a pod sees the host's under other paths than a process on the host, and tests see a fake tree.
#pragma once

#include <string>

namespace plimsoll::sys {

struct HostRoots {
  std::string cgroup = "/sys/fs/cgroup";
  std::string proc = "/proc";
  std::string sys = "/sys";
};

}  // namespace plimsoll::sys
