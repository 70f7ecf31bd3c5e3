// The kubectl plugin as a user runs it on the node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string output(const std::string& arguments) {
  std::string command = "/payload/kubectl-plimsoll " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return "popen failed";
  std::string text;
  std::array<char, 4096> chunk;
  while (size_t n = fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), n);
  pclose(pipe);
  return text;
}

class Plugin : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure("");
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }
};

TEST_F(Plugin, ShowsAskedDesiredAndWhatTheKernelHas) {
  node().run(node().pod("seen", "plimsoll.dev/memory.high: '20000001', plimsoll.dev/memory.min: 1Mi"));
  EXPECT_THAT(output("get -A"), AllOf(HasSubstr("NAMESPACE"), HasSubstr("seen")));
  EXPECT_THAT(output("describe seen -n test"),
              AllOf(HasSubstr("memory.high"), HasSubstr("20000001"), HasSubstr("19528Ki"),
                    HasSubstr("Adjusted"), HasSubstr("memory.min"), HasSubstr("Refused")));
  EXPECT_THAT(output("events -A"), HasSubstr("SettingRefused"));
}

TEST_F(Plugin, ShowsTheTreeAndTheMachine) {
  node().run(node().pod("seen", "plimsoll.dev/memory.high: '20000001'"));
  EXPECT_THAT(output("tree seen -n test --ascii"),
              AllOf(HasSubstr("CGROUP"), HasSubstr("\n/ "), HasSubstr("`- "), HasSubstr("19528Ki"),
                    HasSubstr("app")));
  const std::string cpus = fileText("/sys/devices/system/cpu/online");
  EXPECT_THAT(output("topology"),
              AllOf(HasSubstr("NUMA"), HasSubstr("0      " + cpus + " "), HasSubstr("seen")));
}

TEST_F(Plugin, SimulatesWithTheNodesRules) {
  writeText("/tmp/sim.yaml",
            "kind: Pod\nmetadata: {name: sim, annotations: {plimsoll.dev/memory.high: 64Mi, "
            "plimsoll.dev/memory.min: 1Mi}}\nspec: {containers: [{name: app}]}\n");
  EXPECT_THAT(
      output("simulate -f /tmp/sim.yaml -n test"),
      AllOf(HasSubstr("memory.high"), HasSubstr("Granted"), HasSubstr("memory.min"), HasSubstr("Refused")));
  EXPECT_THAT(output("get sim -n test"), HasSubstr("no pod"));
}

TEST_F(Plugin, BundlesConfigurationAndMetrics) {
  EXPECT_THAT(output("bundle -f /tmp/b.tar"), HasSubstr("1 node"));
  const std::string bundle = fileText("/tmp/b.tar");
  for (const char* part : {"/node/config.yaml", "/node/metrics.txt", "plimsoll_", "/node/topology.json"})
    EXPECT_THAT(bundle, HasSubstr(part));
  EXPECT_THAT(bundle, Not(HasSubstr("problems.txt")));
}

// kubectl is a script here; what it executes is the agent's own program, beside the agent that runs.
TEST_F(Plugin, GoesThroughKubectlToTheAgent) {
  node().run(node().pod("seen", "plimsoll.dev/memory.high: '20000001'"));
  writeText("/tmp/kubectl", R"(#!/bin/sh
case "$1 $*" in
  config*) printf test ;;
  exec*connect) exec /payload/plimsolld connect ;;
  *name=plimsoll*) cat /tmp/agents.json ;;
  *) echo "test seen this-node" ;;
esac
)");
  writeText("/tmp/agents.json",
            R"({"items":[{"metadata":{"namespace":"plimsoll","name":"agent"},"spec":{"nodeName":"this-node",)"
            R"("containers":[{"name":"plimsolld"}]},"status":{"containerStatuses":[{"name":"plimsolld",)"
            R"("state":{"running":{}}}]}}]})");
  EXPECT_EQ(system("chmod +x /tmp/kubectl"), 0);
  EXPECT_THAT(output("describe seen --kubectl /tmp/kubectl"),
              AllOf(HasSubstr("Node:         this-node"), HasSubstr("19528Ki"), HasSubstr("Adjusted")));
  EXPECT_THAT(output("get -o wide --kubectl /tmp/kubectl"), HasSubstr("this-node"));
}

TEST_F(Plugin, DoctorFindsThisNodeFit) {
  EXPECT_THAT(output("doctor --local"), AllOf(HasSubstr("cgroup"), HasSubstr("nri.sock is there"),
                                              HasSubstr("connected"), Not(HasSubstr("not online"))));
}

}  // namespace
}  // namespace plimsoll::vm
