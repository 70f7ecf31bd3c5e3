#include "tests/support/fake_host/fake_host.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace plimsoll::testing_support {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kControllers = "cpuset cpu io memory hugetlb pids rdma misc\n";

// What a leaf cgroup of Linux 6.12 holds when nothing was set.
constexpr std::pair<std::string_view, std::string_view> kContainerFiles[] = {
    {"cpu.weight", "100\n"},
    {"cpu.max", "max 100000\n"},
    {"cpu.max.burst", "0\n"},
    {"cpu.idle", "0\n"},
    {"cpu.uclamp.min", "0.00\n"},
    {"cpu.uclamp.max", "max\n"},
    {"cpuset.cpus", "\n"},
    {"cpuset.cpus.effective", "0-1\n"},
    {"cpuset.cpus.partition", "member\n"},
    {"cpuset.mems", "\n"},
    {"cpuset.mems.effective", "0\n"},
    {"memory.min", "0\n"},
    {"memory.low", "0\n"},
    {"memory.high", "max\n"},
    {"memory.max", "max\n"},
    {"memory.current", "4096\n"},
    {"memory.swap.max", "max\n"},
    {"memory.zswap.max", "max\n"},
    {"memory.oom.group", "0\n"},
    {"io.weight", "default 100\n"},
    {"io.max", ""},
    {"io.latency", ""},
    {"pids.max", "max\n"},
    {"hugetlb.2MB.max", "max\n"},
    {"hugetlb.1GB.max", "max\n"},
};

void put(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  ASSERT_TRUE(out) << "cannot write " << path;
}

std::string get(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << "there is no " << path;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string_view withoutSlash(std::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return path;
}

void makeCgroup(const fs::path& directory) {
  if (fs::exists(directory / "cgroup.procs")) return;
  put(directory / "cgroup.controllers", kControllers);
  put(directory / "cgroup.subtree_control", kControllers);
  put(directory / "cgroup.procs", "");
  put(directory / "cgroup.events", "populated 0\nfrozen 0\n");
}

}  // namespace

FakeCgroup& FakeCgroup::file(std::string_view name, std::string_view text) {
  put(fs::path(directory_) / name, text);
  return *this;
}

FakeCgroup& FakeCgroup::removeFile(std::string_view name) {
  fs::remove(fs::path(directory_) / name);
  return *this;
}

std::string FakeCgroup::text(std::string_view name) const { return get(fs::path(directory_) / name); }

bool FakeCgroup::has(std::string_view name) const { return fs::exists(fs::path(directory_) / name); }

void FakeCgroup::remove() { fs::remove_all(directory_); }

FakeHost::FakeHost() {
  std::string name = (fs::temp_directory_path() / "plimsoll-fake-host.XXXXXX").string();
  directory_ = mkdtemp(name.data()) == nullptr ? "" : name;
  EXPECT_FALSE(directory_.empty()) << "cannot make a temporary folder";
  makeCgroup(fs::path(directory_) / "cgroup");
  fs::remove(fs::path(directory_) / "cgroup/cgroup.events");  // the root has none
  mountCgroups(CgroupMounts::Unified);
  proc("sys/kernel/osrelease", "6.12.107+deb13-cloud-amd64\n");
  proc("1/mountinfo", "27 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n");
  sys("devices/system/cpu/online", "0-1\n");
  sys("devices/system/node/has_memory", "0\n");
  sys("devices/virtual/block/vda/dev", "254:0\n");
  sys("devices/virtual/block/vda/vda1/dev", "254:1\n");
  sys("devices/virtual/block/vda/vda1/partition", "1\n");
  fs::path numbers = fs::path(directory_) / "sys/dev/block";
  fs::create_directories(numbers);
  fs::create_symlink("../../devices/virtual/block/vda", numbers / "254:0");
  fs::create_symlink("../../devices/virtual/block/vda/vda1", numbers / "254:1");
}

FakeHost::~FakeHost() {
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

sys::HostRoots FakeHost::roots() const {
  return {.cgroup = directory_ + "/cgroup", .proc = directory_ + "/proc", .sys = directory_ + "/sys"};
}

FakeCgroup FakeHost::cgroup(std::string_view path) {
  fs::path at = fs::path(directory_) / "cgroup";
  for (const fs::path& name : fs::path(withoutSlash(path))) {
    at /= name;
    makeCgroup(at);
  }
  return FakeCgroup(at.string());
}

FakeCgroup FakeHost::container(std::string_view path) {
  FakeCgroup made = cgroup(path);
  for (const auto& [name, text] : kContainerFiles) made.file(name, text);
  return made;
}

void FakeHost::process(int pid, std::string_view cgroup_path) {
  const std::string number = std::to_string(pid);
  FakeCgroup where = cgroup(cgroup_path);
  where.file("cgroup.procs", where.text("cgroup.procs") + number + "\n");
  proc(number + "/cgroup", "0::/" + std::string(withoutSlash(cgroup_path)) + "\n");
  proc(number + "/oom_score_adj", "0\n");
  proc(number + "/mountinfo", "300 200 0:52 / / rw,relatime - overlay overlay rw\n");
}

void FakeHost::proc(std::string_view path, std::string_view text) {
  put(fs::path(directory_) / "proc" / withoutSlash(path), text);
}

void FakeHost::sys(std::string_view path, std::string_view text) {
  put(fs::path(directory_) / "sys" / withoutSlash(path), text);
}

std::string FakeHost::procText(std::string_view path) const {
  return get(fs::path(directory_) / "proc" / withoutSlash(path));
}

void FakeHost::mountCgroups(CgroupMounts mounts) {
  const std::string at = directory_ + "/cgroup";
  std::string text = "27 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n";
  const bool v1 = mounts == CgroupMounts::Hybrid || mounts == CgroupMounts::V1;
  if (mounts == CgroupMounts::Unified) text += "31 27 0:28 / " + at + " rw - cgroup2 cgroup2 rw\n";
  if (v1) {
    text += "31 27 0:28 / " + at + " rw - tmpfs tmpfs rw\n";
    text += "32 31 0:29 / " + at + "/cpu rw - cgroup cgroup rw,cpu\n";
    text += "33 31 0:30 / " + at + "/systemd rw - cgroup cgroup rw,name=systemd\n";
  }
  if (mounts == CgroupMounts::Hybrid) text += "34 31 0:31 / " + at + "/unified rw - cgroup2 cgroup2 rw\n";
  proc("self/mountinfo", text);
}

}  // namespace plimsoll::testing_support
