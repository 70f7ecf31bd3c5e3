#include "cmd/plimsolld/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::agent {
namespace {

using testing_support::FakeHost;

std::string textOf(const api::CgroupTexts& cgroup, std::string_view name) {
  for (const api::NamedText& file : cgroup.files) {
    if (file.name == name) return file.text;
  }
  return "<none>";
}

TEST(ReadTree, GoesFromTheRootToTheContainer) {
  FakeHost host;
  host.cgroup("/kubepods").file("memory.max", "max\n");
  host.cgroup("/kubepods/pod1").file("memory.max", "1048576\n");
  host.cgroup("/kubepods/pod1/abc").file("memory.max", "2097152\n").file("cpu.max", "max 100000\n");
  const auto hierarchy = cgroup::Hierarchy::open(host.roots());
  ASSERT_TRUE(hierarchy);
  const auto tree = readTree(*hierarchy, "/kubepods/pod1/abc", {"memory.max", "cpu.max", "no.such"}, true);
  ASSERT_TRUE(tree) << tree.error().message;
  ASSERT_EQ(tree->size(), 4u);
  EXPECT_EQ((*tree)[0].path, "/");
  EXPECT_EQ(textOf((*tree)[0], "memory.max"), "<none>") << "the root has no limit";
  EXPECT_EQ((*tree)[2].path, "/kubepods/pod1");
  EXPECT_EQ(textOf((*tree)[2], "memory.max"), "1048576\n");
  EXPECT_EQ(textOf((*tree)[2], "cpu.max"), "<none>");
  EXPECT_EQ(textOf((*tree)[3], "cpu.max"), "max 100000\n");
  EXPECT_EQ(textOf((*tree)[3], "no.such"), "<none>");
  EXPECT_EQ(readTree(*hierarchy, "/kubepods/pod1/abc", {"memory.max"}, false)->size(), 1u);
}

TEST(ReadTree, TellsACgroupThatIsGone) {
  FakeHost host;
  const auto hierarchy = cgroup::Hierarchy::open(host.roots());
  ASSERT_TRUE(hierarchy);
  const auto tree = readTree(*hierarchy, "/kubepods/pod1/gone", {"memory.max"}, true);
  ASSERT_FALSE(tree);
  EXPECT_TRUE(tree.error().isGone());
}

}  // namespace
}  // namespace plimsoll::agent
