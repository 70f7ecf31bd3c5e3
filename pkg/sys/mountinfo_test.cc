#include "pkg/sys/mountinfo.h"

#include <gtest/gtest.h>

namespace plimsoll::sys {
namespace {

constexpr std::string_view kHost =
    "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n"
    "30 27 0:25 / /run rw - tmpfs tmpfs rw\n"
    "40 27 8:16 / /var/lib/kubelet rw - ext4 /dev/sdb rw\n"
    "41 40 0:50 / /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/data rw - nfs4 srv:/x rw\n";

std::vector<Mount> parsed(std::string_view text) {
  auto mounts = parseMountinfo(text);
  EXPECT_TRUE(mounts) << mounts.error().message;
  return mounts.value_or(std::vector<Mount>());
}

std::string holder(std::string_view table, std::string_view path) {
  const std::vector<Mount> mounts = parsed(table);
  const Mount* mount = mountHolding(mounts, path);
  return mount == nullptr ? "none" : mount->fs_type + " " + mount->mount_point;
}

TEST(MountinfoTest, ReadsEveryField) {
  const auto mounts =
      parsed("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].id, 36);
  EXPECT_EQ(mounts[0].parent, 35);
  EXPECT_EQ(mounts[0].major, 98u);
  EXPECT_EQ(mounts[0].minor, 0u);
  EXPECT_EQ(mounts[0].root, "/mnt1");
  EXPECT_EQ(mounts[0].mount_point, "/mnt2");
  EXPECT_EQ(mounts[0].fs_type, "ext3");
  EXPECT_EQ(mounts[0].source, "/dev/root");
  EXPECT_EQ(mounts[0].super_options, "rw,errors=continue");
}

TEST(MountinfoTest, UndoesOctalEscapes) {
  const auto mounts = parsed("36 35 98:0 / /a\\040b\\011c\\134d\\012 rw - ext3 /dev/x\\040y rw\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].mount_point, "/a b\tc\\d\n");
  EXPECT_EQ(mounts[0].source, "/dev/x y");
}

TEST(MountinfoTest, AnUnfinishedEscapeStaysAsItIs) {
  EXPECT_EQ(parsed("36 35 98:0 / /a\\04 rw - ext3 x rw\n")[0].mount_point, "/a\\04");
}

TEST(MountinfoTest, AFileSystemMayHaveNoSource) {
  const auto mounts = parsed("36 35 0:5 / /a rw - tmpfs  rw\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_EQ(mounts[0].source, "");
  EXPECT_EQ(mounts[0].super_options, "rw");
}

TEST(MountinfoTest, ALineThatIsNotUnderstoodIsAnError) {
  for (std::string_view bad : {
           "garbage",
           "36 35 98:0 /mnt1 /mnt2 rw ext3 /dev/root rw more words",
           "36 35 98 /mnt1 /mnt2 rw - ext3 /dev/root rw",
           "x 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
           "36 35 98:-1 /mnt1 /mnt2 rw - ext3 /dev/root rw",
           "36 35 98:0 /mnt1 mnt2 rw - ext3 /dev/root rw",
           "36 35 98:0 /mnt1 /mnt2 rw - ext3",
           "36 35 99999999999:0 /mnt1 /mnt2 rw - ext3 /dev/root rw",
       }) {
    auto mounts = parseMountinfo(std::string(kHost) + std::string(bad) + "\n");
    ASSERT_FALSE(mounts) << bad;
    EXPECT_EQ(mounts.error().message, "mountinfo line 5 is not understood");
  }
}

TEST(MountinfoTest, EveryPrefixOfATableIsReadOrRefused) {
  for (size_t length = 0; length < kHost.size(); ++length) {
    if (auto mounts = parseMountinfo(kHost.substr(0, length))) {
      EXPECT_LE(mounts->size(), 4u);
    }
  }
}

TEST(MountinfoTest, AnEmptyTableHoldsNothing) { EXPECT_EQ(holder("", "/a"), "none"); }

TEST(MountinfoTest, TheDeepestMountHoldsThePath) {
  EXPECT_EQ(holder(kHost, "/"), "ext4 /");
  EXPECT_EQ(holder(kHost, "/run/x"), "tmpfs /run");
  EXPECT_EQ(holder(kHost, "/running"), "ext4 /");
  EXPECT_EQ(holder(kHost, "/var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/data/f"),
            "nfs4 /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/data");
  EXPECT_EQ(holder(kHost, "/var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/database"),
            "ext4 /var/lib/kubelet");
  EXPECT_EQ(holder(kHost, "relative"), "none");
}

TEST(MountinfoTest, ACoveredMountIsNotSeen) {
  // /var was mounted over after /var/lib/kubelet: the deeper mount can no longer be reached.
  const std::string table = std::string(kHost) + "50 27 0:60 / /var rw - tmpfs tmpfs rw\n";
  EXPECT_EQ(holder(table, "/var/lib/kubelet/x"), "tmpfs /var");
}

TEST(MountinfoTest, OfTwoMountsOnOneSpotTheUpperHolds) {
  EXPECT_EQ(holder("27 1 254:1 / / rw - ext4 x rw\n30 27 0:25 / /run rw - tmpfs x rw\n"
                   "31 30 8:1 / /run rw - xfs x rw\n",
                   "/run/a"),
            "xfs /run");
}

TEST(MountinfoTest, ARootThatIsItsOwnParentIsTheRoot) {
  EXPECT_EQ(holder("1 1 0:2 / / rw - rootfs rootfs rw\n", "/a"), "rootfs /");
}

TEST(MountinfoTest, TextThatMakesACircleEnds) {
  EXPECT_EQ(holder("27 1 254:1 / / rw - ext4 x rw\n30 31 0:1 / /a rw - tmpfs x rw\n"
                   "31 30 0:2 / /a rw - tmpfs x rw\n",
                   "/a"),
            "ext4 /");
}

}  // namespace
}  // namespace plimsoll::sys
