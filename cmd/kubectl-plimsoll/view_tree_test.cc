#include "cmd/kubectl-plimsoll/view_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/kubectl-plimsoll/tar.h"
#include "cmd/kubectl-plimsoll/view_simulate.h"

namespace plimsoll::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

pb::Cgroup* add(pb::GetTreeResponse& tree, const std::string& path, const std::string& container,
                const std::vector<std::pair<std::string, std::string>>& files) {
  pb::Cgroup* cgroup = tree.add_cgroups();
  cgroup->set_path(path);
  cgroup->set_container(container);
  for (const auto& [name, text] : files) {
    auto* file = cgroup->add_files();
    file->set_name(name);
    file->set_text(text);
  }
  return cgroup;
}

pb::GetTreeResponse podTree() {
  pb::GetTreeResponse tree;
  add(tree, "/", "", {});
  add(tree, "/kubepods", "", {{"memory.max", "max"}, {"memory.min", "0"}, {"cpu.max", "max 100000"}});
  add(tree, "/kubepods/pod1", "",
      {{"memory.max", "268435456"}, {"memory.min", "0"}, {"cpu.max", "50000 100000"}, {"pids.max", "10"}});
  add(tree, "/kubepods/pod1/aaa", "app",
      {{"memory.max", "536870912"},
       {"memory.min", "1048576"},
       {"cpu.max", "40000 50000"},
       {"pids.max", "10"}});
  add(tree, "/kubepods/pod1/bbb", "side",
      {{"memory.max", "1048576"}, {"memory.min", "0"}, {"cpu.max", "10000 100000"}, {"pids.max", "max"}});
  return tree;
}

std::string textOf(const Binding& each) {
  return each.container + " " + each.file + " " + each.own + " < " + each.value + " of " + each.path;
}

TEST(Bindings, AreTheLeastAlongTheWay) {
  std::vector<std::string> found;
  for (const Binding& each : bindings(podTree())) found.push_back(textOf(each));
  EXPECT_THAT(found, testing::ElementsAre("app cpu.max 0.8 CPU < 0.5 CPU of /kubepods/pod1",
                                          "app memory.min 1Mi < 0 of /kubepods/pod1",
                                          "app memory.max 512Mi < 256Mi of /kubepods/pod1",
                                          "side pids.max max < 10 of /kubepods/pod1"));
}

TEST(Bindings, SayNothingOfWhatIsNotKnown) {
  pb::GetTreeResponse tree;
  add(tree, "/a", "", {{"memory.max", "garbage"}, {"cpu.max", "5"}, {"pids.max", ""}});
  pb::Cgroup* leaf =
      add(tree, "/a/b", "app", {{"memory.max", "1"}, {"cpu.max", "1 1"}, {"memory.high", "max"}});
  auto* failed = leaf->add_files();
  failed->set_name("pids.max");
  failed->set_problem("EIO");
  EXPECT_THAT(bindings(tree), IsEmpty());
  // "/ab" is not above "/abc".
  pb::GetTreeResponse siblings;
  add(siblings, "/ab", "", {{"pids.max", "1"}});
  add(siblings, "/abc", "app", {{"pids.max", "2"}});
  EXPECT_THAT(bindings(siblings), IsEmpty());
}

TEST(TreeText, DrawsTheTreeAndMarksWhatBinds) {
  View view;
  const std::string text = treeText(podTree(), {}, view);
  EXPECT_THAT(text, AllOf(HasSubstr("└─ kubepods "), HasSubstr("      ├─ aaa "), HasSubstr("      └─ bbb ")));
  EXPECT_THAT(text, HasSubstr("256Mi *"));
  EXPECT_THAT(text, HasSubstr("* app: memory.max 512Mi is bound by 256Mi of /kubepods/pod1\n"));
  const std::string ascii = treeText(podTree(), {.ascii = true}, view);
  EXPECT_THAT(ascii, AllOf(HasSubstr("|- aaa"), HasSubstr("`- bbb"), Not(HasSubstr("─"))));
  EXPECT_THAT(toJson(document(podTree()), true), HasSubstr(R"("value":"256Mi","path":"/kubepods/pod1")"));
}

TEST(TreeText, ShortensContainersIds) {
  const std::string id = "c1667e872a22a77a3fc83f2862eaff3e5a1585d0cf92279717c10631ebed7a4e";
  const auto shown = [](const std::string& name) {
    pb::GetTreeResponse tree;
    add(tree, "/" + name, "app", {});
    const std::string text = treeText(tree, {}, View());
    const size_t line = text.find('\n') + 1;
    return text.substr(line, text.find("   ", line) - line);
  };
  EXPECT_EQ(shown(id), "c1667e872a22a");
  EXPECT_EQ(shown("cri-containerd-" + id + ".scope"), "cri-containerd-c1667e872a22a.scope");
  EXPECT_EQ(shown(id.substr(1)), id.substr(1)) << "something else";
  EXPECT_EQ(shown("kubepods.slice"), "kubepods.slice");
}

TEST(TreeText, LetsNoNameSteerTheTerminal) {
  pb::GetTreeResponse tree;
  add(tree, "/\033[2Jx", "\033]0;", {{"memory.max", "1"}});
  EXPECT_THAT(treeText(tree, {}, View()), Not(HasSubstr("\033")));
}

TEST(TopologyText, ShowsUnknownAsUnknown) {
  pb::Topology topology;
  auto* node = topology.add_nodes();
  node->set_cpus("0-3");
  node->add_distances(10);
  node->add_distances(21);
  auto* pool = node->add_huge_pages();
  pool->set_page_bytes(2 << 20);
  pool->set_total(16);
  pool->set_free(4);
  auto* cache = topology.add_caches();
  cache->set_level(3);
  cache->set_type("Unified");
  cache->set_bytes(32 << 20);
  cache->set_cpus("0-3");
  auto* placement = topology.add_containers();
  placement->set_pod("web-0");
  placement->set_cpus("0-1");
  topology.add_problems("NUMA node 1: EIO");
  const std::string text = topologyText(topology, View());
  EXPECT_THAT(text, HasSubstr("0      0-3    <unknown>   <unknown>   10 21       2Mi: 4/16\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("L3      Unified   32Mi   0-3\n"), HasSubstr("0-1    <unknown>\n"),
                          HasSubstr("problem: NUMA node 1: EIO\n")));
  EXPECT_THAT(toJson(document(topology), true), HasSubstr("\"memoryBytes\":null"));
}

TEST(Simulation, IsGrantedOnlyAsAWhole) {
  pb::Container container;
  container.mutable_pod()->set_name("Deployment/web");
  container.mutable_pod()->set_namespace_("shop");
  container.set_name("app");
  auto* setting = container.add_settings();
  setting->set_key("memory.high");
  setting->set_raw("64Mi");
  setting->set_desired("64Mi");
  setting->set_state(pb::SETTING_STATE_PENDING);
  const auto granted = [&] { return allGranted(std::span(&container, 1)); };
  EXPECT_TRUE(granted());
  EXPECT_THAT(simulationText(std::span(&container, 1), View()), HasSubstr("Granted\n"));
  setting->set_state(pb::SETTING_STATE_REFUSED);
  setting->set_reason("no rule");
  EXPECT_FALSE(granted());
  EXPECT_THAT(simulationText(std::span(&container, 1), View()),
              AllOf(HasSubstr("Refused"), HasSubstr("why: no rule")));
  setting->set_state(pb::SETTING_STATE_PENDING);
  container.set_rejection("because");
  EXPECT_FALSE(granted());
  container.clear_rejection();
  container.add_problems();
  EXPECT_FALSE(granted());
}

TEST(TarNames, AreHarmless) {
  Tar tar(0);
  for (const std::string& bad :
       {std::string(), std::string("/etc/passwd"), std::string("../x"), std::string("a/../b"),
        std::string("a//b"), std::string("a/"), std::string(".ssh/x"), std::string("-rf"), std::string("a b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string(300, 'a'), "x/" + std::string(101, 'a')})
    EXPECT_FALSE(tar.add(bad, "")) << bad;
  EXPECT_TRUE(tar.add("nodes/node-1.example.com/config.yaml", "x"));
  EXPECT_TRUE(tar.add(std::string(120, 'a') + "/" + std::string(100, 'b'), "x"));
  EXPECT_EQ(std::move(tar).finish().size(), 2u * 1024 + 1024);
}

}  // namespace
}  // namespace plimsoll::cli
