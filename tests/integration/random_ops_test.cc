// Random operations on a node with the agent at work: containers come and go, are resized, somebody writes to
// their files, the configuration changes, the agent is killed at any moment and comes back, the runtime
// restarts. At the end every container has what it shall have, and after a release every file holds what it
// would hold had Plimsoll never been there.
//
//   PLIMSOLL_SEED=7 PLIMSOLL_OPS=10000 random_ops_test
//
// What shall be is computed anew here from annotations, rules and facts; the agent is not asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <thread>

#include "pkg/annotation/annotation.h"
#include "pkg/base/parse.h"
#include "pkg/cgroup/node_probe.h"
#include "pkg/config/config.h"
#include "pkg/journal/journal.h"
#include "pkg/policy/drift.h"
#include "pkg/policy/policy.h"
#include "tests/integration/agent_process.h"
#include "tests/integration/random_node.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using namespace std::chrono_literals;
using model::PlannedSetting;
using model::State;
namespace api = nri::api;

constexpr char kHeader[] =
    "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n"
    "rules: [{name: all, settings: [{key: '*'}]}]\n";
constexpr const char* kConfigs[] = {
    "drift: {fight: {rewrites: 1000}}\n"
    "classes: {fast: {settings: {cpu.weight: 400, memory.low: 16Mi}},"
    " slow: {settings: {cpu.idle: true, memory.high: 256Mi}}}\n",
    "drift: {fight: {rewrites: 1000}, default: enforce}\n"
    "classes: {fast: {settings: {cpu.weight: 600, pids.max: 900}}, slow: {settings: {cpu.weight: 10}}}\n",
    "drift: {fight: {rewrites: 1000}, settings: {memory.high: yield}}\n"
    "classes: {fast: {settings: {memory.high: 512Mi}}, slow: {settings: {memory.high: 64Mi, pids.max: "
    "100}}}\n",
    "drift: {fight: {rewrites: 1000}}\nignoredNamespaces: [shop]\n"
    "classes: {fast: {settings: {memory.high: 1Gi}}, slow: {settings: {memory.high: 2Gi}}}\n",
};
constexpr std::pair<const char*, const char*> kWishes[] = {
    {"plimsoll.dev/class", "fast"},
    {"plimsoll.dev/class", "slow"},
    {"plimsoll.dev/memory.high", "96Mi"},
    {"plimsoll.dev/memory.high", "100000001"},
    {"plimsoll.dev/memory.max", "128Mi"},
    {"plimsoll.dev/cpu.max", "750m"},
    {"app.plimsoll.dev/cpu.max", "500m 50ms"},
    {"plimsoll.dev/pids.max", "333"},
    {"app.plimsoll.dev/memory.min", "8Mi"},
    {"plimsoll.dev/memory.low", "12Mi"},
    {"plimsoll.dev/cpu.weight", "77"},
    {"plimsoll.dev/memory.hihg", "1Gi"},
};

struct Live {
  api::PodSandbox pod;
  api::Container container;
  std::string path;
  RandomNode::Files base;     // what the files would hold without Plimsoll
  RandomNode::Files foreign;  // values of somebody else's that the agent leaves
};

int64_t fromEnvironment(const char* name, int64_t otherwise) {
  const char* text = getenv(name);
  return text ? atoll(text) : otherwise;
}

class Run {
 public:
  Run(RandomNode& node, uint64_t seed)
      : node_(node), random_(seed), directory_(makeDirectory()), agent_(node.roots(), directory_) {
    // Where the agent learns which files containers have here.
    node_.create(sample_);
    facts_ = cgroup::probeNode(node_.roots(), *cgroup::Hierarchy::open(node_.roots()), {sample_});
    configure(0);
    runtime_.emplace(agent_.nriSocket(), fake::likeContainerd219());
    startAgent();
  }
  ~Run() {
    node_.remove(sample_);
    std::filesystem::remove_all(directory_);
  }

  void operate(int64_t count) {
    for (int64_t i = 0; i < count && !testing::Test::HasFatalFailure() && !testing::Test::HasFailure(); ++i) {
      const int dice = pick(1000);
      if (dice < 450 || live_.empty()) {
        if (live_.size() < 60)
          create();
        else
          remove();
      } else if (dice < 850) {
        remove();
      } else if (dice < 920) {
        resize();
      } else if (dice < 970) {
        writeForeign();
      } else if (dice < 982) {
        configure(pick(std::size(kConfigs)));
      } else if (dice < 992) {
        killAgent();
      } else {
        restartRuntime();
      }
      if (i % 500 == 499) settle();
    }
    settle();
  }

  void release() {
    settle();
    agent_.stop(pick(2) ? SIGTERM : SIGKILL);
    std::vector<std::string> command = agent_.arguments();
    command.push_back("release");
    for (int i = 0; i < 2; ++i) {
      Finished finished = runProgram(command);
      ASSERT_EQ(finished.exit_code, 0) << finished.output;
    }
    for (const auto& [id, live] : live_) {
      const RandomNode::Files now = node_.files(live.path);
      for (const auto& [file, text] : live.base)
        EXPECT_EQ(now.at(file), text) << live.path << "/" << file << "\n" << wishes(live) << history(live);
    }
  }
  void removeAll() {
    for (const auto& [id, live] : live_) node_.remove(live.path);
    live_.clear();
  }
  size_t liveCount() const { return live_.size(); }

 private:
  static std::string makeDirectory() {
    char name[] = "/tmp/plimsoll-random-XXXXXX";
    return mkdtemp(name);
  }
  int pick(size_t below) { return static_cast<int>(random_() % below); }
  Live& pickLive() { return std::next(live_.begin(), pick(live_.size()))->second; }

  void startAgent() {
    tellState();
    agent_.start();
    up_ = runtime_->waitForPlugins(1, 20s);
    ASSERT_TRUE(up_) << agent_.log();
  }
  void tellState() {
    std::vector<api::PodSandbox> pods;
    std::vector<api::Container> containers;
    for (const auto& [id, live] : live_) {
      pods.push_back(live.pod);
      containers.push_back(live.container);
    }
    runtime_->setState(std::move(pods), std::move(containers));
  }

  api::LinuxResources randomResources() {
    api::LinuxResources resources;
    resources.mutable_cpu()->mutable_shares()->set_value(100 + static_cast<uint64_t>(pick(2000)));
    resources.mutable_cpu()->mutable_quota()->set_value(100'000 + pick(4) * 100'000);
    resources.mutable_cpu()->mutable_period()->set_value(100'000);
    resources.mutable_memory()->mutable_limit()->set_value(int64_t{256 + pick(4) * 256} << 20);
    return resources;
  }
  // As a runtime does, with a formula for the weight that is nobody's business.
  void writeBase(Live& live, const api::LinuxResources& resources) {
    auto put = [&](const std::string& file, const std::string& value) {
      ASSERT_TRUE(node_.write(live.path, file, value)) << live.path << "/" << file << " = " << value;
      live.base[file] = node_.read(live.path, file);
      live.foreign.erase(file);
    };
    put("cpu.weight", std::to_string(1 + resources.cpu().shares().value() / 26));
    put("cpu.max", std::to_string(resources.cpu().quota().value()) + " " +
                       std::to_string(resources.cpu().period().value()));
    put("memory.max", std::to_string(resources.memory().limit().value()));
  }

  void create() {
    const std::string id = "c" + std::to_string(++serial_);
    Live live;
    live.pod.set_id("s" + std::to_string(serial_));
    live.pod.set_name("web-" + std::to_string(serial_));
    live.pod.set_namespace_(pick(2) ? "shop" : "bank");
    live.pod.set_uid("u" + std::to_string(serial_));
    live.pod.mutable_linux()->set_cgroup_parent(node_.top() + "/pod" + std::to_string(serial_));
    live.path = live.pod.linux().cgroup_parent() + "/" + id;
    for (int i = pick(5); i > 0; --i) {
      const auto& [key, value] = kWishes[pick(std::size(kWishes))];
      (*live.pod.mutable_annotations())[key] = value;
    }
    live.container.set_id(id);
    live.container.set_name("app");
    live.container.set_pod_sandbox_id(live.pod.id());
    live.container.mutable_linux()->set_cgroups_path(live.path);
    *live.container.mutable_linux()->mutable_resources() = randomResources();
    auto answer = runtime_->createContainer(live.pod, live.container);
    node_.create(live.path);
    live.base = node_.files(live.path);
    writeBase(live, live.container.linux().resources());
    if (answer) {
      for (const auto& [file, value] : answer->adjust().linux().resources().unified())
        EXPECT_TRUE(node_.write(live.path, file, value)) << file << " = " << value;
    }
    live.container.set_state(api::CONTAINER_RUNNING);
    auto [it, added] = live_.emplace(id, std::move(live));
    (void)runtime_->notify(api::EVENT_START_CONTAINER, it->second.pod, it->second.container);
    if (up_ && pick(20) == 0) {
      EXPECT_EQ(wrong(it->second), "") << "at its first instruction";
    }
  }

  void remove() {
    auto it = std::next(live_.begin(), pick(live_.size()));
    Live live = std::move(it->second);
    live_.erase(it);
    node_.remove(live.path);
    live.container.set_state(api::CONTAINER_STOPPED);
    (void)runtime_->stopContainer(live.pod, live.container);
    (void)runtime_->notify(api::EVENT_REMOVE_CONTAINER, live.pod, live.container);
    (void)runtime_->notify(api::EVENT_REMOVE_POD_SANDBOX, live.pod);
  }

  void resize() {
    Live& live = pickLive();
    // A runtime that is told of nothing fails on an idle container, as without us it would not.
    if (!up_) return;
    const api::LinuxResources resources = randomResources();
    (void)runtime_->updateContainer(live.pod, live.container, resources);
    *live.container.mutable_linux()->mutable_resources() = resources;
    writeBase(live, resources);
    // What the kubelet does not write is computed again as well, over what somebody else wrote.
    live.foreign.clear();
    (void)runtime_->notify(api::EVENT_POST_UPDATE_CONTAINER, live.pod, live.container);
  }

  void writeForeign() {
    Live& live = pickLive();
    // Made while the agent was away: nothing of ours is there to be changed.
    if (!up_ && !wrong(live).empty()) return;
    if (!eventually([&] { return wrong(live).empty(); }, 20s)) {
      ADD_FAILURE() << wrong(live) << history(live) << agent_.log();
      return;
    }
    constexpr std::pair<const char*, int> kTargets[] = {
        {"memory.high", 4096}, {"memory.max", 4096}, {"pids.max", 1}, {"cpu.weight", 1}};
    const auto& [file, unit] = kTargets[pick(std::size(kTargets))];
    const std::string value = std::to_string((40'000 + pick(9'000)) * unit / (unit == 1 ? 10 : 1));
    if (!node_.write(live.path, file, value)) return;  // an idle container has no weight
    const std::string text = node_.read(live.path, file);
    const model::Plan plan = planOf(live);
    const PlannedSetting* mine = inForce(plan, file);
    if (!mine) {
      // An idle fake has a weight, a real one does not.
      live.base[file] = text;
      return;
    }
    const bool held = policy::driftMode(policy_.drift, mine->request.setting) == model::DriftMode::Enforce;
    if (!held) live.base[file] = live.foreign[file] = text;
    if (!up_) return;
    const bool seen = eventually([&] { return held ? wrong(live).empty() : !isOurs(live, file); }, 20s);
    EXPECT_TRUE(seen) << live.path << "/" << file << " = " << value << (held ? " held " : " yielded ")
                      << wrong(live) << history(live) << agent_.log();
  }

  void configure(int which) {
    const std::string text = std::string(kHeader) + kConfigs[which];
    auto config = config::loadNodeConfig(text, "node.yaml");
    ASSERT_TRUE(config) << config.error().message;
    if (up_) settle();
    std::ofstream(agent_.configFile() + ".new") << text;
    std::filesystem::rename(agent_.configFile() + ".new", agent_.configFile());
    // A wish that changed is written over what was yielded before.
    for (auto& [id, live] : live_) {
      const model::Plan before = planOf(live);
      const model::NodePolicy old = std::exchange(policy_, config->policy);
      const model::Plan after = planOf(live);
      policy_ = old;
      for (auto it = live.foreign.begin(); it != live.foreign.end();) {
        const PlannedSetting *was = inForce(before, it->first), *is = inForce(after, it->first);
        const bool goes_on =
            was && is && was->value == is->value &&
            policy::driftMode(config->policy.drift, is->request.setting) != model::DriftMode::Enforce;
        it = goes_on ? std::next(it) : live.foreign.erase(it);
      }
    }
    policy_ = config->policy;
    if (up_) settle();
  }

  // At any moment: while containers come and go.
  void killAgent() {
    if (pick(2)) settle();
    up_ = false;
    std::thread killer([this, delay = pick(3000)] {
      std::this_thread::sleep_for(std::chrono::microseconds(delay));
      agent_.stop(SIGKILL);
    });
    // A container that is removed in between is as good as one that stays.
    for (int i = 0; i < 3; ++i) create();
    killer.join();
    runtime_->dropPlugins();
    for (int i = pick(6); i > 0; --i) {
      if (live_.empty() || pick(2))
        create();
      else if (pick(3))
        remove();
      else
        writeForeign();
    }
    startAgent();
    settle();
  }

  void restartRuntime() {
    settle();
    tellState();
    runtime_->dropPlugins();
    up_ = runtime_->waitForPlugins(1, 20s);
    ASSERT_TRUE(up_) << agent_.log();
  }

  // ---- what shall be

  model::Plan planOf(const Live& live) const {
    const auto& annotations = live.pod.annotations();
    model::PodFacts pod;
    pod.name = live.pod.name();
    pod.ns = live.pod.namespace_();
    const model::PodIntent intent =
        annotation::parsePod(model::StringMap(annotations.begin(), annotations.end()));
    model::ContainerFacts container;
    container.name = live.container.name();
    const auto& resources = live.container.linux().resources();
    container.base.cpu_shares = resources.cpu().shares().value();
    container.base.cpu_quota_us = resources.cpu().quota().value();
    container.base.cpu_period_us = resources.cpu().period().value();
    container.base.memory_limit = resources.memory().limit().value();
    return policy::makePlan({intent, pod, container, facts_, policy_, {}});
  }
  static const PlannedSetting* inForce(const model::Plan& plan, std::string_view file) {
    for (const PlannedSetting& setting : plan.settings) {
      if (setting.state == State::Pending && setting.request.setting.file == file) return &setting;
    }
    return nullptr;
  }
  // What is not as it shall be; empty: nothing.
  std::string wrong(const Live& live) const {
    const model::Plan plan = planOf(live);
    const PlannedSetting* idle = inForce(plan, "cpu.idle");
    const bool idles = idle && idle->value == model::Value(model::Number{1});
    std::string problems;
    for (const auto& [file, base] : live.base) {
      const std::string text = node_.read(live.path, file);
      if (auto it = live.foreign.find(file); it != live.foreign.end() && it->second == text) continue;
      const PlannedSetting* mine = inForce(plan, file);
      bool good = text == base || (idles && file == "cpu.weight");
      if (mine) {
        const auto seen = model::compareWithKernel(*mine->request.setting.spec, mine->value, text);
        good = seen.outcome == model::Comparison::Outcome::Equal ||
               (mine->request.setting.spec->type == model::ValueType::Bytes && isRounded(*mine, text));
      }
      if (good) continue;
      problems += live.path + "/" + file + " has " + std::string(base::trim(text)) + ", " +
                  (mine ? "wanted " + model::formatValue(*mine->request.setting.spec, mine->value)
                        : "without us " + base) +
                  "\n";
    }
    return problems;
  }
  static bool isRounded(const PlannedSetting& setting, const std::string& text) {
    const auto* wanted = std::get_if<model::Number>(&setting.value);
    const int64_t now = atoll(text.c_str());
    return wanted && now <= wanted->value && wanted->value - now < 4096 && now % 4096 == 0;
  }
  void settle() {
    ASSERT_TRUE(up_);
    std::string problems;
    const bool settled = eventually(
        [&] {
          problems.clear();
          for (const auto& [id, live] : live_) {
            problems += wrong(live);
            if (!problems.empty()) problems += wishes(live) + history(live);
            if (!problems.empty()) return false;
          }
          return true;
        },
        20s);
    ASSERT_TRUE(settled) << problems << agent_.log();
  }
  bool isOurs(const Live& live, const std::string& file) const {
    auto journal = journal::Journal::open({.dir = agent_.stateDirectory(), .read_only = true});
    return journal && (*journal)->find(live.container.id(), model::Target::CgroupFile, file);
  }
  std::string history(const Live& live) const {
    std::string text;
    auto records =
        journal::history(agent_.stateDirectory(), {.ns = live.pod.namespace_(), .pod = live.pod.name()});
    if (!records) return records.error().message;
    for (const journal::Record& record : *records) {
      text += std::string(journal::opName(record.op)) + " " + record.change.object + " found " +
              record.change.found.value_or("?") + " ours " + record.change.ours + " " + record.note + "\n";
    }
    return text;
  }
  static std::string wishes(const Live& live) {
    std::string text = "(" + live.pod.namespace_();
    for (const auto& [key, value] : live.pod.annotations())
      text.append(" ").append(key).append("=").append(value);
    return text + ")\n";
  }

  RandomNode& node_;
  const std::string sample_ = node_.top() + "/sample/app";
  std::mt19937_64 random_;
  std::string directory_;
  AgentProcess agent_;
  std::optional<fake::FakeRuntime> runtime_;
  model::NodeFacts facts_;
  model::NodePolicy policy_;
  std::map<std::string, Live> live_;
  uint64_t serial_ = 0;
  bool up_ = false;
};

void operateAndRelease(RandomNode& node, int64_t operations) {
  const auto seed = static_cast<uint64_t>(fromEnvironment("PLIMSOLL_SEED", 1));
  std::cout << operations << " operations with seed " << seed << std::endl;
  Run run(node, seed);
  run.operate(operations);
  if (testing::Test::HasFailure()) return;
  std::cout << run.liveCount() << " containers live at the end" << std::endl;
  run.release();
  run.removeAll();
}

TEST(RandomOperations, OnAFakeHost) {
  testing_support::FakeHost host;
  auto node = fakeNode(host);
  operateAndRelease(*node, fromEnvironment("PLIMSOLL_OPS", 10'000));
}

TEST(RandomOperations, OnARealKernel) {
  auto node = realNode();
  if (!node) GTEST_SKIP() << "needs root and pure cgroup v2 with cpu, memory and pids";
  operateAndRelease(*node, fromEnvironment("PLIMSOLL_REAL_OPS", 500));
}

}  // namespace
}  // namespace plimsoll::integration
