#include "pkg/cgroup/container_cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::FakeCgroup;
using testing_support::FakeHost;

constexpr char kPath[] = "/kubepods/pod1/abc";

class ContainerCgroupTest : public testing::Test {
 protected:
  Result<ContainerCgroup> open(std::string path) {
    return ContainerCgroup::open(hierarchy_, std::move(path));
  }

  FakeHost host_;
  FakeCgroup files_ = host_.container(kPath);
  Hierarchy hierarchy_ = *Hierarchy::open(host_.roots());
  ContainerCgroup cgroup_ = *open(kPath);
};

TEST_F(ContainerCgroupTest, ReadsAndWrites) {
  EXPECT_EQ(*cgroup_.read("cpu.max"), "max 100000\n");
  ASSERT_TRUE(cgroup_.write("cpu.max", {"50000 100000"}));
  EXPECT_EQ(files_.text("cpu.max"), "50000 100000\n");
}

TEST_F(ContainerCgroupTest, AFileThatThisKernelLacksIsNotAGoneContainer) {
  for (const auto& error : {cgroup_.read("cpu.magic").error(), cgroup_.write("cpu.magic", {"1"}).error()}) {
    EXPECT_EQ(error.code, ErrorCode::Unimplemented);
    EXPECT_EQ(error.sys_errno, ENOENT);
    EXPECT_EQ(error.message, "/kubepods/pod1/abc has no cpu.magic");
  }
  EXPECT_FALSE(cgroup_.gone());
}

TEST_F(ContainerCgroupTest, ARemovedCgroupIsGone) {
  files_.remove();
  EXPECT_TRUE(cgroup_.gone());
  EXPECT_TRUE(cgroup_.read("cpu.max").error().isGone());
  EXPECT_TRUE(cgroup_.write("cpu.max", {"1"}).error().isGone());
  EXPECT_TRUE(cgroup_.files().error().isGone());
  EXPECT_TRUE(cgroup_.pids().error().isGone());
  EXPECT_THAT(cgroup_.read("cpu.max").error().message, HasSubstr("/kubepods/pod1/abc was removed"));
}

TEST_F(ContainerCgroupTest, ANamesakeIsNeverWrittenTo) {
  files_.remove();
  FakeCgroup namesake = host_.container(kPath);
  EXPECT_TRUE(cgroup_.write("cpu.max", {"1000 100000"}).error().isGone());
  EXPECT_EQ(namesake.text("cpu.max"), "max 100000\n");
}

TEST_F(ContainerCgroupTest, OpeningWhatIsNotThere) {
  EXPECT_TRUE(open("/kubepods/pod1/none").error().isGone());
  EXPECT_EQ(open("/").error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(open("").error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(open("/kubepods/../..").error().code, ErrorCode::InvalidArgument);
  std::filesystem::create_directory_symlink("/", files_.directory() + "/out");
  EXPECT_FALSE(open("/kubepods/pod1/abc/out"));
}

TEST_F(ContainerCgroupTest, AncestorsFromTheNearestToTheRoot) {
  host_.cgroup("/kubepods/pod1").file("memory.max", "67108864\n");
  host_.cgroup("/kubepods").file("memory.max", "max\n");
  const auto found = cgroup_.ancestors("memory.max");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, "/kubepods/pod1/memory.max");
  EXPECT_EQ(found[0].text, "67108864\n");
  EXPECT_EQ(found[1].path, "/kubepods/memory.max");
}

TEST_F(ContainerCgroupTest, AnAncestorWithoutTheFileIsPassedOver) {
  host_.cgroup("/kubepods").file("memory.max", "1\n");
  ASSERT_EQ(cgroup_.ancestors("memory.max").size(), 1u);
  EXPECT_EQ(cgroup_.ancestors("memory.max")[0].path, "/kubepods/memory.max");
  EXPECT_THAT(cgroup_.ancestors("cpu.magic"), IsEmpty());
}

TEST_F(ContainerCgroupTest, OfCpusetsTheEffectiveOnesOfTheAncestorsCount) {
  host_.cgroup("/kubepods/pod1").file("cpuset.cpus", "\n").file("cpuset.cpus.effective", "0\n");
  host_.cgroup("/").file("cpuset.cpus.effective", "0-1\n");
  const auto found = cgroup_.ancestors("cpuset.cpus");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, "/kubepods/pod1/cpuset.cpus.effective");
  EXPECT_EQ(found[0].text, "0\n");
  EXPECT_EQ(found[1].path, "/cpuset.cpus.effective");
}

TEST_F(ContainerCgroupTest, AncestorsNeverLeaveTheTree) {
  std::filesystem::path above = std::filesystem::path(host_.roots().cgroup).parent_path() / "memory.max";
  FakeCgroup(above.parent_path().string()).file("memory.max", "1\n");
  EXPECT_THAT(cgroup_.ancestors("memory.max"), IsEmpty());
}

TEST_F(ContainerCgroupTest, ListsItsFilesOnly) {
  host_.cgroup("/kubepods/pod1/abc/child");
  const auto files = cgroup_.files();
  ASSERT_TRUE(files);
  EXPECT_TRUE(files->contains("cpu.max"));
  EXPECT_FALSE(files->contains("child"));
}

TEST_F(ContainerCgroupTest, ProcessesOfAllItsCgroupsOnceEach) {
  files_.file("cgroup.procs", "12\n7\n0\n");
  host_.cgroup("/kubepods/pod1/abc/a/b").file("cgroup.procs", "99\n7\n");
  EXPECT_THAT(*cgroup_.pids(), ElementsAre(7, 12, 99));
}

TEST_F(ContainerCgroupTest, GarbageAmongProcessesIsPassedOver) {
  files_.file("cgroup.procs", "12\nx\n-4\n99999999999999\n07\n13\n");
  EXPECT_THAT(*cgroup_.pids(), ElementsAre(12, 13));
}

TEST_F(ContainerCgroupTest, AChildThatCannotBeReadHidesNoSibling) {
  host_.cgroup("/kubepods/pod1/abc/a").removeFile("cgroup.procs");
  host_.cgroup("/kubepods/pod1/abc/b").file("cgroup.procs", "5\n");
  EXPECT_THAT(*cgroup_.pids(), ElementsAre(5));
}

TEST_F(ContainerCgroupTest, AForestOfCgroupsIsBounded) {
  for (int i = 0; i < 1100; ++i) {
    std::filesystem::create_directory(files_.directory() + "/" + std::to_string(i));
  }
  EXPECT_EQ(cgroup_.pids().error().code, ErrorCode::ResourceExhausted);
}

TEST_F(ContainerCgroupTest, AHugeFileIsRefused) {
  files_.file("cpu.max", std::string(sys::kReadLimit + 1, '1'));
  EXPECT_EQ(cgroup_.read("cpu.max").error().code, ErrorCode::ResourceExhausted);
}

TEST_F(ContainerCgroupTest, ManyWritesLeakNoDescriptor) {
  const auto count = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = count();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(cgroup_.write("cpu.weight", {"50"}));
    EXPECT_FALSE(cgroup_.read("none"));
    cgroup_.ancestors("memory.max");
    EXPECT_TRUE(cgroup_.pids());
  }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace plimsoll::cgroup
