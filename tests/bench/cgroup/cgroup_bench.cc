// What one control file costs on this host's cgroup v2 tree: our write and read-back beside libcgroup's, and
// the walk of the tree. Needs root and a cgroup2 mount; makes /plimsoll-bench-<pid> there and removes it.
//
// The file is cgroup.max.depth: it is in every cgroup, and its write does next to no work in the kernel, so
// that what is measured is the way there.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "pkg/cgroup/container_cgroup.h"
#include "pkg/cgroup/discovery.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

namespace fs = std::filesystem;

constexpr char kFile[] = "cgroup.max.depth";

// The benchmark's cgroup with `children` below it; removed at the end.
class Tree {
 public:
  Tree(const std::string& mount, int children)
      : name_("plimsoll-bench-" + std::to_string(getpid())), directory_(mount + "/" + name_) {
    fs::create_directory(directory_);
    for (int i = 0; i < children; ++i) fs::create_directory(directory_ + "/" + std::to_string(i));
    host_.proc("self/mountinfo",
               "27 1 254:1 / / rw - ext4 x rw\n31 27 0:28 / " + mount + " rw - cgroup2 cgroup2 rw\n");
    hierarchy_.emplace(*Hierarchy::open({.cgroup = mount, .proc = host_.roots().proc, .sys = "/sys"}));
  }
  ~Tree() {
    std::vector<std::string> children;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.is_directory()) children.push_back(entry.path());
    }
    for (const std::string& child : children) rmdir(child.c_str());
    rmdir(directory_.c_str());
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::string& name() const { return name_; }
  const std::string& directory() const { return directory_; }
  ContainerCgroup open() const { return *ContainerCgroup::open(*hierarchy_, "/" + name_); }

 private:
  testing_support::FakeHost host_;
  std::string name_, directory_;
  std::optional<Hierarchy> hierarchy_;
};

std::string g_mount;  // found once, before the benchmarks run

const char* next(int& i) { return ++i % 2 == 0 ? "7" : "8"; }

void BM_OursWrite(benchmark::State& state) {
  Tree tree(g_mount, 0);
  const ContainerCgroup cgroup = tree.open();
  int i = 0;
  for (auto _ : state) {
    if (!cgroup.write(kFile, {next(i)})) return state.SkipWithError("write");
  }
}

void BM_OursRead(benchmark::State& state) {
  Tree tree(g_mount, 0);
  const ContainerCgroup cgroup = tree.open();
  for (auto _ : state) {
    auto text = cgroup.read(kFile);
    if (!text) return state.SkipWithError("read");
    benchmark::DoNotOptimize(text);
  }
}

void BM_OursWriteAndReadBack(benchmark::State& state) {
  Tree tree(g_mount, 0);
  const ContainerCgroup cgroup = tree.open();
  int i = 0;
  for (auto _ : state) {
    const char* value = next(i);
    if (!cgroup.write(kFile, {value})) return state.SkipWithError("write");
    auto text = cgroup.read(kFile);
    if (!text || text->front() != *value) return state.SkipWithError("read back");
  }
}

// What O_TRUNC adds to a write: see docs/adr/0002-cgroup-writes.md.
void rawWrite(benchmark::State& state, int flags) {
  Tree tree(g_mount, 0);
  const base::UniqueFd dir(open(tree.directory().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int i = 0;
  for (auto _ : state) {
    const base::UniqueFd file(openat(dir.get(), kFile, O_WRONLY | O_CLOEXEC | flags));
    if (::write(file.get(), next(i), 1) != 1) return state.SkipWithError("write");
  }
}
void BM_RawWrite(benchmark::State& state) { rawWrite(state, 0); }
void BM_RawWriteTruncating(benchmark::State& state) { rawWrite(state, O_TRUNC); }

struct CgroupFree {
  void operator()(struct cgroup* group) const { cgroup_free(&group); }
};
using CgroupHandle = std::unique_ptr<struct cgroup, CgroupFree>;

bool libcgroupWrite(const std::string& name, const char* value) {
  CgroupHandle group(cgroup_new_cgroup(name.c_str()));
  cgroup_controller* controller = cgroup_add_controller(group.get(), "cgroup");
  return controller != nullptr && cgroup_add_value_string(controller, kFile, value) == 0 &&
         cgroup_modify_cgroup(group.get()) == 0;
}

// The one way that reads a single file; cgroup_get_cgroup reads all of a controller, and none of the core's.
bool libcgroupRead(const std::string& name, char wanted) {
  static char file[] = "cgroup.max.depth";  // not const in libcgroup's signature
  void* handle = nullptr;
  char text[32] = {};
  const int code = cgroup_read_value_begin("cgroup", name.c_str(), file, &handle, text, sizeof text);
  if (code != 0 && code != ECGEOF) return false;
  cgroup_read_value_end(&handle);
  return text[0] == wanted;
}

void BM_LibcgroupWrite(benchmark::State& state) {
  Tree tree(g_mount, 0);
  int i = 0;
  for (auto _ : state) {
    if (!libcgroupWrite(tree.name(), next(i))) return state.SkipWithError("write");
  }
}

void BM_LibcgroupWriteAndReadBack(benchmark::State& state) {
  Tree tree(g_mount, 0);
  int i = 0;
  for (auto _ : state) {
    const char* value = next(i);
    if (!libcgroupWrite(tree.name(), value)) return state.SkipWithError("write");
    if (!libcgroupRead(tree.name(), *value)) return state.SkipWithError("read back");
  }
}

void BM_LibcgroupDiscovery(benchmark::State& state) {
  Tree tree(g_mount, static_cast<int>(state.range(0)));
  size_t found = 0;
  for (auto _ : state) {
    auto discovery = discover();
    found = discovery ? discovery->cgroups.size() : 0;
    if (found < static_cast<size_t>(state.range(0))) return state.SkipWithError("cgroups are missing");
  }
  state.counters["cgroups"] = static_cast<double>(found);
}

// The same list by directories alone.
void BM_WalkByDirectories(benchmark::State& state) {
  Tree tree(g_mount, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    size_t found = 0;
    for (const auto& entry : fs::recursive_directory_iterator(g_mount)) found += entry.is_directory() ? 1 : 0;
    if (found < static_cast<size_t>(state.range(0))) return state.SkipWithError("cgroups are missing");
  }
}

BENCHMARK(BM_OursWrite);
BENCHMARK(BM_OursRead);
BENCHMARK(BM_OursWriteAndReadBack);
BENCHMARK(BM_RawWrite);
BENCHMARK(BM_RawWriteTruncating);
BENCHMARK(BM_LibcgroupWrite);
BENCHMARK(BM_LibcgroupWriteAndReadBack);
BENCHMARK(BM_LibcgroupDiscovery)->Arg(10)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_WalkByDirectories)->Arg(10)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace plimsoll::cgroup

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  auto found = plimsoll::cgroup::discover();
  if (geteuid() != 0 || !found || found->mount_point.empty()) {
    std::fputs("SKIPPED: needs root and a cgroup v2 mount\n", stderr);
    return 77;
  }
  plimsoll::cgroup::g_mount = found->mount_point;
  benchmark::RunSpecifiedBenchmarks();
}
