#include "pkg/topology/read.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "pkg/base/parse.h"
#include "pkg/sys/file.h"

namespace plimsoll::topology {
namespace {

using base::Result;
using model::CpuSet;

constexpr uint64_t kKilo = 1024;

std::vector<int> numbersOf(const CpuSet& set) {
  std::vector<int> numbers;
  const int count = set.count();
  for (int i = 0; i < CpuSet::kLimit && static_cast<int>(numbers.size()) < count; ++i) {
    if (set.contains(i)) numbers.push_back(i);
  }
  return numbers;
}

class Reader {
 public:
  explicit Reader(const std::string& root)
      : cpu_(root + "/devices/system/cpu"), node_(root + "/devices/system/node") {}

  Result<model::Topology> read() {
    ASSIGN_OR_RETURN(online_, readSet(cpu_ + "/online"));
    readNodes();
    for (int cpu : numbersOf(online_)) readCpu(cpu);
    std::sort(topology_.caches.begin(), topology_.caches.end(), [](const auto& a, const auto& b) {
      return std::tuple(a.level, a.type, numbersOf(a.cpus)) < std::tuple(b.level, b.type, numbersOf(b.cpus));
    });
    return std::move(topology_);
  }

 private:
  static Result<CpuSet> readSet(const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, sys::readFile(path));
    return CpuSet::parse(base::trim(text));
  }

  // Missing is normal and says nothing; anything else is told.
  template <typename T>
  std::optional<T> known(Result<T> result, const std::string& what) {
    if (result) return std::move(*result);
    if (!result.error().isGone()) topology_.problems.push_back(what + ": " + result.error().message);
    return std::nullopt;
  }

  void readNodes() {
    const auto online = known(readSet(node_ + "/online"), "NUMA nodes");
    if (!online) {
      // Without NUMA all is one node.
      topology_.nodes.push_back({.id = 0, .cpus = online_, .huge_pages = {}});
      return;
    }
    for (int id : numbersOf(*online)) topology_.nodes.push_back(readNode(id));
    for (model::NumaNode& node : topology_.nodes) {
      if (node.distances.empty() || node.distances.size() == topology_.nodes.size()) continue;
      topology_.problems.push_back("NUMA node " + std::to_string(node.id) + " has " +
                                   std::to_string(node.distances.size()) + " distances for " +
                                   std::to_string(topology_.nodes.size()) + " nodes");
      node.distances.clear();
    }
  }

  model::NumaNode readNode(int id) {
    const std::string path = node_ + "/node" + std::to_string(id);
    const std::string name = "NUMA node " + std::to_string(id);
    model::NumaNode node;
    node.id = id;
    if (auto cpus = known(readSet(path + "/cpulist"), name + " CPUs"))
      node.cpus = cpus->intersection(online_);
    if (auto text = known(sys::readFile(path + "/meminfo"), name + " memory")) {
      node.memory_bytes = memoryLine(*text, "MemTotal:");
      node.free_bytes = memoryLine(*text, "MemFree:");
    }
    if (auto text = known(sys::readFile(path + "/distance"), name + " distances")) {
      for (const auto word : base::splitWords(*text)) {
        const auto distance = base::parseInt<int>(word);
        if (distance) node.distances.push_back(*distance);
      }
    }
    readHugePages(path + "/hugepages", node);
    return node;
  }

  // "Node 0 MemTotal:       16302204 kB"
  static std::optional<uint64_t> memoryLine(std::string_view text, std::string_view name) {
    for (const auto line : base::split(text, '\n')) {
      const auto words = base::splitWords(line);
      if (words.size() < 5 || words[2] != name || words[4] != "kB") continue;
      const auto kilobytes = base::parseInt<uint64_t>(words[3]);
      if (kilobytes) return *kilobytes * kKilo;
    }
    return std::nullopt;
  }

  static std::optional<uint64_t> readNumber(const std::string& path) {
    const auto text = sys::readFile(path);
    if (!text) return std::nullopt;
    return base::parseInt<uint64_t>(base::trim(*text));
  }

  // hugepages-2048kB
  void readHugePages(const std::string& path, model::NumaNode& node) {
    const auto dir = sys::openDir(path);
    if (!dir) return;
    for (const std::string& name :
         sys::listAt(dir->get(), sys::Entries::Directories).value_or(std::vector<std::string>())) {
      constexpr std::string_view kPrefix = "hugepages-", kSuffix = "kB";
      if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
      const auto size = base::parseInt<uint64_t>(
          std::string_view(name).substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
      const auto total = readNumber(path + "/" + name + "/nr_hugepages");
      const auto free = readNumber(path + "/" + name + "/free_hugepages");
      if (size && total && free) node.huge_pages.push_back({*size * kKilo, *total, *free});
    }
    std::sort(node.huge_pages.begin(), node.huge_pages.end(),
              [](const auto& a, const auto& b) { return a.page_bytes < b.page_bytes; });
  }

  void readCpu(int cpu) {
    const std::string path = cpu_ + "/cpu" + std::to_string(cpu);
    const std::string name = "CPU " + std::to_string(cpu);
    if (auto threads = known(readSet(path + "/topology/thread_siblings_list"), name + " siblings")) {
      const CpuSet core = threads->intersection(online_);
      const auto numbers = numbersOf(core);
      // Each core is told once, by its first thread.
      if (!numbers.empty() && numbers.front() == cpu) topology_.cores.push_back(core);
    }
    for (int index = 0;; ++index) {
      if (!readCache(cpu, path + "/cache/index" + std::to_string(index))) return;
    }
  }

  // False: there is no such cache.
  bool readCache(int cpu, const std::string& path) {
    const auto level = readNumber(path + "/level");
    if (!level) return false;
    const auto cpus = readSet(path + "/shared_cpu_list");
    const auto type = sys::readFile(path + "/type");
    const auto size = sys::readFile(path + "/size");
    if (!cpus || !type) return true;
    const CpuSet shared = cpus->intersection(online_);
    const auto numbers = numbersOf(shared);
    if (numbers.empty() || numbers.front() != cpu) return true;
    topology_.caches.push_back({static_cast<int>(*level), std::string(base::trim(*type)),
                                size ? sizeOf(base::trim(*size)) : 0, shared});
    return true;
  }

  // "32K"; the kernel has no other unit here.
  static uint64_t sizeOf(std::string_view text) {
    if (!text.ends_with('K')) return 0;
    return base::parseInt<uint64_t>(text.substr(0, text.size() - 1)).value_or(0) * kKilo;
  }

  const std::string cpu_, node_;
  CpuSet online_;
  model::Topology topology_;
};

}  // namespace

Result<model::Topology> readTopology(const std::string& sys_root) { return Reader(sys_root).read(); }

}  // namespace plimsoll::topology
