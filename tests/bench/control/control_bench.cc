// What deciding costs on the way of a container's creation, without any protocol: the plan alone, and all
// that the controller does until its answer stands.
#include <benchmark/benchmark.h>

#include <string>

#include "pkg/annotation/annotation.h"
#include "pkg/config/config.h"
#include "pkg/control/controller.h"
#include "pkg/policy/policy.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::control {
namespace {

model::PodFacts pod() {
  model::PodFacts facts;
  facts.sandbox_id = "5f2cd6d2b4a4a93e4d3d8f9e1c3f8f1d";
  facts.name = "web-7d9c5b8f6-x2x4z";
  facts.ns = "shop";
  facts.uid = "8b1f3f4e-6a53-4c0f-9a49-0a4f5c7b7d11";
  facts.cgroup_parent = "/kubepods/pod8b1f3f4e-6a53-4c0f-9a49-0a4f5c7b7d11";
  facts.labels = {{"app", "web"}, {"pod-template-hash", "7d9c5b8f6"}};
  facts.annotations = {{"plimsoll.dev/class", "standard"},     {"plimsoll.dev/cpu.weight", "80"},
                       {"plimsoll.dev/cpu.max.burst", "10ms"}, {"plimsoll.dev/memory.high", "200Mi"},
                       {"plimsoll.dev/memory.swap.max", "0"},  {"plimsoll.dev/memory.oom.group", "true"},
                       {"plimsoll.dev/pids.max", "512"},       {"plimsoll.dev/io.weight", "50"},
                       {"app.plimsoll.dev/cpu.weight", "70"},  {"app.plimsoll.dev/memory.high", "100Mi"}};
  return facts;
}

model::ContainerFacts container() {
  model::ContainerFacts facts;
  facts.id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  facts.name = "app";
  facts.sandbox_id = pod().sandbox_id;
  facts.cgroups_path = pod().cgroup_parent + "/" + facts.id;
  facts.base.memory_limit = 256 << 20;
  facts.base.cpu_shares = 512;
  return facts;
}

model::NodeFacts node() {
  model::NodeFacts facts;
  facts.kernel = {6, 12};
  for (const model::SettingSpec& spec : model::settingsTable()) facts.cgroup_files.emplace(spec.file);
  return facts;
}

void makePlan(benchmark::State& state) {
  const model::PodFacts pod_facts = pod();
  const model::ContainerFacts facts = container();
  const model::NodeFacts node_facts = node();
  const model::NodePolicy policy = config::builtInConfig().policy;
  const model::PodIntent intent = annotation::parsePod(pod_facts.annotations);
  const policy::Devices devices;
  for (auto _ : state) {
    benchmark::DoNotOptimize(policy::makePlan({intent, pod_facts, facts, node_facts, policy, devices}));
  }
}
BENCHMARK(makePlan);

void containerCreating(benchmark::State& state) {
  testing_support::FakeHost host;
  auto loop = *sys::EventLoop::create();
  auto journal = *journal::Journal::open({.dir = host.directory() + "/state"});
  metrics::Metrics metrics;
  Applier applier(host.roots(), *cgroup::Hierarchy::open(host.roots()), *journal, metrics);
  ReportStore store;
  Controller controller(*loop, {}, applier, node(), config::builtInConfig().policy, store, metrics,
                        [](model::Event) {});
  controller.podStarted(pod());
  const model::ContainerFacts facts = container();
  for (auto _ : state) {
    benchmark::DoNotOptimize(controller.containerCreating(facts));
    // What is told afterwards is nobody's wait.
    state.PauseTiming();
    loop->runOnce({});
    state.ResumeTiming();
  }
}
BENCHMARK(containerCreating);

}  // namespace
}  // namespace plimsoll::control

BENCHMARK_MAIN();
