// The real cgroup v2 tree of the machine that tests run on, whatever else is mounted there.
#pragma once

#include <string>

#include "pkg/sys/file.h"
#include "pkg/sys/mountinfo.h"

namespace plimsoll::testing_support {

// Empty: none is mounted.
inline std::string cgroup2Mount() {
  auto text = sys::readFile("/proc/self/mountinfo");
  auto mounts = text ? sys::parseMountinfo(*text) : tl::make_unexpected(text.error());
  if (!mounts) return "";
  for (const sys::Mount& mount : *mounts) {
    if (mount.fs_type == "cgroup2") return mount.mount_point;
  }
  return "";
}

// A mountinfo in which that tree is the host's only one, for a fake /proc: a hybrid host is refused.
inline std::string onlyCgroup2(const std::string& mount) {
  return "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n31 27 0:28 / " + mount + " rw - cgroup2 cgroup2 rw\n";
}

}  // namespace plimsoll::testing_support
