#include "tests/integration/agent_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/fake_cri/fake_cri.h"
#include "tests/support/fake_runtime/fake_runtime.h"

namespace plimsoll::integration {
namespace {

using fake::FakeRuntime;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::FakeHost;
namespace api = nri::api;

constexpr char kHeader[] = "apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\n";
constexpr char kPath[] = "/kubepods/podu1/c1";

class AgentProcessTest : public testing::Test {
 protected:
  AgentProcessTest() {
    char name[] = "/tmp/plimsoll-agent-XXXXXX";
    directory_ = mkdtemp(name);
    // What the agent learns at its start of the files that containers have here.
    host_.container("/kubepods");
    agent_.emplace(host_, directory_);
  }
  ~AgentProcessTest() override {
    agent_.reset();
    std::filesystem::remove_all(directory_);
  }

  void configure(const std::string& yaml) {
    std::ofstream(agent_->configFile() + ".new") << kHeader << yaml;
    std::filesystem::rename(agent_->configFile() + ".new", agent_->configFile());
  }
  api::PodSandbox pod(const std::map<std::string, std::string>& annotations) {
    api::PodSandbox pod;
    pod.set_id("s1");
    pod.set_name("web");
    pod.set_namespace_("shop");
    pod.set_uid("u1");
    pod.mutable_linux()->set_cgroup_parent("/kubepods/podu1");
    pod.mutable_annotations()->insert(annotations.begin(), annotations.end());
    return pod;
  }
  api::Container container() {
    api::Container container;
    container.set_id("c1");
    container.set_pod_sandbox_id("s1");
    container.set_name("app");
    container.mutable_linux()->set_cgroups_path(kPath);
    return container;
  }
  api::Container started() {
    api::Container running = container();
    running.set_pid(4711);
    running.set_state(api::CONTAINER_RUNNING);
    return running;
  }

  FakeHost host_;
  std::string directory_;
  std::optional<AgentProcess> agent_;
};

TEST_F(AgentProcessTest, OneContainersWholeWay) {
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  auto cgroup = host_.container(kPath);
  host_.process(4711, kPath);
  agent_->start();
  ASSERT_TRUE(runtime.waitForPlugins(1)) << agent_->log();

  auto sandbox = pod({{"plimsoll.dev/memory.high", "64Mi"}, {"plimsoll.dev/memory.hihg", "1"}});
  auto answer = runtime.createContainer(sandbox, container());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->adjust().linux().resources().unified().at("memory.high"), "67108864");
  ASSERT_TRUE(runtime.notify(api::EVENT_START_CONTAINER, sandbox, started()));
  EXPECT_EQ(cgroup.text("memory.high"), "67108864\n");

  Finished shown = agent_->kubectl({"describe", "web", "-n", "shop"});
  EXPECT_EQ(shown.exit_code, 0) << shown.output;
  EXPECT_THAT(shown.output, AllOf(HasSubstr("memory.high"), HasSubstr("Applied"), HasSubstr("memory.hihg")));
  Finished history = agent_->kubectl({"history", "web", "-n", "shop"});
  EXPECT_EQ(history.exit_code, 0) << history.output;
  EXPECT_THAT(history.output, AllOf(HasSubstr("memory.high"), HasSubstr("67108864")));
  EXPECT_EQ(agent_->kubectl({"diff", "web", "-n", "shop"}).exit_code, 0);
  EXPECT_EQ(agent_->stop(SIGTERM), 0);
  EXPECT_EQ(cgroup.text("memory.high"), "67108864\n") << "containers keep their settings";
}

TEST_F(AgentProcessTest, KilledAndBackItsViewEqualsTheKernels) {
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd1724());
  auto cgroup = host_.container(kPath);
  host_.process(4711, kPath);
  auto sandbox = pod({{"plimsoll.dev/memory.high", "64Mi"}});
  runtime.setState({sandbox}, {started()});
  agent_->start();
  ASSERT_TRUE(runtime.waitForPlugins(1)) << agent_->log();
  ASSERT_TRUE(eventually([&] { return cgroup.text("memory.high") == "67108864\n"; })) << agent_->log();
  EXPECT_EQ(agent_->stop(SIGKILL), 128 + SIGKILL);
  agent_->start();
  ASSERT_TRUE(eventually([&] {
    return agent_->kubectl({"get", "-A"}).output.find("Applied") != std::string::npos;
  })) << agent_->log()
      << agent_->kubectl({"get", "-A"}).output;
}

// NRI knows of nothing; the runtime's own list has a container that runs.
TEST_F(AgentProcessTest, WhatOnlyCriHasGetsItsSettings) {
  fake::FakeCri cri(directory_ + "/cri.sock");
  cri.add(fake::CriPod{.id = "s1",
                       .name = "web",
                       .ns = "shop",
                       .uid = "u1",
                       .annotations = {{"plimsoll.dev/memory.high", "64Mi"}},
                       .cgroup_parent = "/kubepods/podu1"});
  cri.add(fake::CriContainer{.id = "c1", .name = "app", .sandbox_id = "s1"});
  auto cgroup = host_.container(kPath);
  host_.process(4711, kPath);
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  agent_->useCri(directory_ + "/cri.sock");
  agent_->start();
  ASSERT_TRUE(runtime.waitForPlugins(1)) << agent_->log();
  EXPECT_TRUE(eventually([&] { return cgroup.text("memory.high") == "67108864\n"; })) << agent_->log();
  EXPECT_THAT(agent_->kubectl({"events", "-A"}).output,
              AllOf(HasSubstr("MissedByRuntime"), HasSubstr("web")));
}

TEST_F(AgentProcessTest, WaitsForARuntimeThatIsNotThereYet) {
  agent_->start();
  ASSERT_TRUE(eventually([&] { return agent_->kubectl({"get", "-A"}).exit_code == 0; })) << agent_->log();
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  EXPECT_TRUE(runtime.waitForPlugins(1, std::chrono::seconds(20))) << agent_->log();
}

TEST_F(AgentProcessTest, RulesAreReloadedAndABadFileLeavesTheOldOnes) {
  configure("rules: [{name: r, settings: [{key: memory.min}]}]\n");
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  agent_->start();
  ASSERT_TRUE(runtime.waitForPlugins(1)) << agent_->log();
  auto sandbox = pod({{"plimsoll.dev/memory.min", "1Mi"}});
  auto carried = [&] {
    auto answer = runtime.createContainer(sandbox, container());
    return answer->adjust().linux().resources().unified().count("memory.min");
  };
  EXPECT_EQ(carried(), 1U);
  configure("rulez: []\n");
  ASSERT_TRUE(eventually([&] { return agent_->log().find("ConfigRejected") != std::string::npos; }))
      << agent_->log();
  EXPECT_EQ(carried(), 1U);
  configure("rules: []\n");
  ASSERT_TRUE(eventually([&] { return agent_->log().find("ConfigReloaded") != std::string::npos; }))
      << agent_->log();
  EXPECT_EQ(carried(), 0U);
}

TEST_F(AgentProcessTest, SaysAtStartWhatIsWrongAndWhatToDo) {
  host_.mountCgroups(FakeHost::CgroupMounts::Hybrid);
  Finished hybrid = runProgram(agent_->arguments());
  EXPECT_EQ(hybrid.exit_code, 4);
  EXPECT_THAT(hybrid.output, AllOf(HasSubstr("hybrid"), HasSubstr("cgroup v2")));
  host_.mountCgroups(FakeHost::CgroupMounts::V1);
  EXPECT_EQ(runProgram(agent_->arguments()).exit_code, 4);
  host_.mountCgroups(FakeHost::CgroupMounts::Unified);
  configure("classes: 7\n");
  Finished config = runProgram(agent_->arguments());
  EXPECT_EQ(config.exit_code, 3);
  EXPECT_THAT(config.output, HasSubstr("node.yaml:"));
  EXPECT_EQ(runProgram({PLIMSOLLD, "check-config", agent_->configFile()}).exit_code, 3);
  EXPECT_EQ(runProgram({PLIMSOLLD, "--no-such-flag"}).exit_code, 2);
}

TEST_F(AgentProcessTest, ASecondAgentEndsAndSaysWhy) {
  agent_->start();
  ASSERT_TRUE(eventually([&] { return agent_->kubectl({"get", "-A"}).exit_code == 0; })) << agent_->log();
  auto arguments = agent_->arguments();
  arguments.push_back("--handover-seconds=0");
  Finished second = runProgram(arguments);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("another"));
  // With a journal of its own it still finds the socket taken.
  for (std::string& argument : arguments) {
    if (argument.starts_with("--state-dir=")) argument += "2";
  }
  second = runProgram(arguments);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("api.sock"));
}

TEST_F(AgentProcessTest, FiveThousandContainersAreAllSeen) {
  std::vector<api::PodSandbox> pods;
  std::vector<api::Container> containers;
  for (int i = 0; i < 5000; ++i) {
    auto sandbox = pod({{"note", std::string(1024, 'x')}});
    sandbox.set_id("s" + std::to_string(i));
    auto running = started();
    running.set_id("c" + std::to_string(i));
    running.set_pod_sandbox_id(sandbox.id());
    pods.push_back(std::move(sandbox));
    containers.push_back(std::move(running));
  }
  FakeRuntime runtime(agent_->nriSocket(), fake::likeContainerd219());
  runtime.setState(pods, containers);
  agent_->start();
  ASSERT_TRUE(runtime.waitForPlugins(1, std::chrono::seconds(20))) << agent_->log();
  EXPECT_GT(runtime.syncMessages(), 1);
  Finished all;
  ASSERT_TRUE(eventually([&] {
    all = agent_->kubectl({"get", "-A", "--no-headers"});
    return std::count(all.output.begin(), all.output.end(), '\n') == 5000;
  })) << std::count(all.output.begin(), all.output.end(), '\n');
}

}  // namespace
}  // namespace plimsoll::integration
