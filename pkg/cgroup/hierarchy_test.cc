#include "pkg/cgroup/hierarchy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeHost;

TEST(HierarchyTest, OpensAPureTree) {
  FakeHost host;
  auto hierarchy = Hierarchy::open(host.roots());
  ASSERT_TRUE(hierarchy) << hierarchy.error().message;
  EXPECT_THAT(hierarchy->controllers(),
              ElementsAre("cpu", "cpuset", "hugetlb", "io", "memory", "misc", "pids", "rdma"));
}

TEST(HierarchyTest, AnEndingSlashIsNoMatter) {
  FakeHost host;
  sys::HostRoots roots = host.roots();
  roots.cgroup += "/";
  EXPECT_TRUE(Hierarchy::open(roots));
}

void expectRefused(FakeHost::CgroupMounts mounts, std::string_view sentence) {
  FakeHost host;
  host.mountCgroups(mounts);
  auto hierarchy = Hierarchy::open(host.roots());
  ASSERT_FALSE(hierarchy);
  EXPECT_EQ(hierarchy.error().code, ErrorCode::FailedPrecondition);
  EXPECT_THAT(hierarchy.error().message, HasSubstr(sentence));
}

TEST(HierarchyTest, OtherHostsAreRefusedWithWhatToDo) {
  expectRefused(FakeHost::CgroupMounts::Hybrid, "cgroup v1 and v2 side by side");
  expectRefused(FakeHost::CgroupMounts::Hybrid, "systemd.unified_cgroup_hierarchy=1");
  expectRefused(FakeHost::CgroupMounts::V1, "this host runs cgroup v1;");
  expectRefused(FakeHost::CgroupMounts::None, "no cgroup v2 file system is mounted at");
}

TEST(HierarchyTest, TheV2PartOfAHybridHostIsHybrid) {
  FakeHost host;
  host.mountCgroups(FakeHost::CgroupMounts::Hybrid);
  sys::HostRoots roots = host.roots();
  roots.cgroup += "/unified";
  EXPECT_THAT(Hierarchy::open(roots).error().message, HasSubstr("hybrid"));
}

TEST(HierarchyTest, V1WithoutResourcesDoesNotMakeAHostHybrid) {
  FakeHost host;
  host.proc("self/mountinfo",
            "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
            "31 27 0:28 / " +
                host.roots().cgroup +
                " rw - cgroup2 cgroup2 rw\n"
                "32 27 0:29 / /mnt/systemd rw - cgroup cgroup rw,name=systemd\n"
                "33 27 0:30 / /mnt/net_cls rw - cgroup cgroup rw,net_cls\n");
  EXPECT_TRUE(Hierarchy::open(host.roots()));
}

TEST(HierarchyTest, AFolderOfTheTreeIsNotItsRoot) {
  FakeHost host;
  host.cgroup("/kubepods");
  sys::HostRoots roots = host.roots();
  roots.cgroup += "/kubepods";
  EXPECT_EQ(Hierarchy::open(roots).error().code, ErrorCode::FailedPrecondition);
}

TEST(HierarchyTest, FaultsOfItsFiles) {
  FakeHost host;
  host.proc("self/mountinfo", "garbage\n");
  EXPECT_EQ(Hierarchy::open(host.roots()).error().code, ErrorCode::Internal);
  host.proc("self/mountinfo", "");
  EXPECT_EQ(Hierarchy::open(host.roots()).error().code, ErrorCode::FailedPrecondition);
  host.mountCgroups(FakeHost::CgroupMounts::Unified);
  host.cgroup("/").removeFile("cgroup.controllers");
  EXPECT_EQ(Hierarchy::open(host.roots()).error().sys_errno, ENOENT);
  sys::HostRoots roots = host.roots();
  roots.proc += "/none";
  EXPECT_EQ(Hierarchy::open(roots).error().sys_errno, ENOENT);
}

// The tree as an agent sees it that is at /kubepods/besteffort/pod1/agent, in a cgroup namespace of its own.
class NamespacedTest : public testing::Test {
 protected:
  NamespacedTest() {
    host_.proc("self/mountinfo",
               "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
               "31 27 0:28 /../../../.. " +
                   host_.roots().cgroup + " rw - cgroup2 cgroup2 rw\n");
    host_.cgroup("/kubepods/besteffort/pod1/agent");
    host_.cgroup("/kubepods/besteffort/pod1/other");
    host_.cgroup("/kubepods/burstable/pod2/abc");
    host_.cgroup("/system/init");
  }
  std::string locate(std::string_view text) {
    auto hierarchy = Hierarchy::open(host_.roots());
    auto path = hierarchy->locate(text);
    return path ? *path : (path.error().isGone() ? "gone" : "error");
  }
  FakeHost host_;
};

TEST_F(NamespacedTest, HiddenNamesAreFoundInTheTree) {
  EXPECT_EQ(locate("0::/../../../../system/init\n"), "/system/init");
  EXPECT_EQ(locate("0::/../../../burstable/pod2/abc\n"), "/kubepods/burstable/pod2/abc");
  EXPECT_EQ(locate("0::/../other\n"), "/kubepods/besteffort/pod1/other");
}

TEST_F(NamespacedTest, WhatIsNotThereIsGone) {
  EXPECT_EQ(locate("0::/../../../burstable/pod3/xyz\n"), "gone");
  EXPECT_EQ(locate("0::/../../../../../outside\n"), "gone");
  EXPECT_EQ(locate("0::/../../../burstable/pod2/abc (deleted)\n"), "gone");
  EXPECT_EQ(locate("0::/\n"), "gone");
  EXPECT_EQ(locate("garbage"), "error");
}

TEST(HierarchyTest, WithoutANamespaceThePathIsTheAnswer) {
  FakeHost host;
  EXPECT_EQ(*Hierarchy::open(host.roots())->locate("0::/kubepods/pod1/abc\n"), "/kubepods/pod1/abc");
}

}  // namespace
}  // namespace plimsoll::cgroup
