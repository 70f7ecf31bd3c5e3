// A controller over a fake host, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/config/config.h"
#include "pkg/control/controller.h"
#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::control {

using namespace std::chrono_literals;
using model::PlannedSetting;
using model::Stage;
using model::State;
using testing_support::FakeCgroup;
using testing_support::FakeHost;

constexpr char kPodPath[] = "/kubepods/podu1";
constexpr char kPath[] = "/kubepods/podu1/c1";

class ControllerTest : public testing::Test {
 protected:
  ControllerTest()
      : journal_(*journal::Journal::open({.dir = host_.directory() + "/state", .max_bytes = 256 << 10})),
        hierarchy_(*cgroup::Hierarchy::open(host_.roots())),
        applier_(host_.roots(), std::move(hierarchy_), *journal_, metrics_) {
    model::NodeFacts& node = node_;
    node.kernel = {6, 12};
    for (const char* file : {"cpu.weight", "cpu.max", "cpu.idle", "cpu.max.burst", "memory.high",
                             "memory.max", "memory.min", "memory.low", "pids.max"}) {
      node.cgroup_files.insert(file);
    }
    Controller::Options options;
    options.sweep_min = 20ms;
    options.sweep_cpu_share = 0;
    options.forget_after = 50ms;
    options.resize_recheck = 30ms;
    controller_.emplace(*loop_, options, applier_, node, config::builtInConfig().policy, store_, metrics_,
                        [this](model::Event event) { events_.push_back(std::move(event)); });
  }

  model::PodFacts pod(model::StringMap annotations, std::string ns = "shop") {
    model::PodFacts facts;
    facts.sandbox_id = "s1";
    facts.name = "web";
    facts.ns = std::move(ns);
    facts.annotations = std::move(annotations);
    facts.cgroup_parent = kPodPath;
    return facts;
  }
  model::ContainerFacts container(std::string id = "c1") {
    model::ContainerFacts facts;
    facts.name = "app";
    facts.sandbox_id = "s1";
    facts.cgroups_path = std::string(kPodPath) + "/" + id;
    facts.id = std::move(id);
    return facts;
  }
  CreateDecision create(model::StringMap annotations) {
    controller_->podStarted(pod(std::move(annotations)));
    return controller_->containerCreating(container());
  }
  static model::NodePolicy allowing(const std::string& key) {
    std::string header = "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n";
    return config::loadNodeConfig(header + "rules: [{name: r, settings: [{key: " + key + "}]}]\n", "f")
        ->policy;
  }
  const PlannedSetting& setting(std::string_view key) {
    report_ = store_.find("c1");
    for (const PlannedSetting& found : report_->plan.settings) {
      if (found.request.setting.key == key) return found;
    }
    ADD_FAILURE() << "no setting " << key;
    return report_->plan.settings.at(0);
  }
  void turn(std::chrono::milliseconds time) {
    auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) loop_->runOnce(5ms);
  }
  bool told(std::string_view reason) {
    return std::any_of(events_.begin(), events_.end(),
                       [&](const auto& event) { return event.reason == reason; });
  }

  FakeHost host_;
  model::NodeFacts node_;
  std::unique_ptr<journal::Journal> journal_;
  metrics::Metrics metrics_;
  cgroup::Hierarchy hierarchy_;
  Applier applier_;
  std::unique_ptr<sys::EventLoop> loop_ = std::move(*sys::EventLoop::create());
  ReportStore store_;
  std::vector<model::Event> events_;
  ReportPtr report_;
  std::optional<Controller> controller_;
};

}  // namespace plimsoll::control
