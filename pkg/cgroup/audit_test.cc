#include "pkg/cgroup/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing_support::FakeHost;

std::string id(char digit) { return std::string(64, digit); }

class TreeAuditTest : public testing::Test {
 protected:
  std::vector<std::string> unknown(TreeAudit::Options options = {}) {
    auto hierarchy = Hierarchy::open(host_.roots());
    EXPECT_TRUE(hierarchy);
    auto roots = host_.roots();
    TreeAudit audit(*hierarchy, roots, std::move(options));
    while (!audit.step(2)) {
    }
    truncated_ = audit.truncated();
    std::vector<std::string> paths;
    for (const FoundContainer& found : audit.unknown()) paths.push_back(found.path);
    return paths;
  }
  void runIn(const std::string& path, int pid, const std::string& comm) {
    host_.cgroup(path);
    host_.process(pid, path);
    host_.proc(std::to_string(pid) + "/comm", comm + "\n");
  }

  FakeHost host_;
  bool truncated_ = false;
};

TEST(ContainerIdOf, RecognisesWhatRuntimesWrite) {
  EXPECT_EQ(containerIdOf(id('a')), id('a'));
  EXPECT_EQ(containerIdOf("cri-containerd-" + id('1') + ".scope"), id('1'));
  EXPECT_EQ(containerIdOf("crio-" + id('f') + ".scope"), id('f'));
  EXPECT_EQ(containerIdOf("crio-conmon-" + id('f') + ".scope"), "");
  for (const std::string& none :
       {std::string("pod1"), std::string("kubepods.slice"), id('a') + "0", id('A'), id('g'),
        id('a').substr(1), id('a') + ".scope.d", id('a') + ".scope", std::string()}) {
    EXPECT_EQ(containerIdOf(none), "") << none;
  }
}

TEST_F(TreeAuditTest, FindsUnknownContainersOfBothDriversAndNoSandboxes) {
  runIn("/kubepods/besteffort/pod1/" + id('a'), 11, "pause");
  runIn("/kubepods/besteffort/pod1/" + id('b'), 12, "sleep");
  runIn("/kubepods/besteffort/pod1/" + id('c'), 13, "known");
  runIn("/kubepods.slice/kubepods-pod2.slice/crio-" + id('d') + ".scope", 14, "sh");
  runIn("/kubepods.slice/kubepods-pod2.slice/crio-conmon-" + id('d') + ".scope", 15, "conmon");
  runIn("/system.slice/docker-" + id('e') + ".scope", 16, "not-a-pods");
  host_.cgroup("/kubepods/besteffort/pod1/" + id('f'));  // empty: on its way in or out
  EXPECT_THAT(unknown({.known = [](std::string_view found) { return found == id('c'); }}),
              UnorderedElementsAre("/kubepods/besteffort/pod1/" + id('b'),
                                   "/kubepods.slice/kubepods-pod2.slice/crio-" + id('d') + ".scope"));
  EXPECT_FALSE(truncated_);
}

TEST_F(TreeAuditTest, DoesNotLookInsideContainersAndNotDeeperThanTold) {
  runIn("/kubepods/pod1/" + id('a') + "/nested/" + id('b'), 21, "nested");
  host_.cgroup("/kubepods/pod1/" + id('a')).file("cgroup.events", "populated 1\nfrozen 0\n");
  runIn("/kubepods/a/b/c/d/e/f/" + id('c'), 22, "deep");
  EXPECT_THAT(unknown(), UnorderedElementsAre("/kubepods/pod1/" + id('a')));
}

TEST_F(TreeAuditTest, StopsAtItsBoundAndSaysSo) {
  for (int i = 0; i < 30; ++i) host_.cgroup("/kubepods/pod" + std::to_string(i));
  EXPECT_THAT(unknown({.max_cgroups = 10}), IsEmpty());
  EXPECT_TRUE(truncated_);
}

TEST_F(TreeAuditTest, SymbolicLinksAreNotFollowed) {
  runIn("/elsewhere/" + id('a'), 31, "sleep");
  host_.cgroup("/kubepods");
  std::filesystem::create_directory_symlink(host_.roots().cgroup + "/elsewhere",
                                            host_.roots().cgroup + "/kubepods/pod1");
  EXPECT_THAT(unknown(), IsEmpty());
}

TEST_F(TreeAuditTest, ANodeWithoutPodsHasNothingToTell) {
  EXPECT_THAT(unknown(), IsEmpty());
  EXPECT_THAT(unknown({.roots = {"/nowhere"}}), IsEmpty());
}

}  // namespace
}  // namespace plimsoll::cgroup
