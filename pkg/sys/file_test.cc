#include "pkg/sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace plimsoll::sys {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    char name[] = "/tmp/file_test.XXXXXX";
    path_ = mkdtemp(name);
    fs::create_directories(path_ + "/a/b");
    std::ofstream(path_ + "/value") << "max 100000\n";
    dir_ = *openDir(path_);
  }
  ~FileTest() override { fs::remove_all(path_); }

  std::string text(const std::string& name) { return *readFile(path_ + "/" + name); }

  std::string path_;
  base::UniqueFd dir_;
};

TEST_F(FileTest, ReadsTheWholeFile) {
  EXPECT_EQ(*readAt(dir_.get(), "value"), "max 100000\n");
  std::ofstream(path_ + "/long") << std::string(20'000, 'x');
  EXPECT_EQ(readAt(dir_.get(), "long")->size(), 20'000u);
  EXPECT_EQ(*readFile(path_ + "/value"), "max 100000\n");
}

TEST_F(FileTest, AFileOverTheLimitIsRefusedAndNotCut) {
  std::ofstream(path_ + "/long") << std::string(101, 'x');
  EXPECT_EQ(readAt(dir_.get(), "long", 100).error().code, ErrorCode::ResourceExhausted);
  EXPECT_EQ(readAt(dir_.get(), "long", 101)->size(), 101u);
  EXPECT_EQ(readFile("/dev/zero").error().code, ErrorCode::ResourceExhausted);
}

TEST_F(FileTest, AMissingFileIsGoneAndNamed) {
  auto text = readAt(dir_.get(), "cpu.max");
  EXPECT_TRUE(text.error().isGone());
  EXPECT_EQ(text.error().sys_errno, ENOENT);
  EXPECT_THAT(text.error().message, HasSubstr("cpu.max"));
  EXPECT_EQ(readFile(path_ + "/none").error().sys_errno, ENOENT);
  EXPECT_EQ(openDir(path_ + "/none").error().sys_errno, ENOENT);
}

TEST_F(FileTest, AFolderIsNotRead) { EXPECT_EQ(readAt(dir_.get(), "a").error().sys_errno, EISDIR); }

TEST_F(FileTest, APipeDoesNotBlock) {
  ASSERT_EQ(mkfifo((path_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(*readAt(dir_.get(), "pipe"), "");
  EXPECT_EQ(writeAt(dir_.get(), "pipe", {"1"}).error().sys_errno, ENXIO);
}

TEST_F(FileTest, OnlyNamesAreTakenNotPaths) {
  for (const char* bad : {"", ".", "..", "a/b", "/etc/passwd", "../x"}) {
    EXPECT_EQ(readAt(dir_.get(), bad).error().code, ErrorCode::InvalidArgument) << bad;
    EXPECT_EQ(writeAt(dir_.get(), bad, {"1"}).error().code, ErrorCode::InvalidArgument) << bad;
  }
  EXPECT_EQ(readAt(dir_.get(), std::string("value\0x", 7)).error().code, ErrorCode::InvalidArgument);
}

TEST_F(FileTest, SymbolicLinksAreNotFollowed) {
  fs::create_symlink("value", path_ + "/link");
  EXPECT_EQ(readAt(dir_.get(), "link").error().sys_errno, ELOOP);
  EXPECT_EQ(writeAt(dir_.get(), "link", {"1"}).error().sys_errno, ELOOP);
  EXPECT_EQ(text("value"), "max 100000\n");
}

TEST_F(FileTest, AWriteReplacesAndNeverCreates) {
  ASSERT_TRUE(writeAt(dir_.get(), "value", {"50"}));
  EXPECT_EQ(text("value"), "50\n");
  ASSERT_TRUE(writeAt(dir_.get(), "value", {"8:0 rbps=1", "8:16 rbps=2"}));
  EXPECT_EQ(text("value"), "8:0 rbps=1\n8:16 rbps=2\n");
  EXPECT_EQ(writeAt(dir_.get(), "cpu.maxx", {"1"}).error().sys_errno, ENOENT);
  EXPECT_FALSE(fs::exists(path_ + "/cpu.maxx"));
}

TEST_F(FileTest, AWriteThatFailsNamesValueFileAndErrno) {
  auto full = openDir("/dev");
  auto status = writeAt(full->get(), "full", {"12345"});
  EXPECT_EQ(status.error().sys_errno, ENOSPC);
  EXPECT_THAT(status.error().message, HasSubstr("write \"12345\" to full"));
}

TEST_F(FileTest, AFileThatCannotBeReadIsAnErrorOfItsOwn) {
  chmod(path_.c_str(), 0755);
  chmod((path_ + "/value").c_str(), 0);
  // Root reads everything, so somebody else has to try.
  const uid_t before = geteuid();
  ASSERT_EQ(seteuid(before == 0 ? 65534 : before), 0);
  auto text = readAt(dir_.get(), "value");
  auto written = writeAt(dir_.get(), "value", {"1"});
  ASSERT_EQ(seteuid(before), 0);
  EXPECT_EQ(text.error().code, ErrorCode::PermissionDenied);
  EXPECT_EQ(written.error().sys_errno, EACCES);
}

TEST_F(FileTest, ListsByKindAndInOrder) {
  fs::create_directories(path_ + "/0");
  std::ofstream(path_ + "/another") << "";
  EXPECT_THAT(*listAt(dir_.get(), Entries::Files), ElementsAre("another", "value"));
  EXPECT_THAT(*listAt(dir_.get(), Entries::Directories), ElementsAre("0", "a"));
  EXPECT_EQ(listAt(-1, Entries::Files).error().sys_errno, EBADF);
}

TEST_F(FileTest, ListingDoesNotLeakDescriptors) {
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(listAt(dir_.get(), Entries::Files));
  const int after = dup(0);
  close(after);
  EXPECT_EQ(before, after);
}

TEST_F(FileTest, ARemovedFolderIsEmptyOrGoneAndDoesNotCrash) {
  auto held = openDirBeneath(dir_.get(), "a/b", Lookup::Stepwise);
  ASSERT_TRUE(held);
  fs::remove_all(path_ + "/a");
  EXPECT_TRUE(readAt(held->get(), "value").error().isGone());
  auto names = listAt(held->get(), Entries::Files);
  EXPECT_THAT(names.value_or(std::vector<std::string>()), IsEmpty());
}

// Both ways of opening a path keep the same promises.
class LookupTest : public FileTest, public testing::WithParamInterface<Lookup> {};

TEST_P(LookupTest, OpensFoldersBeneath) {
  auto dir = openDirBeneath(dir_.get(), "a/b", GetParam());
  ASSERT_TRUE(dir) << dir.error().message;
  std::ofstream(path_ + "/a/b/x") << "1";
  EXPECT_EQ(*readAt(dir->get(), "x"), "1");
  auto same = openDirBeneath(dir_.get(), "", GetParam());
  EXPECT_EQ(*readAt(same->get(), "value"), "max 100000\n");
}

TEST_P(LookupTest, NoPathLeavesTheFolder) {
  for (const char* bad : {"..", "a/..", "../a", "/tmp", "a//b", "a/", "./a", "a/../../etc"}) {
    EXPECT_EQ(openDirBeneath(dir_.get(), bad, GetParam()).error().code, ErrorCode::InvalidArgument) << bad;
  }
}

TEST_P(LookupTest, MissingFoldersAndFilesAndLinksAreErrors) {
  fs::create_directory_symlink("a", path_ + "/link");
  fs::create_directory_symlink("/tmp", path_ + "/a/out");
  EXPECT_EQ(openDirBeneath(dir_.get(), "a/none", GetParam()).error().sys_errno, ENOENT);
  EXPECT_EQ(openDirBeneath(dir_.get(), "value", GetParam()).error().sys_errno, ENOTDIR);
  EXPECT_FALSE(openDirBeneath(dir_.get(), "link/b", GetParam()));
  EXPECT_FALSE(openDirBeneath(dir_.get(), "a/out", GetParam()));
}

TEST_P(LookupTest, AnotherMountIsNotEntered) {
  auto root = openDir("/");
  auto proc = openDirBeneath(root->get(), "proc", GetParam());
  ASSERT_FALSE(proc);
  EXPECT_EQ(proc.error().sys_errno, EXDEV);
}

INSTANTIATE_TEST_SUITE_P(BothWays, LookupTest, testing::Values(Lookup::Openat2, Lookup::Stepwise),
                         [](const auto& way) {
                           return way.param == Lookup::Openat2 ? "Openat2" : "Stepwise";
                         });

}  // namespace
}  // namespace plimsoll::sys
