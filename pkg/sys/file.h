// Files of pseudo file systems (cgroup, proc, sysfs), opened below a directory that is held open: what is
// held cannot be exchanged for a namesake. No path leaves its directory, no symbolic link is followed.
//
// Not for: large or slow files, files that have to be created. Never O_CREAT: a misspelt name is an error.
// Functions only, any thread.
//
//   ASSIGN_OR_RETURN(base::UniqueFd dir, sys::openDir("/sys/fs/cgroup"));
//   ASSIGN_OR_RETURN(std::string text, sys::readAt(dir.get(), "cgroup.controllers"));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::sys {

using base::Result;
using base::Status;

constexpr size_t kReadLimit = 1 << 20;  // no file that we read whole is longer

// How a path of several components is opened: by one openat2(2), or, where a seccomp filter forbids that
// call, component by component with the same guarantees.
enum class Lookup { Openat2, Stepwise };
Lookup probeLookup();

// Follows symbolic links: for roots that the node's owner names. The descriptor is O_PATH.
Result<base::UniqueFd> openDir(const std::string& path);

// A directory below `dir` on the same mount (openat2: BENEATH, NO_SYMLINKS, NO_XDEV); "" is `dir` itself. The
// descriptor is O_PATH. InvalidArgument: the path has "..", ".", empty components, or a leading or trailing
// slash.
Result<base::UniqueFd> openDirBeneath(int dir, std::string_view path, Lookup lookup);

// The three below take one name, not a path. `name` shows in the error.

// The whole file. ResourceExhausted: longer than `limit`.
Result<std::string> readAt(int dir, const std::string& name, size_t limit = kReadLimit);

// Each value by one write(2), all through one open file; a write that the kernel takes only in part is an
// error. O_TRUNC lets a plain file stand in for a kernel file, on which it has no effect (see
// docs/adr/0002-cgroup-writes.md). O_NONBLOCK lets the write of memory.high and memory.max return without
// reclaim (since Linux 6.16).
Status writeAt(int dir, const std::string& name, const std::vector<std::string>& values);

// Names in a directory without "." and "..", sorted.
enum class Entries { Files, Directories };
Result<std::vector<std::string>> listAt(int dir, Entries kind);

// For /proc and /sys files by their whole path; symbolic links are followed.
Result<std::string> readFile(const std::string& path, size_t limit = kReadLimit);

}  // namespace plimsoll::sys
