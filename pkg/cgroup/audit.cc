#include "pkg/cgroup/audit.h"

#include <algorithm>
#include <utility>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

namespace plimsoll::cgroup {
namespace {

constexpr size_t kIdLength = 64;
constexpr std::string_view kScope = ".scope";
// Only a process's name, which a container may take too: it hides nothing but itself.
constexpr std::string_view kPause = "pause\n";

bool isHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string_view below(std::string_view path) { return path.substr(1); }  // as openDirBeneath() wants it

}  // namespace

std::string_view containerIdOf(std::string_view cgroup_name) {
  std::string_view name = cgroup_name;
  bool is_scope = name.ends_with(kScope);
  if (is_scope) {
    name.remove_suffix(kScope.size());
    if (name.find("conmon") != std::string_view::npos) return {};
    size_t dash = name.rfind('-');
    if (dash == std::string_view::npos) return {};
    name.remove_prefix(dash + 1);
  }
  if (name.size() != kIdLength || !std::all_of(name.begin(), name.end(), isHex)) return {};
  return name;
}

TreeAudit::TreeAudit(const Hierarchy& hierarchy, const sys::HostRoots& roots, Options options)
    : hierarchy_(hierarchy), roots_(roots), options_(std::move(options)) {
  for (const std::string& root : options_.roots) pending_.push_back({root, 0});
}

bool TreeAudit::step(size_t cgroups) {
  for (size_t i = 0; i < cgroups && !pending_.empty(); ++i) {
    Pending next = std::move(pending_.back());
    pending_.pop_back();
    lookAt(next);
  }
  return pending_.empty();
}

// A directory that went away, or cannot be read, has nothing to tell.
void TreeAudit::lookAt(const Pending& directory) {
  auto dir = sys::openDirBeneath(hierarchy_.dir(), below(directory.path), hierarchy_.lookup());
  if (!dir) return;
  auto names = sys::listAt(dir->get(), sys::Entries::Directories);
  if (!names) return;
  for (const std::string& name : *names) {
    if (looked_at_ == options_.max_cgroups) {
      truncated_ = true;
      pending_.clear();
      return;
    }
    ++looked_at_;
    std::string path = directory.path + "/" + name;
    std::string_view id = containerIdOf(name);
    if (id.empty()) {
      if (directory.depth + 1 < options_.max_depth)
        pending_.push_back({std::move(path), directory.depth + 1});
    } else if (!(options_.known && options_.known(id)) && !isSandbox(path)) {
      unknown_.push_back({std::string(id), std::move(path)});
    }
  }
}

// An empty cgroup is no container that runs, and is left out too.
bool TreeAudit::isSandbox(const std::string& path) const {
  auto dir = sys::openDirBeneath(hierarchy_.dir(), below(path), hierarchy_.lookup());
  if (!dir) return true;
  auto procs = sys::readAt(dir->get(), "cgroup.procs");
  if (!procs) return true;
  // Processes may be in cgroups that the container made itself.
  if (procs->empty())
    return !sys::readAt(dir->get(), "cgroup.events").value_or("").starts_with("populated 1");
  if (std::count(procs->begin(), procs->end(), '\n') != 1) return false;
  auto pid = base::parseInt<int>(std::string_view(*procs).substr(0, procs->size() - 1));
  if (!pid) return false;
  return sys::readFile(roots_.proc + "/" + std::to_string(*pid) + "/comm").value_or("") == kPause;
}

}  // namespace plimsoll::cgroup
