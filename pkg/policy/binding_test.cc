#include "pkg/policy/binding.h"

#include <gtest/gtest.h>

#include "pkg/policy/test_world.h"

namespace plimsoll::policy {
namespace {

using Ancestors = std::vector<model::AncestorValue>;

std::string binding(std::string_view key, std::string_view value, const std::string& parent,
                    const std::string& grandparent) {
  const auto setting = keyOf(key);
  const Ancestors ancestors = {{"/kubepods/pod1/" + setting.file, parent},
                               {"/kubepods/" + setting.file, grandparent}};
  return bindingAncestor(*setting.spec, valueOf(key, value), ancestors).value_or("none");
}

TEST(BindingAncestor, LimitsAndProtections) {
  struct Row {
    const char *key, *value, *parent, *grandparent, *binds;
  };
  const Row table[] = {
      {"memory.max", "1Gi", "max\n", "max\n", "none"},
      {"memory.max", "1Gi", "1073741824\n", "max\n", "none"},
      {"memory.max", "1Gi", "67108864\n", "max\n", "/kubepods/pod1/memory.max = 64Mi"},
      {"memory.max", "1Gi", "67108864\n", "33554432\n", "/kubepods/memory.max = 32Mi"},
      {"memory.max", "1Gi", "67108864\n", "67108864\n", "/kubepods/pod1/memory.max = 64Mi"},
      {"memory.max", "max", "67108864\n", "max\n", "/kubepods/pod1/memory.max = 64Mi"},
      {"memory.high", "1Gi", "max\n", "4096\n", "/kubepods/memory.high = 4Ki"},
      {"memory.swap.max", "1Gi", "0\n", "max\n", "/kubepods/pod1/memory.swap.max = 0"},
      {"pids.max", "64", "32\n", "max\n", "/kubepods/pod1/pids.max = 32"},
      {"cpu.max", "2", "max 100000\n", "max 100000\n", "none"},
      {"cpu.max", "2", "100000 50000\n", "max 100000\n", "none"},
      {"cpu.max", "2", "150000 100000\n", "max 100000\n", "/kubepods/pod1/cpu.max = 1500m"},
      {"hugetlb.2MB.max", "4Mi", "2097152\n", "max\n", "/kubepods/pod1/hugetlb.2MB.max = 2Mi"},
      {"memory.min", "64Mi", "0\n", "max\n", "/kubepods/pod1/memory.min = 0"},
      {"memory.low", "64Mi", "67108864\n", "67108864\n", "none"},
      {"memory.low", "0", "0\n", "0\n", "none"},
      {"cpu.uclamp.min", "50%", "0.00\n", "0.00\n", "/kubepods/pod1/cpu.uclamp.min = 0%"},
      {"cpu.uclamp.max", "max", "max\n", "100.00\n", "none"},
      {"cpuset.cpus", "0-3", "\n", "\n", "none"},
      {"cpuset.cpus", "0-3", "0-7\n", "0-15\n", "none"},
      {"cpuset.cpus", "0-3", "0-3\n", "0-3\n", "none"},
      {"cpuset.cpus", "0-3", "0-2\n", "0-7\n", "/kubepods/pod1/cpuset.cpus = 0-2"},
      {"cpuset.cpus", "0-3", "2-9\n", "0-9\n", "/kubepods/pod1/cpuset.cpus = 2-9"},
      {"cpu.weight", "500", "1\n", "1\n", "none"},
      {"memory.oom.group", "true", "0\n", "0\n", "none"},
  };
  for (const Row& row : table) {
    EXPECT_EQ(binding(row.key, row.value, row.parent, row.grandparent), row.binds)
        << row.key << " = " << row.value;
  }
}

TEST(BindingAncestor, WhatCannotBeReadBindsNothing) {
  EXPECT_EQ(binding("memory.max", "1Gi", "", "garbage"), "none");
  EXPECT_EQ(binding("cpu.max", "1", "12", "1 2 3"), "none");
  EXPECT_EQ(binding("memory.max", "1Gi", "garbage", "4096"), "/kubepods/memory.max = 4Ki");
  EXPECT_EQ(bindingAncestor(*keyOf("memory.max").spec, valueOf("memory.max", "1Gi"), {}), std::nullopt);
}

}  // namespace
}  // namespace plimsoll::policy
