// What a cgroup's ancestors hold in a file of the same name: read by pkg/cgroup, judged by pkg/policy.
#pragma once

#include <string>

namespace plimsoll::model {

struct AncestorValue {
  std::string path;  // of the file, below the cgroup mount: "/kubepods/pod1/memory.max"
  std::string text;  // as the kernel shows it
};

}  // namespace plimsoll::model
