#include "pkg/model/setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "pkg/model/plan.h"
#include "pkg/model/value.h"

namespace plimsoll::model {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::Not;

TEST(SettingsTable, EveryRowIsComplete) {
  for (const SettingSpec& spec : settingsTable()) {
    SCOPED_TRACE(spec.key);
    EXPECT_FALSE(spec.group.empty());
    EXPECT_FALSE(spec.unit.empty());
    EXPECT_FALSE(spec.example.empty());
    EXPECT_THAT(std::string(spec.help), EndsWith("."));
    EXPECT_LT(spec.help.size(), 120u);
    EXPECT_LE(spec.min, spec.max);
    EXPECT_EQ(spec.type == ValueType::Word, !spec.words.empty());
    EXPECT_EQ(spec.key.find('<') != std::string_view::npos, !spec.instances.empty());
    EXPECT_EQ(spec.target == Target::Plimsoll, spec.file.empty());
    EXPECT_EQ(spec.target == Target::CgroupFile, !spec.controller.empty());
    EXPECT_EQ(spec.target != Target::Plimsoll, spec.since != KernelVersion{});
    EXPECT_EQ(spec.target == Target::Rlimit, spec.carrier == Carrier::Rlimit);
    EXPECT_EQ(spec.target == Target::OomScoreAdj, spec.carrier == Carrier::OomScoreAdj);
    EXPECT_EQ(spec.target == Target::IoPriority, spec.carrier == Carrier::IoPriority);
    EXPECT_EQ(spec.target == Target::Scheduler, spec.carrier == Carrier::Scheduler);
    EXPECT_EQ(spec.target == Target::Seccomp, spec.carrier == Carrier::Seccomp);
    EXPECT_EQ(spec.target == Target::Namespace, spec.carrier == Carrier::Namespace);
    EXPECT_TRUE(spec.carrier != Carrier::Sysctl || spec.target == Target::Sysctl);
    EXPECT_TRUE(spec.free_name == nullptr || !spec.instances.empty()) << "examples";
    EXPECT_TRUE(parseValue(spec, spec.example) || spec.type == ValueType::Document) << spec.example;
    EXPECT_TRUE(spec.permission == Permission::Free || !spec.hurts.empty()) << "say why a rule is needed";
  }
}

TEST(SettingsTable, KeysAreUniqueAndFindTheirRow) {
  std::set<std::string> seen;
  for (const SettingSpec& spec : settingsTable()) {
    for (const std::string& key : concreteKeys(spec)) {
      EXPECT_TRUE(seen.insert(key).second) << key;
      EXPECT_EQ(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz.-_0123456789KMGB"), std::string::npos)
          << key;
      EXPECT_LE(key.size(), 63u) << "the name part of an annotation key";
      auto found = findSetting(key);
      ASSERT_TRUE(found) << key;
      EXPECT_EQ(found->spec, &spec);
      EXPECT_EQ(found->key, key);
    }
  }
  EXPECT_GE(seen.size(), 40u);
}

TEST(SettingsTable, HoldsTheSettingsOfTheDesign) {
  std::vector<std::string> keys;
  for (const SettingSpec& spec : settingsTable()) {
    for (std::string& key : concreteKeys(spec)) keys.push_back(std::move(key));
  }
  for (const char* key : {"cpu.weight",
                          "cpu.max",
                          "cpu.max.burst",
                          "cpu.idle",
                          "cpu.uclamp.min",
                          "cpu.uclamp.max",
                          "cpuset.cpus",
                          "cpuset.mems",
                          "cpuset.partition",
                          "memory.min",
                          "memory.low",
                          "memory.high",
                          "memory.max",
                          "memory.swap.max",
                          "memory.zswap.max",
                          "memory.oom.group",
                          "oom.score-adj",
                          "io.weight",
                          "io.max",
                          "io.latency",
                          "pids.max",
                          "hugetlb.2MB.max",
                          "hugetlb.1GB.max",
                          "rlimit.nofile",
                          "rlimit.nproc",
                          "rlimit.memlock",
                          "rlimit.core",
                          "rlimit.stack",
                          "sysctl.net.core.somaxconn",
                          "sysctl.net.ipv4.ip_forward",
                          "net.mtu",
                          "net.txqueuelen",
                          "ioprio",
                          "sched.policy",
                          "class",
                          "on-error",
                          "policy"}) {
    EXPECT_THAT(keys, Contains(key));
  }
}

TEST(FindSetting, FillsInFiles) {
  EXPECT_EQ(findSetting("hugetlb.2MB.max")->file, "hugetlb.2MB.max");
  EXPECT_EQ(findSetting("rlimit.nofile")->file, "RLIMIT_NOFILE");
  EXPECT_EQ(findSetting("rlimit.memlock")->file, "RLIMIT_MEMLOCK");
  EXPECT_EQ(findSetting("cpuset.partition")->file, "cpuset.cpus.partition");
}

TEST(FindSetting, KnowsNothingElse) {
  for (std::string_view key : {"", ".", "cpu", "cpu.", "cpu.weigh", "CPU.weight", "hugetlb.3MB.max",
                               "hugetlb..max", "hugetlb.<size>.max", "hugetlb.max", "rlimit.",
                               "rlimit.NOFILE", "rlimit.nofile ", "rlimit.<resource>"}) {
    EXPECT_FALSE(findSetting(key)) << key;
  }
}

TEST(NearestSettingKey, NamesTheLikelyOne) {
  struct Case {
    std::string_view slip, key;
  };
  const Case cases[] = {{"memory.hihg", "memory.high"},
                        {"memory.hig", "memory.high"},
                        {"memroy.high", "memory.high"},
                        {"memory_high", "memory.high"},
                        {"Memory.High", "memory.high"},
                        {"cpu.wieght", "cpu.weight"},
                        {"cpu.weights", "cpu.weight"},
                        {"oom_score_adj", "oom.score-adj"},
                        {"oom.score_adj", "oom.score-adj"},
                        {"oomscoreadj", "oom.score-adj"},
                        {"cpuset.cpus.partition", "cpuset.partition"},
                        {"cpu.shares", "cpu.weight"},
                        {"cpu.cfs_quota_us", "cpu.max"},
                        {"memory.limit_in_bytes", "memory.max"},
                        {"hugetlb.2mb.max", "hugetlb.2MB.max"},
                        {"rlimit.nofiles", "rlimit.nofile"},
                        {"on_error", "on-error"},
                        {"clas", "class"},
                        {"pid.max", "pids.max"}};
  for (const Case& c : cases) EXPECT_EQ(nearestSettingKey(c.slip).value_or("none"), c.key) << c.slip;
  for (std::string_view key : {"", "x", "completely.different", "description"}) {
    EXPECT_FALSE(nearestSettingKey(key)) << key << " " << *nearestSettingKey(key);
  }
  EXPECT_FALSE(nearestSettingKey(std::string(100'000, 'x')));
}

TEST(Nearest, CountsSlipsAsOptimalAlignment) {
  const std::string_view names[] = {"app", "sidecar", "init-db"};
  EXPECT_EQ(nearest("apq", names), "app");
  EXPECT_EQ(nearest("pap", names), "app");
  EXPECT_EQ(nearest("sidcear", names), "sidecar");
  EXPECT_EQ(nearest("sidecars", names), "sidecar");
  EXPECT_EQ(nearest("web", names), std::nullopt);
  EXPECT_EQ(nearest("", names), std::nullopt);
  EXPECT_EQ(nearest("app", {}), std::nullopt);
}

TEST(Names, AreAllDifferent) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(State::Invalid); ++i) names.insert(stateName(static_cast<State>(i)));
  EXPECT_EQ(names.size(), 9u);
  EXPECT_THAT(names, Not(Contains("Unknown")));
  EXPECT_EQ(stageName(Stage::Create), "Create");
  EXPECT_EQ(stageName(Stage::Start), "Start");
  EXPECT_EQ(stageName(Stage::Late), "Late");
}

}  // namespace
}  // namespace plimsoll::model
