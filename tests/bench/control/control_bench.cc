// What deciding costs on the way of a container's creation, without any protocol: the plan alone, and all
// that the controller does until its answer stands.
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

// A node with this many containers of the class "batch" at work, on a fake host.
class Node {
 public:
  explicit Node(int containers) : containers_(containers) {
    for (int i = 0; i < containers_; ++i) cgroups_.push_back(host_.container(path(i)));
    start();
    synchronize();
  }
  // As after an end of the agent: only the journal and the kernel know.
  void start() {
    controller_.reset();
    applier_.reset();
    journal_.reset();
    journal_ = *journal::Journal::open({.dir = host_.directory() + "/state"});
    applier_.emplace(host_.roots(), *cgroup::Hierarchy::open(host_.roots()), *journal_, metrics_);
    controller_.emplace(*loop_, Controller::Options{}, *applier_, node(), policy_, store_, metrics_,
                        [](const model::Event&) {});
  }
  void synchronize() {
    std::vector<model::PodFacts> pods;
    std::vector<model::ContainerFacts> all;
    for (int i = 0; i < containers_; ++i) {
      model::PodFacts facts = pod();
      facts.sandbox_id = "s" + std::to_string(i);
      facts.cgroup_parent = "/kubepods/pod" + std::to_string(i);
      facts.annotations = {{"plimsoll.dev/class", "batch"}, {"plimsoll.dev/memory.high", "200Mi"}};
      model::ContainerFacts one = container();
      one.id = "c" + std::to_string(i);
      one.sandbox_id = facts.sandbox_id;
      one.cgroups_path = path(i);
      one.state = model::ContainerState::Running;
      pods.push_back(std::move(facts));
      all.push_back(std::move(one));
    }
    controller_->synchronize(std::move(pods), std::move(all));
    until([this] { return controller_->pending() == 0; });
  }
  void defineBatch(int64_t weight) {
    policy_.classes["batch"].settings.clear();
    model::Request request;
    request.setting = model::findSetting("cpu.weight").value();
    request.value = model::Number{weight};
    request.source = {model::SourceKind::Class, "batch"};
    policy_.classes["batch"].settings.push_back(std::move(request));
    controller_->setNodePolicy(policy_);
    until([this] { return controller_->pending() == 0; });
  }
  void drift(int files) {
    for (int i = 0; i < files; ++i) cgroups_[static_cast<size_t>(i)].file("memory.high", "4096\n");
    until([this, files] {
      for (int i = files; i > 0; --i) {
        if (cgroups_[static_cast<size_t>(i - 1)].text("memory.high") == "4096\n") return false;
      }
      return true;
    });
  }

 private:
  static std::string path(int i) { return "/kubepods/pod" + std::to_string(i) + "/c" + std::to_string(i); }
  void until(const std::function<bool()>& done) {
    while (!done()) loop_->runOnce(std::chrono::milliseconds(1));
  }

  int containers_;
  testing_support::FakeHost host_;
  std::vector<testing_support::FakeCgroup> cgroups_;
  std::unique_ptr<sys::EventLoop> loop_ = *sys::EventLoop::create();
  metrics::Metrics metrics_;
  ReportStore store_;
  model::NodePolicy policy_ = config::builtInConfig().policy;
  std::unique_ptr<journal::Journal> journal_;
  std::optional<Applier> applier_;
  std::optional<Controller> controller_;
};

void restartWith1000Containers(benchmark::State& state) {
  Node node(1000);
  for (auto _ : state) {
    node.start();
    node.synchronize();
  }
}
BENCHMARK(restartWith1000Containers)->Unit(benchmark::kMillisecond);

void classChangeOf500Containers(benchmark::State& state) {
  Node node(500);
  int64_t weight = 10;
  for (auto _ : state) node.defineBatch(++weight % 50 + 10);
}
BENCHMARK(classChangeOf500Containers)->Unit(benchmark::kMillisecond);

// From the foreign writes until every value is back, without any sweep.
void driftOf100Files(benchmark::State& state) {
  Node node(100);
  for (auto _ : state) node.drift(100);
}
BENCHMARK(driftOf100Files)->Unit(benchmark::kMillisecond)->Iterations(4);

}  // namespace
}  // namespace plimsoll::control

BENCHMARK_MAIN();
