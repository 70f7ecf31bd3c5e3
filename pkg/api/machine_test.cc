#include "pkg/api/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/api/fake_source.h"

namespace plimsoll::api {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;

class Machine : public ::testing::Test {
 protected:
  Machine() {
    auto report = containerReport("shop", "web-0", "app", "4f1c");
    report.plan.settings = {plannedSetting("memory.max", "512Mi", model::State::Applied)};
    path_ = report.cgroup_path;
    source_.add(std::move(report));
    source_.setCgroups({{"/", {}},
                        {"/kubepods", {{"memory.max", "max\n", ""}, {"secret", "x", ""}}},
                        {path_,
                         {{"memory.max", "536870912\n", ""},
                          {"cpuset.cpus.effective", "0-1\n", ""},
                          {"io.max", "", "EIO"}}}});
  }
  pb::GetTreeRequest tree(const std::string& ns, const std::string& pod) {
    pb::GetTreeRequest request;
    request.set_namespace_(ns);
    request.set_pod(pod);
    return request;
  }
  FakeSource source_;
  std::string path_;
};

TEST_F(Machine, TreeOfAPodHasItsParentsFirst) {
  const auto found = getTree(source_, tree("shop", "web-0"));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->cgroups_size(), 3);
  EXPECT_EQ(found->cgroups(0).path(), "/");
  EXPECT_EQ(found->cgroups(1).container(), "");
  EXPECT_EQ(found->cgroups(1).files_size(), 1) << "only files that belong into a tree";
  EXPECT_EQ(found->cgroups(2).container(), "app");
  EXPECT_EQ(found->cgroups(2).files(0).text(), "536870912");
  EXPECT_EQ(found->cgroups(2).files(2).problem(), "EIO");
}

TEST_F(Machine, TwoContainersShareTheirParents) {
  source_.add(containerReport("shop", "web-0", "side", "5555"));
  EXPECT_EQ(getTree(source_, tree("shop", "web-0"))->cgroups_size(), 3);
}

TEST_F(Machine, TreeNeedsAPodThatIsKnown) {
  EXPECT_EQ(getTree(source_, tree("", "web-0")).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(getTree(source_, tree("shop", "")).error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(getTree(source_, tree("shop", "other")).error().isGone());
  EXPECT_TRUE(getTree(source_, tree("default", "web-0")).error().isGone());
}

TEST_F(Machine, TopologySaysWhoMayUseWhat) {
  model::Topology machine;
  machine.nodes = {
      {.id = 0, .cpus = model::CpuSet::parse("0-3").value(), .distances = {10}, .huge_pages = {}}};
  machine.cores = {model::CpuSet::parse("0,2").value()};
  machine.problems = {"NUMA node 1: EIO"};
  source_.setTopology(machine);
  source_.add(containerReport("shop", "plain-0", "app", "6666"));
  const auto found = getTopology(source_, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->nodes(0).cpus(), "0-3");
  EXPECT_FALSE(found->nodes(0).has_memory_bytes()) << "unknown is not zero";
  EXPECT_EQ(found->cores(0), "0,2");
  EXPECT_EQ(found->problems(0), "NUMA node 1: EIO");
  ASSERT_EQ(found->containers_size(), 1) << "only those with settings";
  EXPECT_EQ(found->containers(0).cpus(), "0-1");
  EXPECT_EQ(found->containers(0).mems(), "") << "unknown";
  pb::GetTopologyRequest other;
  other.set_namespace_("default");
  EXPECT_EQ(getTopology(source_, other)->containers_size(), 0);
}

TEST_F(Machine, SimulationComesWithTheLinter) {
  source_.setSimulated({containerReport("", "Pod/a", "app", "")});
  pb::SimulateRequest request;
  request.set_manifest(
      "kind: Pod\napiVersion: v1\nmetadata: {name: a, annotations: {plimsoll.dev/cpu.wieght: \"1\"}}\n"
      "spec: {containers: [{name: app}]}\n");
  auto found = simulate(source_, request);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->containers(0).pod().namespace_(), "default");
  EXPECT_THAT(found->lint().findings(0).problem().message(), HasSubstr("cpu.weight"));
  request.set_namespace_("shop");
  EXPECT_EQ(simulate(source_, request)->containers(0).pod().namespace_(), "shop");
}

TEST_F(Machine, DiagnosticsAreValidText) {
  source_.setDiagnostics({{"config.yaml", "a\xff", ""}, {"metrics.txt", "", "off"}});
  const pb::Diagnostics found = diagnostics(source_);
  EXPECT_EQ(found.texts(0).text(), "a\xef\xbf\xbd");
  EXPECT_EQ(found.texts(1).problem(), "off");
}

}  // namespace
}  // namespace plimsoll::api
