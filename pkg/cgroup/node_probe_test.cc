#include "pkg/cgroup/node_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fake_host/fake_host.h"

namespace plimsoll::cgroup {
namespace {

using testing::IsEmpty;
using testing_support::FakeHost;

model::NodeFacts probe(const FakeHost& host, const std::vector<std::string>& cgroups = {}) {
  return probeNode(host.roots(), *Hierarchy::open(host.roots()), cgroups);
}

TEST(NodeProbeTest, ReadsTheNode) {
  FakeHost host;
  host.container("/kubepods");
  const model::NodeFacts facts = probe(host);
  EXPECT_EQ(facts.kernel, (model::KernelVersion{6, 12}));
  EXPECT_EQ(facts.kernel_release, "6.12.107+deb13-cloud-amd64");
  EXPECT_TRUE(facts.controllers.contains("memory"));
  EXPECT_TRUE(facts.cgroup_files.contains("memory.max"));
  EXPECT_EQ(facts.online_cpus.toString(), "0-1");
  EXPECT_EQ(facts.online_mems.toString(), "0");
  EXPECT_GE(facts.page_size, 4096);
}

TEST(NodeProbeTest, TheCgroupWithMostControllersShowsTheFiles) {
  FakeHost host;
  host.cgroup("/a").file("cgroup.controllers", "cpu\n").file("only.a", "");
  host.cgroup("/b/c").file("only.c", "");
  host.cgroup("/b").file("cgroup.controllers", "cpu memory\n");
  const auto files = probe(host, {"/", "/gone", "/b/c"}).cgroup_files;
  EXPECT_TRUE(files.contains("only.c"));
  EXPECT_FALSE(files.contains("only.a"));
}

TEST(NodeProbeTest, WithoutAnyCgroupTheFilesAreUnknown) {
  FakeHost host;
  EXPECT_THAT(probe(host).cgroup_files, IsEmpty());
  host.cgroup("/a").file("cgroup.controllers", "\n");
  EXPECT_THAT(probe(host).cgroup_files, IsEmpty());
}

TEST(NodeProbeTest, WhatCannotBeReadStaysUnknown) {
  FakeHost host;
  host.sys("devices/system/cpu/online", "garbage\n");
  host.proc("sys/kernel/osrelease", "");
  std::filesystem::remove_all(host.roots().sys + "/devices/system/node");
  const model::NodeFacts facts = probe(host);
  EXPECT_TRUE(facts.online_cpus.empty());
  EXPECT_EQ(facts.kernel, (model::KernelVersion{0, 0}));
  EXPECT_EQ(facts.online_mems.toString(), "0") << "a kernel without NUMA has one node";
}

TEST(NodeProbeTest, KernelReleases) {
  struct Case {
    std::string_view text;
    model::KernelVersion want;
  };
  const Case cases[] = {
      {"6.12.107+deb13-cloud-amd64", {6, 12}},
      {"6.1.0-26-amd64\n", {6, 1}},
      {"7.2-rc1", {7, 2}},
      {"6.18.44-fc-v595", {6, 18}},
      {"5.15", {5, 15}},
      {"", {0, 0}},
      {"6", {0, 0}},
      {"x.1", {0, 0}},
      {"6.", {0, 0}},
      {"6.x", {0, 0}},
      {"-6.1", {0, 0}},
      {"99999999999.1", {0, 0}},
  };
  for (const Case& c : cases) EXPECT_EQ(parseKernelRelease(c.text), c.want) << c.text;
}

}  // namespace
}  // namespace plimsoll::cgroup
