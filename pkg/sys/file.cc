#include "pkg/sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "pkg/base/parse.h"

namespace plimsoll::sys {
namespace {

using base::UniqueFd;

// glibc has no wrapper. EAGAIN: something was renamed or mounted meanwhile, and the kernel asks to try again.
UniqueFd openat2(int dir, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  constexpr int kAttempts = 8;
  for (int attempt = 1;; ++attempt) {
    const long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || attempt == kAttempts) return UniqueFd(static_cast<int>(fd));
  }
}

bool isName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Result<UniqueFd> openNameAt(int dir, const std::string& name, int flags) {
  if (!isName(name)) return base::invalidArgument("\"" + name + "\" is not the name of a file");
  UniqueFd fd(openat(dir, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "open " + name);
  return fd;
}

Result<std::string> readAll(int fd, const std::string& name, size_t limit) {
  std::string text;
  char chunk[4096];
  for (;;) {
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::errnoError(errno, "read " + name);
    if (n == 0) return text;
    if (text.size() + static_cast<size_t>(n) > limit) {
      return base::error(base::ErrorCode::ResourceExhausted,
                         name + " is longer than " + std::to_string(limit) + " bytes");
    }
    text.append(chunk, static_cast<size_t>(n));
  }
}

// As the kernel's openat2 with the flags above, one component at a time.
Result<UniqueFd> openStepwise(int dir, std::string_view path) {
  struct stat start {};
  if (fstat(dir, &start) != 0)
    return base::errnoError(errno, "stat the directory above " + std::string(path));
  UniqueFd current;
  for (std::string_view name : base::split(path, '/')) {
    const int from = current.valid() ? current.get() : dir;
    UniqueFd next(openat(from, std::string(name).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!next.valid() || fstat(next.get(), &info) != 0)
      return base::errnoError(errno, "open " + std::string(path));
    if (info.st_dev != start.st_dev) return base::errnoError(EXDEV, "open " + std::string(path));
    current = std::move(next);
  }
  return current;
}

struct DirCloser {
  void operator()(DIR* stream) const { closedir(stream); }
};

// readdir leaves the type open on some file systems.
bool isDirectory(int dir, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat info {};
  return fstatat(dir, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Lookup probeLookup() {
  return openat2(AT_FDCWD, ".", O_PATH | O_DIRECTORY).valid() ? Lookup::Openat2 : Lookup::Stepwise;
}

Result<UniqueFd> openDir(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "open directory " + path);
  return fd;
}

Result<UniqueFd> openDirBeneath(int dir, std::string_view path, Lookup lookup) {
  const std::string name(path.empty() ? "." : path);
  const auto parts = base::split(path, '/');
  if (!path.empty() && !std::all_of(parts.begin(), parts.end(), isName)) {
    return base::invalidArgument("\"" + name + "\" is not a path below a directory");
  }
  if (lookup == Lookup::Stepwise && !path.empty()) return openStepwise(dir, path);
  UniqueFd fd = lookup == Lookup::Openat2 ? openat2(dir, name.c_str(), O_PATH | O_DIRECTORY)
                                          : UniqueFd(openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "open " + name);
  return fd;
}

Result<std::string> readAt(int dir, const std::string& name, size_t limit) {
  ASSIGN_OR_RETURN(UniqueFd fd, openNameAt(dir, name, O_RDONLY));
  return readAll(fd.get(), name, limit);
}

Status writeAt(int dir, const std::string& name, const std::vector<std::string>& values) {
  ASSIGN_OR_RETURN(UniqueFd fd, openNameAt(dir, name, O_WRONLY | O_TRUNC));
  for (const std::string& value : values) {
    // The kernel strips the line end; in a plain file it keeps two values apart.
    const std::string line = value + "\n";
    const ssize_t n = ::write(fd.get(), line.data(), line.size());
    const std::string what = "write \"" + value + "\" to " + name;
    if (n < 0) return base::errnoError(errno, what);
    if (static_cast<size_t>(n) != line.size()) return base::errnoError(EIO, what + ", taken only in part");
  }
  return base::ok();
}

Result<std::vector<std::string>> listAt(int dir, Entries kind) {
  // A descriptor of its own: `dir` may be O_PATH, and duplicates share their position.
  UniqueFd own(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own.valid()) return base::errnoError(errno, "open directory");
  std::unique_ptr<DIR, DirCloser> stream(fdopendir(own.get()));
  if (!stream) return base::errnoError(errno, "list directory");
  own.release();  // closedir closes it
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(stream.get())) {
    if (isName(entry->d_name) && isDirectory(dir, *entry) == (kind == Entries::Directories)) {
      names.emplace_back(entry->d_name);
    }
    errno = 0;
  }
  if (errno != 0) return base::errnoError(errno, "list directory");
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> readFile(const std::string& path, size_t limit) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return base::errnoError(errno, "open " + path);
  return readAll(fd.get(), path, limit);
}

}  // namespace plimsoll::sys
