// /proc/<pid>/mountinfo: which mount holds a path, without touching the path, so that a dead network file
// system cannot block us. Format: proc_pid_mountinfo(5). Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"

namespace plimsoll::sys {

struct Mount {
  int64_t id = 0;
  int64_t parent = 0;
  uint32_t major = 0, minor = 0;  // st_dev of its files; major 0: no block device behind it
  std::string root;               // the directory of the file system that is mounted
  std::string mount_point;        // relative to the process's root
  std::string fs_type;
  std::string source;         // "/dev/sda1", "tmpfs", "none"
  std::string super_options;  // "rw,cpu,cpuacct"
};

// One line that is not understood makes the whole table an error: without it another mount would seem to hold
// its paths.
base::Result<std::vector<Mount>> parseMountinfo(std::string_view text);

// The mount that holds the absolute path, as the kernel would walk to it: a mount that is covered by a later
// one is not seen. Symbolic links in the path are not followed. nullptr: the path is not absolute, or there
// is no root mount.
const Mount* mountHolding(const std::vector<Mount>& mounts, std::string_view path);

// True for "/a" and "/a/b" below "/a", false for "/ab".
bool isBelow(std::string_view path, std::string_view directory);

}  // namespace plimsoll::sys
