#include "pkg/cgroup/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using base::Result;
using model::DeviceRef;
using testing::HasSubstr;
using testing_support::FakeHost;

constexpr char kKubelet[] = "/var/lib/kubelet/pods/1/volumes/";

class DevicesTest : public testing::Test {
 protected:
  DevicesTest() {
    // /dev/sdb, whole, holds the kubelet's folder; below it a volume on NFS.
    disk("8:16", "sdb");
    host_.proc("1/mountinfo", std::string("27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
                                          "40 27 8:16 / /var/lib/kubelet rw - ext4 /dev/sdb rw\n"
                                          "41 40 0:50 / ") +
                                  kKubelet + "kubernetes.io~nfs/share rw - nfs4 srv:/x rw\n");
    mount("/data", std::string(kKubelet) + "kubernetes.io~empty-dir/scratch");
    mount("/share", std::string(kKubelet) + "kubernetes.io~nfs/share");
    mount("/claim", std::string(kKubelet) + "kubernetes.io~csi/pvc-1/mount");
    mount("/sub", "/var/lib/kubelet/pods/1/volume-subpaths/config/app/0");
    mount("/logs", "/var/log/app");
    container_.mounts.push_back({.destination = "/dev/shm", .source = "shm", .type = "tmpfs"});
  }
  void disk(const std::string& number, const std::string& name) {
    host_.sys("devices/virtual/block/" + name + "/dev", number + "\n");
    std::filesystem::create_symlink("../../devices/virtual/block/" + name,
                                    host_.roots().sys + "/dev/block/" + number);
  }
  void mount(std::string destination, std::string source) {
    container_.mounts.push_back({std::move(destination), std::move(source), "bind"});
  }
  Result<model::DeviceNumber> resolve(DeviceRef::Kind kind, std::string name) {
    return resolveDevice(host_.roots(), {.kind = kind, .name = std::move(name)}, container_);
  }
  std::string path(std::string name) { return show(resolve(DeviceRef::Kind::Path, std::move(name))); }
  std::string volume(std::string name) { return show(resolve(DeviceRef::Kind::Volume, std::move(name))); }
  std::string number(uint32_t major, uint32_t minor) {
    return show(resolveDevice(host_.roots(), {.number = {major, minor}}, container_));
  }
  static std::string show(const Result<model::DeviceNumber>& device) {
    if (!device) return device.error().message;
    return std::to_string(device->major) + ":" + std::to_string(device->minor);
  }

  FakeHost host_;
  model::ContainerFacts container_;
};

TEST_F(DevicesTest, APathLeadsThroughItsMountToTheDisk) {
  EXPECT_EQ(path("/data"), "8:16");
  EXPECT_EQ(path("/data/deep/file"), "8:16");
}

TEST_F(DevicesTest, APartitionLeadsToItsDisk) {
  EXPECT_EQ(path("/logs"), "254:0");
  EXPECT_EQ(number(254, 1), "254:0");
  EXPECT_EQ(number(254, 0), "254:0");
}

TEST_F(DevicesTest, ANumberThatTheNodeLacksIsRefused) {
  EXPECT_EQ(number(9, 9), "this node has no block device 9:9");
}

TEST_F(DevicesTest, VolumesByTheKubeletsFolders) {
  EXPECT_EQ(volume("scratch"), "8:16");
  EXPECT_EQ(volume("config"), "8:16");
  EXPECT_EQ(volume("pvc-1"), "8:16");
  EXPECT_THAT(volume("logs"), HasSubstr("no mount of the container shows the volume \"logs\""));
  EXPECT_THAT(volume("pods"), HasSubstr("no mount"));
  EXPECT_THAT(volume(""), HasSubstr("no mount"));
}

TEST_F(DevicesTest, WhereThereIsNoBlockDeviceItSaysSo) {
  EXPECT_THAT(path("/share/x"), HasSubstr("is on nfs4, which has no block device of its own"));
  EXPECT_THAT(path("/dev/shm"), HasSubstr("is on tmpfs"));
  EXPECT_THAT(path("/etc"), HasSubstr("on none of the container's mounts"));
  EXPECT_THAT(path("/dat"), HasSubstr("on none of the container's mounts"));
}

TEST_F(DevicesTest, PathsThatAreNoneAreRefused) {
  EXPECT_THAT(path("data"), HasSubstr("not an absolute path"));
  EXPECT_THAT(path("/data/../../etc"), HasSubstr("not an absolute path"));
  EXPECT_THAT(path("/data/.."), HasSubstr("not an absolute path"));
  EXPECT_THAT(path(""), HasSubstr("not an absolute path"));
}

TEST_F(DevicesTest, WithAProcessItsOwnMountTableCounts) {
  host_.process(4711, "/a/b");
  container_.pid = 4711;
  host_.proc("4711/mountinfo",
             "300 200 0:52 / / rw - overlay overlay rw\n"
             "301 300 254:1 /srv /data rw - ext4 /dev/vda1 rw\n"
             "302 300 8:16 /x /more rw - ext4 /dev/sdb rw\n");
  EXPECT_EQ(path("/data"), "254:0");
  EXPECT_EQ(path("/more/x"), "8:16");
  EXPECT_THAT(path("/etc"),
              HasSubstr("is on overlay, which has no block device of its own, the container's own"));
  EXPECT_EQ(volume("scratch"), "254:0");
}

TEST_F(DevicesTest, WithoutTheProcessTheHostsTableCounts) {
  container_.pid = 4711;
  EXPECT_EQ(path("/data"), "8:16");
  host_.proc("4711/mountinfo", "garbage\n");
  EXPECT_EQ(path("/data"), "8:16");
}

TEST_F(DevicesTest, FaultsOfItsFiles) {
  host_.sys("devices/virtual/block/vda/dev", "garbage\n");
  EXPECT_THAT(path("/logs"), HasSubstr("shows no device number"));
  host_.proc("1/mountinfo", "garbage\n");
  EXPECT_THAT(path("/data"), HasSubstr("mountinfo line 1 is not understood"));
  std::filesystem::remove_all(host_.roots().proc);
  EXPECT_TRUE(resolve(DeviceRef::Kind::Path, "/data").error().isGone());
}

}  // namespace
}  // namespace plimsoll::cgroup
