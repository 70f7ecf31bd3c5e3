#include "cmd/plimsolld/simulate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/config/config.h"

namespace plimsoll::agent {
namespace {

using model::State;
using ::testing::HasSubstr;

std::string pod(const std::string& annotations, const std::string& resources = "{}") {
  return "kind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      annotations: {" +
         annotations + "}\n    spec: {containers: [{name: app, resources: " + resources + "}]}\n";
}

model::NodeFacts facts() {
  model::NodeFacts node;
  node.kernel = {6, 12};
  return node;
}

std::vector<model::ContainerReport> simulated(const std::string& manifest) {
  auto reports = simulate(manifest, "shop", config::builtInConfig().policy, facts());
  EXPECT_TRUE(reports) << reports.error().message;
  return reports ? *reports : std::vector<model::ContainerReport>();
}

TEST(Simulate, PlansWithoutAContainer) {
  const auto reports = simulated(pod("plimsoll.dev/memory.high: 64Mi", "{limits: {memory: 128Mi}}"));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].pod.name, "Deployment/web");
  EXPECT_EQ(reports[0].pod.ns, "shop");
  ASSERT_EQ(reports[0].plan.settings.size(), 1u);
  EXPECT_EQ(reports[0].plan.settings[0].state, State::Pending) << reports[0].plan.settings[0].reason;
  EXPECT_FALSE(reports[0].plan.settings[0].actual) << "nothing was read";
}

TEST(Simulate, RefusesAsTheNodeWould) {
  // More than the limit that the kubelet sets needs a rule.
  const auto reports = simulated(
      pod("plimsoll.dev/memory.max: 1Gi, plimsoll.dev/on-error: reject", "{limits: {memory: 128Mi}}"));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].plan.settings[0].state, State::Refused);
  EXPECT_NE(reports[0].plan.settings[0].reason, "");
  EXPECT_TRUE(reports[0].plan.rejection);
}

TEST(Simulate, SaysThatDevicesAreNotKnownYet) {
  const auto reports = simulated(pod("plimsoll.dev/io.max: \"path:/data rbps=1M\""));
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].plan.settings.size(), 1u);
  EXPECT_NE(reports[0].plan.settings[0].state, State::Pending);
  EXPECT_NE(reports[0].plan.settings[0].reason, "");
}

TEST(Simulate, TellsMistakesAndRefusesNonsense) {
  const auto reports = simulated(pod("plimsoll.dev/memory.hihg: 64Mi"));
  ASSERT_EQ(reports[0].plan.problems.size(), 1u);
  EXPECT_EQ(reports[0].plan.problems[0].suggestion, "memory.high");
  EXPECT_FALSE(simulate("a: [", "shop", config::builtInConfig().policy, facts()));
  EXPECT_EQ(simulated("kind: Service\nmetadata: {name: s}\n").size(), 0u);
}

}  // namespace
}  // namespace plimsoll::agent
