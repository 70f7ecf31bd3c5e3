#include "pkg/metrics/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string_view>
#include <vector>

#include "pkg/base/parse.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::metrics {
namespace {

std::string readSmall(const std::string& path, size_t limit) {
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(limit, '\0');
  size_t size = 0;
  for (ssize_t n; fd.valid() && size < limit; size += static_cast<size_t>(n)) {
    n = ::read(fd.get(), text.data() + size, limit - size);
    if (n <= 0) break;
  }
  text.resize(size);
  return text;
}

// Fields of /proc/<pid>/stat from the third on (proc_pid_stat(5)): the second, the name, may hold anything.
std::vector<std::string_view> statFields(std::string_view text) {
  const size_t end = text.rfind(')');
  if (end == std::string_view::npos) return {};
  return base::splitWords(text.substr(end + 1));
}

constexpr size_t kFirstField = 3;

std::optional<uint64_t> field(const std::vector<std::string_view>& fields, size_t number) {
  if (number - kFirstField >= fields.size()) return std::nullopt;
  return base::parseInt<uint64_t>(fields[number - kFirstField]);
}

// When the node booted, in seconds since the epoch.
std::optional<uint64_t> bootTime(const std::string& proc) {
  const std::string text = readSmall(proc + "/stat", 1 << 20);
  for (std::string_view line : base::split(text, '\n')) {
    if (line.starts_with("btime ")) return base::parseInt<uint64_t>(line.substr(6));
  }
  return std::nullopt;
}

std::optional<uint64_t> countEntries(const std::string& path) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const std::unique_ptr<DIR, Close> dir(::opendir(path.c_str()));
  if (!dir) return std::nullopt;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  // The one that we count with.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

ProcessNumbers readProcess(const std::string& proc) {
  ProcessNumbers numbers;
  const std::string text = readSmall(proc + "/self/stat", 4096);
  const auto fields = statFields(text);
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto user = field(fields, 14), system = field(fields, 15), started = field(fields, 22);
  if (user && system) numbers.cpu_seconds = static_cast<double>(*user + *system) / ticks;
  numbers.threads = field(fields, 20);
  numbers.virtual_bytes = field(fields, 23);
  if (const auto pages = field(fields, 24)) {
    numbers.resident_bytes = *pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  const auto boot = bootTime(proc);
  if (boot && started) {
    numbers.start_time_seconds = static_cast<double>(*boot) + static_cast<double>(*started) / ticks;
  }
  numbers.open_fds = countEntries(proc + "/self/fd");
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) numbers.max_fds = limit.rlim_cur;
  return numbers;
}

}  // namespace plimsoll::metrics
