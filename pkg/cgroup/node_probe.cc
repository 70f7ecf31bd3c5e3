#include "pkg/cgroup/node_probe.h"

#include <unistd.h>

#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/cgroup/container_cgroup.h"

namespace plimsoll::cgroup {
namespace {

using Names = std::set<std::string, std::less<>>;

// A node may have thousands of cgroups, and those further down are all alike.
constexpr size_t kMostProbed = 256;

// Unknown stays unknown, but not in silence.
template <typename T>
T orUnknown(Result<T> result, std::string_view what) {
  if (result) return *std::move(result);
  base::log::warn("Cannot read a fact of this node", {{"fact", what}, {"err", result.error().message}});
  return T{};
}

Result<model::CpuSet> readSet(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, sys::readFile(path));
  return model::CpuSet::parse(base::trim(text));
}

// A kernel without NUMA has no list of nodes: then there is one.
Result<model::CpuSet> readMems(const std::string& sys_root) {
  auto mems = readSet(sys_root + "/devices/system/node/has_memory");
  if (!mems && mems.error().isGone()) return model::CpuSet::parse("0");
  return mems;
}

std::vector<std::string> candidates(const Hierarchy& hierarchy, std::vector<std::string> known) {
  if (known.size() > kMostProbed) known.resize(kMostProbed);
  for (const std::string& name :
       sys::listAt(hierarchy.dir(), sys::Entries::Directories).value_or(std::vector<std::string>())) {
    known.push_back("/" + name);
  }
  return known;
}

Names filesOfRichest(const Hierarchy& hierarchy, const std::vector<std::string>& known) {
  Names best;
  size_t most = 0;
  for (const std::string& path : candidates(hierarchy, known)) {
    auto cgroup = ContainerCgroup::open(hierarchy, path);
    if (!cgroup) continue;
    auto controllers = cgroup->read("cgroup.controllers");
    const size_t count = controllers ? base::splitWords(*controllers).size() : 0;
    if (count <= most) continue;
    if (auto files = cgroup->files()) {
      best = *std::move(files);
      most = count;
    }
  }
  return best;
}

}  // namespace

model::KernelVersion parseKernelRelease(std::string_view release) {
  const auto digits = [](std::string_view text) {
    return base::parseInt<int>(text.substr(0, text.find_first_not_of("0123456789")));
  };
  const auto parts = base::split(base::trim(release), '.');
  if (parts.size() < 2) return {};
  const auto major = digits(parts[0]), minor = digits(parts[1]);
  if (!major || !minor || std::to_string(*major) != parts[0]) return {};
  return {*major, *minor};
}

model::NodeFacts probeNode(const sys::HostRoots& roots, const Hierarchy& hierarchy,
                           const std::vector<std::string>& cgroups) {
  model::NodeFacts facts;
  facts.kernel_release =
      base::trim(orUnknown(sys::readFile(roots.proc + "/sys/kernel/osrelease"), "kernel release"));
  facts.kernel = parseKernelRelease(facts.kernel_release);
  facts.controllers = hierarchy.controllers();
  facts.cgroup_files = filesOfRichest(hierarchy, cgroups);
  facts.online_cpus = orUnknown(readSet(roots.sys + "/devices/system/cpu/online"), "online CPUs");
  facts.online_mems = orUnknown(readMems(roots.sys), "memory nodes");
  facts.page_size = sysconf(_SC_PAGESIZE);
  return facts;
}

}  // namespace plimsoll::cgroup
