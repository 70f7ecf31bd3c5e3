#include "pkg/cgroup/path.h"

#include <gtest/gtest.h>

namespace plimsoll::cgroup {
namespace {

std::string runtime(std::string_view cgroups_path, std::string_view parent = "") {
  auto path = fromRuntime(cgroups_path, parent);
  return path ? *path : "error";
}

TEST(PathTest, FromRuntime) {
  struct Case {
    std::string_view name, cgroups_path, parent, want;
  };
  const Case cases[] = {
      {"containerd, systemd", "kubepods-burstable-pod1_2.slice:cri-containerd:abc",
       "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice",
       "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-abc.scope"},
      {"without the parent", "kubepods-burstable-pod1_2.slice:cri-containerd:abc", "",
       "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-abc.scope"},
      {"a parent of another name is not believed", "a-b.slice:cri-containerd:abc", "/x.slice/other.slice",
       "/a.slice/a-b.slice/cri-containerd-abc.scope"},
      {"a parent that is not where the dashes say", "pod1.slice:cri-containerd:abc", "/deep/er/pod1.slice",
       "/deep/er/pod1.slice/cri-containerd-abc.scope"},
      {"guaranteed pod", "kubepods-pod9.slice:cri-containerd:abc", "",
       "/kubepods.slice/kubepods-pod9.slice/cri-containerd-abc.scope"},
      {"CRI-O, systemd", "kubepods-pod9.slice:crio:abc", "",
       "/kubepods.slice/kubepods-pod9.slice/crio-abc.scope"},
      {"containerd, cgroupfs", "/kubepods/burstable/pod1-2/abc", "/kubepods/burstable/pod1-2",
       "/kubepods/burstable/pod1-2/abc"},
      {"CRI-O, cgroupfs", "/kubepods/pod1/crio-abc", "", "/kubepods/pod1/crio-abc"},
      {"relative", "demo/abc", "", "/demo/abc"},
      {"no slice", ":cri-containerd:abc", "", "/system.slice/cri-containerd-abc.scope"},
      {"no prefix", "a.slice::abc", "", "/a.slice/abc.scope"},
      {"root slice", "-.slice:cri:abc", "", "/cri-abc.scope"},
      {"a slice as unit", "a.slice:x:b.slice", "", "/a.slice/b.slice"},
      {"a colon in a cgroupfs path", "/kubepods/a:b:c", "", "/kubepods/a:b:c"},
  };
  for (const Case& c : cases) EXPECT_EQ(runtime(c.cgroups_path, c.parent), c.want) << c.name;
}

TEST(PathTest, WhatIsNoPathIsRefused) {
  using namespace std::string_view_literals;
  for (std::string_view bad :
       {""sv, "/"sv, "//"sv, "/a//b"sv, "/a/"sv, "/a/../b"sv, "/.."sv, ".."sv, "/a/./b"sv, "/a\0b"sv,
        "/a\nb"sv, "a.slice:x:"sv, "a.slice:x:../b"sv, "a.slice:../../x:b"sv, "a/b.slice:x:c"sv,
        "a--b.slice:x:c"sv, "-a.slice:x:c"sv, "noslice:x:c"sv, ".slice:x:c"sv}) {
    auto path = fromRuntime(bad, "");
    ASSERT_FALSE(path) << bad << " gave " << *path;
    EXPECT_EQ(path.error().code, base::ErrorCode::InvalidArgument) << bad;
  }
  EXPECT_FALSE(fromRuntime("/" + std::string(256, 'x'), ""));
  EXPECT_FALSE(fromRuntime("a.slice:x:b", "/../a.slice"));
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "/a";
  EXPECT_FALSE(fromRuntime(deep, ""));
}

TEST(PathTest, AMessageShowsNoControlCharacters) {
  const std::string message = fromRuntime("/a\x1b[31m/..", "").error().message;
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST(PathTest, SlicesExpandByTheirDashes) {
  EXPECT_EQ(*expandSlice("-.slice"), "/");
  EXPECT_EQ(*expandSlice("a.slice"), "/a.slice");
  EXPECT_EQ(*expandSlice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
}

ProcCgroup proc(std::string_view text) { return parseProcCgroup(text).value(); }

TEST(PathTest, ProcCgroup) {
  EXPECT_EQ(proc("0::/kubepods/pod1/abc\n").path, "/kubepods/pod1/abc");
  EXPECT_EQ(proc("0::/kubepods/pod1/abc\n").up, 0);
  EXPECT_EQ(proc("9:name=systemd:/x\n1:cpu:/y\n0::/z\n").path, "/z");
  EXPECT_EQ(proc("0::/\n").path, "/");
  EXPECT_EQ(proc("0::/../../pod1/abc\n").up, 2);
  EXPECT_EQ(proc("0::/../../pod1/abc\n").path, "/pod1/abc");
  EXPECT_EQ(proc("0::/..\n").up, 1);
  EXPECT_EQ(proc("0::/..\n").path, "/");
  EXPECT_TRUE(proc("0::/a/b (deleted)\n").deleted);
  EXPECT_EQ(proc("0::/a/b (deleted)\n").path, "/a/b");
  EXPECT_EQ(proc("0::/..a/b\n").path, "/..a/b");
}

TEST(PathTest, ProcCgroupFaults) {
  for (std::string_view bad :
       {"", "\n", "garbage", "1:cpu:/x\n", "0::", "0::relative", "0::/a/../b", "0::/a//b"}) {
    EXPECT_FALSE(parseProcCgroup(bad)) << bad;
  }
}

TEST(PathTest, Membership) {
  struct Case {
    std::string_view proc, path;
    bool want;
  };
  const Case cases[] = {
      {"0::/kubepods/pod1/abc", "/kubepods/pod1/abc", true},
      {"0::/kubepods/pod1/abc/own/sub", "/kubepods/pod1/abc", true},
      {"0::/kubepods/pod1", "/kubepods/pod1/abc", false},
      {"0::/kubepods/pod1/abcd", "/kubepods/pod1/abc", false},
      {"0::/kubepods/pod2/xyz", "/kubepods/pod1/abc", false},
      {"0::/", "/kubepods/pod1/abc", false},
      {"0::/pod1/abc", "/kubepods/pod1/abc", false},
      {"0::/abc", "/kubepods/pod1/abc", false},
      // We are in a cgroup namespace of our own.
      {"0::/../../../kubepods/pod1/abc", "/kubepods/pod1/abc", true},
      {"0::/../../pod1/abc", "/kubepods/pod1/abc", true},
      {"0::/../abc/sub", "/kubepods/pod1/abc", true},
      {"0::/../xyz", "/kubepods/pod1/abc", false},
      {"0::/../../pod2/abc", "/kubepods/pod1/abc", false},
      {"0::/..", "/kubepods/pod1/abc", false},
      {"0::/kubepods/pod1/abc", "/", false},
      {"0::/kubepods/pod1/abc", "", false},
  };
  for (const Case& c : cases) EXPECT_EQ(isMember(proc(c.proc), c.path), c.want) << c.proc << " in " << c.path;
}

}  // namespace
}  // namespace plimsoll::cgroup
