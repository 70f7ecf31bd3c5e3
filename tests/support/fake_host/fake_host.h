// A host of plain files in a temporary folder: a cgroup v2 tree, /proc and /sys, for tests without a kernel's
// help. Removed with everything in it at the end.
//
//   FakeHost host;
//   auto container = host.cgroup("/kubepods/pod1/abc").file("cpu.max", "max 100000\n");
//   host.process(4711, "/kubepods/pod1/abc");
//   auto hierarchy = cgroup::Hierarchy::open(host.roots());
//   ... EXPECT_EQ(container.text("cpu.max"), "50000 100000\n");
//
// Plain files keep any text: they do not round, clamp, or refuse (no EINVAL, ERANGE, EBUSY, ENODEV). Tests
// with the label "root" ask the kernel itself.
#pragma once

#include <string>
#include <string_view>

#include "pkg/sys/host_roots.h"

namespace plimsoll::testing_support {

class FakeCgroup {
 public:
  explicit FakeCgroup(std::string directory) : directory_(std::move(directory)) {}

  // Makes or replaces a file.
  FakeCgroup& file(std::string_view name, std::string_view text);
  FakeCgroup& removeFile(std::string_view name);
  // What the file holds; fails the test if there is none.
  std::string text(std::string_view name) const;
  bool has(std::string_view name) const;
  // As rmdir on a cgroup: the files go with it.
  void remove();
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
};

class FakeHost {
 public:
  // Pure cgroup v2 with the controllers that a Debian node has, two CPUs, one memory node, Linux 6.12, an
  // ext4 root on /dev/vda1 (254:1, of the disk 254:0).
  FakeHost();
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  sys::HostRoots roots() const;
  const std::string& directory() const { return directory_; }

  // Makes the cgroup at `path` and those above it where missing, each with cgroup.procs, cgroup.controllers,
  // cgroup.subtree_control and cgroup.events as in the kernel.
  FakeCgroup cgroup(std::string_view path);
  // As cgroup(), with the files that a container has on Linux 6.12 and their default values.
  FakeCgroup container(std::string_view path);

  // A process: /proc/<pid> with cgroup, oom_score_adj (0) and mountinfo, and its number in cgroup.procs.
  void process(int pid, std::string_view cgroup_path);

  // Files below /proc and /sys ("1/mountinfo"); folders are made as needed.
  void proc(std::string_view path, std::string_view text);
  void sys(std::string_view path, std::string_view text);
  std::string procText(std::string_view path) const;

  // Replaces what is mounted around the cgroup tree.
  enum class CgroupMounts { Unified, Hybrid, V1, None };
  void mountCgroups(CgroupMounts mounts);

 private:
  std::string directory_;
};

}  // namespace plimsoll::testing_support
