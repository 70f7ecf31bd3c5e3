// Nanoseconds per packet of the traffic programs, by BPF_PROG_TEST_RUN. Rounds are interleaved; what counts
// is the difference to the empty program of the same round. Root.
//   bpf_bench [ROUNDS]
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bpf/skel/bench.skel.h"
#include "tests/bpf/world.h"

namespace plimsoll::testing {
namespace {

using bpfobj::Program;
using bpfobj::Traffic;
using std::chrono::milliseconds;

constexpr int kRepeat = 1'000'000;
constexpr uint64_t kUnlimited = 100'000'000'000;  // a limit that is asked and charged, and never reached

bpfobj::EntitySpec limited(uint32_t parent, uint8_t dscp) {
  bpfobj::EntitySpec spec;
  spec.parent = parent;
  spec.dscp = dscp;
  spec.egress = {kUnlimited, 0, milliseconds(1000), milliseconds(1000)};
  return spec;
}

// A datapath with `count` containers, keys 1..count, and the bench's programs on the same maps.
struct Setup {
  Setup(uint32_t count, uint8_t dscp, const TestCgroup& own) {
    auto loaded = Traffic::load({"", count + 2, 8});
    if (!loaded) std::fprintf(stderr, "%s\n", loaded.error().message.c_str()), std::exit(1);
    traffic = std::make_unique<Traffic>(std::move(*loaded));
    uint32_t pod = *traffic->putEntity(uint64_t{1} << 60, limited(0, dscp));
    for (uint32_t key = 1; key <= count; ++key) (void)traffic->putEntity(key, limited(pod, dscp));
    (void)traffic->putEntity(own.id(), limited(pod, dscp));
    (void)traffic->putLink(1, {pod, kClassNormal, own.level(), kLinkPod});
    loadBench(count);
  }
  void loadBench(uint32_t count) {
    bench.reset(bench_bpf::open());
    for (const auto& [name, fd] : traffic->mapDescriptors())
      if (bpf_map* map = bpf_object__find_map_by_name(bench->obj, name.c_str())) bpf_map__reuse_fd(map, fd);
    bench->rodata->entity_mask = traffic->entityMask();
    bench->rodata->link_mask = traffic->linkMask();
    bench->rodata->keys = count;
    if (bench_bpf::load(bench.get()) != 0) std::exit(1);
    TrafficEntity value = {};
    for (uint64_t key = 1; key <= count; ++key)
      bpf_map_update_elem(bpf_map__fd(bench->maps.bench_hash), &key, &value, BPF_ANY);
  }
  struct Destroy {
    void operator()(bench_bpf* skeleton) const { bench_bpf::destroy(skeleton); }
  };
  std::unique_ptr<Traffic> traffic;
  std::unique_ptr<bench_bpf, Destroy> bench;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const char* title, Setup& setup, int rounds) {
  const auto& programs = setup.bench->progs;
  const std::vector<std::pair<const char*, int>> subjects = {
      {"empty", bpf_program__fd(programs.bench_empty)},
      {"random key only", bpf_program__fd(programs.bench_random)},
      {"hash map, random key", bpf_program__fd(programs.bench_hash_find)},
      {"our table, random key", bpf_program__fd(programs.bench_table_find)},
      {"plm_pod_out, one container", *setup.traffic->program(Program::PodOut)},
      {"plm_pod_out, random container", bpf_program__fd(programs.bench_pod_out)},
  };
  Bytes packet = buildPacket({.traffic_class = 46 << 2, .payload = 1448});
  std::map<std::string, std::vector<double>> over;
  for (int round = 0; round < rounds; ++round) {
    double empty = 0;
    for (const auto& [name, fd] : subjects) {
      double cost = runProgram(fd, packet, {.repeat = kRepeat}).nanoseconds;
      if (empty == 0) empty = cost;
      over[name].push_back(name == subjects[0].first ? cost : cost - empty);
    }
  }
  std::printf("%s\n", title);
  for (const auto& [name, fd] : subjects) {
    auto& all = over[name];
    std::printf("  %-32s %s%6.0f ns  [%.0f..%.0f]\n", name, name == subjects[0].first ? " " : "+",
                median(all), *std::min_element(all.begin(), all.end()),
                *std::max_element(all.begin(), all.end()));
  }
}

}  // namespace
}  // namespace plimsoll::testing

int main(int argc, char** argv) {
  using namespace plimsoll::testing;
  int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  TestCgroup pod("bench");
  TestCgroup container(pod.path() + "/container");
  container.enter();
  for (uint32_t count : {1000u, 65000u}) {
    Setup plain(count, kTrafficNoDscp, container);
    measure((std::to_string(count) + " containers, container and pod limit").c_str(), plain, rounds);
    Setup dscp(count, 46, container);
    measure((std::to_string(count) + " containers, limits, DSCP already right").c_str(), dscp, rounds);
  }
  return 0;
}
