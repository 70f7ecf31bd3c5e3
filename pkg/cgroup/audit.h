// Looks through the pods' part of the cgroup tree for containers that nobody told us of. For nodes where the
// runtime cannot be asked (no CRI socket).
//
// A container's cgroup is recognised by its name, as runtimes give it: 64 hexadecimal digits (cgroupfs), or
// those between a prefix and ".scope" (systemd: "cri-containerd-ID.scope", "crio-ID.scope"). A sandbox has
// such a name too: it is told by the caller or by its one process called "pause". Conmon's cgroups are none.
//
// In steps, so that a big node costs the event loop only moments at a time. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/cgroup/hierarchy.h"

namespace plimsoll::cgroup {

// "<64 hex>" of a container's cgroup name; empty: it is none.
std::string_view containerIdOf(std::string_view cgroup_name);

struct FoundContainer {
  std::string id;
  std::string path;  // of its cgroup
};

class TreeAudit {
 public:
  struct Options {
    std::vector<std::string> roots{"/kubepods", "/kubepods.slice"};  // those there are not are left out
    int max_depth = 6;
    size_t max_cgroups = 20'000;                     // looked at in one audit; more are left out and told
    std::function<bool(std::string_view id)> known;  // containers and sandboxes
  };

  // Hierarchy and roots must outlive the audit.
  TreeAudit(const Hierarchy& hierarchy, const sys::HostRoots& roots, Options options);

  // Looks at up to `cgroups` directories. True: the audit is complete.
  bool step(size_t cgroups);

  const std::vector<FoundContainer>& unknown() const { return unknown_; }
  bool truncated() const { return truncated_; }

 private:
  struct Pending {
    std::string path;
    int depth;
  };
  void lookAt(const Pending& directory);
  bool isSandbox(const std::string& path) const;

  const Hierarchy& hierarchy_;
  const sys::HostRoots& roots_;
  Options options_;
  std::vector<Pending> pending_;
  std::vector<FoundContainer> unknown_;
  size_t looked_at_ = 0;
  bool truncated_ = false;
};

}  // namespace plimsoll::cgroup
