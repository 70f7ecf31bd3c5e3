// What the traffic engine costs the agent: a pod's first settings, a restart with many pods, a reconcile with
// nothing to do. Each pod has a network namespace, a veth pair to the node, a cgroup and a process.
//
//   netqos_bench [pods=500]     needs root, cgroup v2, ip(8)
//
// "CPU" is of the calling thread; what is beyond it is waiting, mostly for the kernel's grace periods when a
// program is attached to a device.
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <vector>

#include "pkg/netqos/release.h"
#include "tests/netqos/node_world.h"

namespace plimsoll::testing {
namespace {

struct Cost {
  double wall_us = 0, cpu_us = 0;
};

template <typename Work>
Cost costOf(const Work& work) {
  timespec before = {}, after = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  auto start = std::chrono::steady_clock::now();
  work();
  auto end = std::chrono::steady_clock::now();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return {std::chrono::duration<double, std::micro>(end - start).count(),
          (after.tv_sec - before.tv_sec) * 1e6 + (after.tv_nsec - before.tv_nsec) / 1e3};
}

void print(const char* what, std::vector<Cost> all) {
  auto at = [&all](double quantile, double Cost::*field) {
    std::sort(all.begin(), all.end(), [field](const Cost& a, const Cost& b) { return a.*field < b.*field; });
    return all[static_cast<size_t>(quantile * static_cast<double>(all.size() - 1))].*field;
  };
  std::printf("%-46s CPU p50 %8.0f p99 %8.0f us   wall p50 %8.0f p99 %8.0f us   n %zu\n", what,
              at(0.5, &Cost::cpu_us), at(0.99, &Cost::cpu_us), at(0.5, &Cost::wall_us),
              at(0.99, &Cost::wall_us), all.size());
}

// A pod's process, which makes its own network namespace.
class BenchPod {
 public:
  BenchPod(const TestCgroup& parent, int number)
      : pod_(parent.path() + "/pod" + std::to_string(number)), container_(pod_.path() + "/c") {
    int ready[2];
    if (pipe(ready) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      std::ofstream(container_.path() + "/cgroup.procs") << getpid() << std::endl;
      (void)!write(ready[1], "x", 1);
      for (;;) pause();
    }
    char byte;
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~BenchPod() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  netqos::Subject subject() const {
    auto below = [](const std::string& path) { return path.substr(cgroup2Mount().size()); };
    netqos::Subject out;
    out.container = {below(container_.path()), container_.id()};
    out.pod = {below(pod_.path()), pod_.id()};
    out.pid = pid_;
    return out;
  }

 private:
  TestCgroup pod_, container_;
  pid_t pid_ = -1;
};

void run(const std::string& bpffs, const std::vector<std::unique_ptr<BenchPod>>& pods, bool tcx) {
  netqos::Options options = optionsFor(bpffs, {"up0"});
  options.allow_tcx = tcx;
  std::printf("%s, %zu pods\n", tcx ? "tcx" : "classic", pods.size());
  auto engine = netqos::Engine::start(options);
  if (!engine) {
    std::printf("no engine: %s\n", engine.error().message.c_str());
    return;
  }
  std::vector<Cost> first, prepare, prepared, change, nothing, restart;
  for (size_t i = 0; i < pods.size(); ++i) {
    const auto& pod = pods[i];
    // As between the runtime's CreateContainer and StartContainer.
    const bool ahead = tcx && i % 2 == 1;
    if (ahead) prepare.push_back(costOf([&] { (*engine)->prepare(pod->pid()); }));
    if (ahead) usleep(50'000);
    (ahead ? prepared : first).push_back(costOf([&] {
      apply(**engine, pod->subject(), "net.priority", "besteffort");
    }));
    change.push_back(costOf([&] { apply(**engine, pod->subject(), "net.pod.egress.rate", "100M"); }));
  }
  print("a pod's first setting: found, attached", first);
  if (tcx) print("preparing it", prepare);
  if (tcx) print("its first setting, prepared 50 ms before", prepared);
  print("another setting of the same pod", change);
  for (int i = 0; i < 5; ++i) nothing.push_back(costOf([&] { (*engine)->reconcile(); }));
  print("a reconcile with nothing to do", nothing);
  for (int i = 0; i < 5; ++i) {
    engine->reset();
    restart.push_back(costOf([&] {
      engine = netqos::Engine::start(options);
      if (engine) (*engine)->reconcile();
    }));
  }
  print("a restart: load, take over, reconcile", restart);
  engine->reset();
  std::vector<Cost> released{costOf([&] { netqos::release(options, netqos::ReleaseMode::Release); })};
  print("a release of everything", released);
}

}  // namespace

int main(int count) {
  if (auto reason = missingForBpf(); !reason.empty()) {
    std::printf("%s\n", reason.c_str());
    return 1;
  }
  Namespace node;
  TestCgroup parent("netqos-bench");
  onNode(node, [&](const std::string& bpffs) {
    outputOf("ip link add up0 type veth peer name up1; ip link set up0 up");
    std::vector<std::unique_ptr<BenchPod>> pods;
    const std::string batch = bpffs + "-batch";
    {
      std::ofstream out(batch);
      for (int i = 0; i < count; ++i) {
        pods.push_back(std::make_unique<BenchPod>(parent, i));
        out << "link add p" << i << " type veth peer name eth0 netns " << pods.back()->pid() << "\n";
      }
    }
    std::printf("%s", outputOf("ip -batch " + batch).c_str());
    unlink(batch.c_str());
    for (bool tcx : {true, false}) run(bpffs, pods, tcx);
  });
  return 0;
}

}  // namespace plimsoll::testing

int main(int argc, char** argv) { return plimsoll::testing::main(argc > 1 ? std::atoi(argv[1]) : 500); }
