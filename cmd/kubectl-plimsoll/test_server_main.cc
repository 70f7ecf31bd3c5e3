// An agent's API with hand-made content, for the tests of the plugin as a process: serves on argv[1] until
// standard input ends; each line read is pushed as an event. argv[2]: the node's name; "node-2" has other
// pods.
#include <sys/stat.h>

#include <iostream>
#include <string>

#include "pkg/api/fake_source.h"
#include "pkg/api/server.h"

namespace {

using namespace plimsoll;

constexpr auto kAgo = std::chrono::hours(5);

model::ContainerReport web() {
  auto report = api::containerReport("default", "web-0", "app", "4f1c0ffee0004f1c0ffee000");
  report.plan.class_name = "latency-critical";
  report.first_seen = std::chrono::system_clock::now() - kAgo;
  auto adjusted = api::plannedSetting("memory.high", "1000001", model::State::Adjusted, "999424");
  adjusted.found = "max";
  auto refused = api::plannedSetting("cpu.weight", "9000", model::State::Refused);
  refused.reason = "no rule allows more than the class's 500";
  report.plan.settings = {api::plannedSetting("memory.max", "512Mi", model::State::Applied, "512Mi"),
                          adjusted, refused};
  model::Problem problem;
  problem.key = "plimsoll.dev/memory.hihg";
  problem.value = "512Mi\033]0;owned\007";
  problem.message = "\"memory.hihg\" is not a setting; did you mean memory.high?";
  problem.suggestion = "memory.high";
  report.plan.problems = {problem};
  return report;
}

journal::Record record() {
  journal::Record record;
  record.sequence = 1;
  record.op = journal::Op::Settled;
  record.change.owner = {"default", "web-0", "uid-web-0", "app", "4f1c0ffee0004f1c0ffee000"};
  record.change.object = record.change.key = "memory.high";
  record.change.found = "max";
  record.change.ours = "999424";
  record.change.asked_by = "plimsoll.dev/memory.high";
  return record;
}

api::NodeInfo node(const std::string& name) {
  api::NodeInfo info;
  info.name = name;
  info.agent_version = PLIMSOLL_VERSION;
  info.started_at = std::chrono::system_clock::now() - kAgo;
  info.facts.kernel_release = "6.12.1-test";
  info.facts.runtime_name = "containerd";
  info.facts.runtime_version = "v2.1.9";
  info.runtime_connected = true;
  info.config_generation = 1;
  return info;
}

// What lies below and around web-0, and what would become of a manifest.
void addMachine(api::FakeSource& source) {
  source.setCgroups({{"/", {}},
                     {"/kubepods", {{"memory.max", "max\n", ""}}},
                     {"/kubepods/burstable", {{"memory.max", "max\n", ""}}},
                     {"/kubepods/burstable/poduid-web-0", {{"memory.max", "268435456\n", ""}}},
                     {web().cgroup_path,
                      {{"memory.max", "536870912\n", ""},
                       {"cpuset.cpus.effective", "0-1\n", ""},
                       {"cpuset.mems.effective", "0\n", ""}}}});
  model::Topology machine;
  machine.nodes = {{.id = 0,
                    .cpus = *model::CpuSet::parse("0-1"),
                    .memory_bytes = 1 << 30,
                    .distances = {10},
                    .huge_pages = {}}};
  source.setTopology(machine);
  auto simulated = api::containerReport("", "Pod/sim", "app", "");
  simulated.cgroup_path.clear();
  simulated.plan.settings = {api::plannedSetting("memory.high", "64Mi", model::State::Pending)};
  auto refused = api::plannedSetting("memory.max", "1Gi", model::State::Refused);
  refused.reason = "no rule allows it";
  simulated.plan.settings.push_back(refused);
  source.setSimulated({simulated});
  source.setDiagnostics(
      {{"config.yaml", "classes: {}\n", ""}, {"metrics.txt", "", "off"}, {"../../etc/cron.d/x", "evil", ""}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string name = argc > 2 && *argv[2] != '\0' ? argv[2] : "node-1";
  api::FakeSource source;
  source.setNode(node(name));
  if (name == "node-2") {
    auto other = api::containerReport("default", "api-0", "api", "a91a91a91a91");
    other.first_seen = std::chrono::system_clock::now() - kAgo;
    source.add(std::move(other));
  } else {
    source.add(web());
    addMachine(source);
  }
  auto plain = api::containerReport("kube-system", "dns-0", "dns", "d05d05d05d05");
  plain.first_seen = std::chrono::system_clock::now() - kAgo;
  source.add(std::move(plain));
  source.add(record());
  source.push("SettingRefused", "cpu.weight: no rule allows more");
  const auto server = api::Server::start({.socket = argv[1]}, source);
  if (!server) {
    std::cerr << server.error().message << "\n";
    return 1;
  }
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) source.push("Pushed", line);
  return 0;
}
