// A container's cgroup and those above it, as the kernel shows them now. For whoever asks over the API. Any
// thread.
#pragma once

#include <string>
#include <vector>

#include "pkg/api/source.h"
#include "pkg/base/result.h"
#include "pkg/cgroup/hierarchy.h"

namespace plimsoll::agent {

// These files of the cgroup at `path` and, with `above`, of all above it; the root is the first. Files that
// are not there are left out. isGone(): there is no such cgroup.
base::Result<std::vector<api::CgroupTexts>> readTree(const cgroup::Hierarchy& hierarchy,
                                                     const std::string& path,
                                                     const std::vector<std::string>& files, bool above);

}  // namespace plimsoll::agent
