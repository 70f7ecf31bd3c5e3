// Deaths and returns: the agent's, the runtime's, and many pods in a row (PLIMSOLL_CHURN; 200 in `make
// bench`).
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "pkg/base/parse.h"
#include "tests/vm/suite/node.h"

namespace plimsoll::vm {
namespace {

namespace fs = std::filesystem;

class Lifecycle : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    node().configure("rules: [{name: all, settings: [{key: \"*\"}]}]\n");
    ASSERT_TRUE(node().startAgent());
  }
  void TearDown() override { node().removePods(); }

  // Every setting of every container that the agent shows holds in the kernel what it says.
  void expectViewEqualsKernel() {
    for (const v1::Container& container : node().containers()) {
      for (const v1::Setting& setting : container.settings()) {
        if (setting.key() != "memory.high" && setting.key() != "pids.max") continue;
        std::string file = "/sys/fs/cgroup" + container.cgroup_path() + "/" + setting.file();
        EXPECT_EQ(setting.state(), v1::SETTING_STATE_APPLIED)
            << container.name() << " " << setting.DebugString();
        std::string want = setting.key() == "pids.max" ? "60" : "50331648";
        EXPECT_EQ(fileText(file), want) << file;
      }
    }
  }
  bool shows(const std::string& id) {
    auto report = node().container(id);
    if (!report || report->settings_size() == 0) return false;
    for (const v1::Setting& setting : report->settings()) {
      if (setting.state() != v1::SETTING_STATE_APPLIED) return false;
    }
    return true;
  }

  static constexpr char kWish[] = "plimsoll.dev/memory.high: 48Mi, plimsoll.dev/pids.max: '60'";
};

size_t timesLost() {
  std::string log = node().agentLog();
  size_t count = 0;
  for (size_t at = 0; (at = log.find("Lost the runtime", at)) != std::string::npos; ++at) ++count;
  return count;
}

struct Footprint {
  size_t descriptors = 0;
  size_t threads = 0;
  long rss_kib = 0;
};

Footprint footprint(int pid) {
  Footprint seen;
  std::string proc = "/proc/" + std::to_string(pid);
  for ([[maybe_unused]] const auto& fd : fs::directory_iterator(proc + "/fd")) ++seen.descriptors;
  for ([[maybe_unused]] const auto& task : fs::directory_iterator(proc + "/task")) ++seen.threads;
  std::string status = fileText(proc + "/status");
  size_t at = status.find("VmRSS:");
  if (at != std::string::npos) seen.rss_kib = std::strtol(status.c_str() + at + 6, nullptr, 10);
  return seen;
}

TEST_F(Lifecycle, TheAgentKilledAndBackSeesWhatTheKernelHas) {
  auto before = node().run(node().pod("before", kWish));
  node().killAgent();
  // Created while nobody watches: nothing is set, and nothing fails.
  auto meanwhile = node().run(node().pod("meanwhile", kWish));
  ASSERT_TRUE(meanwhile.allStarted());
  EXPECT_EQ(fileText(node().cgroupOf(meanwhile) + "/memory.high"), "max");
  EXPECT_EQ(fileText(node().cgroupOf(before) + "/memory.high"), "50331648");
  ASSERT_TRUE(node().startAgent());
  EXPECT_TRUE(eventually([&] { return shows(node().idOf(before)) && shows(node().idOf(meanwhile)); }));
  EXPECT_EQ(node().setting(node().idOf(meanwhile), "memory.high").stage(), v1::STAGE_LATE);
  expectViewEqualsKernel();
}

TEST_F(Lifecycle, TheRuntimeKilledAndBackKeepsPodsAndAgent) {
  auto pod = node().run(node().pod("lasting", kWish));
  int agent = node().agentPid();
  ASSERT_EQ(std::system("containerd-ctl kill && containerd-ctl start && containerd-ctl wait"), 0);
  ASSERT_TRUE(eventually([] {
    auto info = node().node();
    return info && info->runtime().connected();
  }));
  EXPECT_EQ(node().agentPid(), agent);
  EXPECT_EQ(fileText(node().cgroupOf(pod) + "/memory.high"), "50331648");
  auto after = node().run(node().pod("after", kWish));
  ASSERT_TRUE(after.allStarted());
  EXPECT_TRUE(eventually([&] { return shows(node().idOf(pod)) && shows(node().idOf(after)); }));
  EXPECT_EQ(node().setting(node().idOf(after), "memory.high").stage(), v1::STAGE_CREATE);
  expectViewEqualsKernel();
}

TEST_F(Lifecycle, ManyPodsInARowAndNoneMissed) {
  const char* wanted = std::getenv("PLIMSOLL_CHURN");
  int pods = wanted ? base::parseInt<int>(wanted).value_or(200) : 200;
  int agent = node().agentPid();
  size_t losses = timesLost();
  // A few first, so that what grows once (buffers, thread pools) has grown.
  constexpr int kWarmUp = 10;
  Footprint start;
  int missed = 0;
  for (int i = 0; i < pods; ++i) {
    if (i == kWarmUp) start = footprint(agent);
    auto pod = node().run(node().pod("churn-" + std::to_string(i), kWish));
    ASSERT_TRUE(pod.allStarted()) << "pod " << i;
    if (fileText(node().cgroupOf(pod) + "/memory.high") != "50331648") ++missed;
    auto sandbox = node().pods().find("test", "churn-" + std::to_string(i));
    ASSERT_TRUE(sandbox);
    auto removed = node().pods().remove(*sandbox, 0);
    ASSERT_TRUE(removed) << removed.error().message;
  }
  Footprint end = footprint(agent);
  std::cout << "churn: " << pods << " pods, descriptors " << start.descriptors << " -> " << end.descriptors
            << ", threads " << start.threads << " -> " << end.threads << ", RSS " << start.rss_kib << " -> "
            << end.rss_kib << " KiB\n";
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(node().agentPid(), agent);
  EXPECT_LE(end.descriptors, start.descriptors + 2);
  EXPECT_LE(end.threads, start.threads + 2);
  EXPECT_LE(end.rss_kib, start.rss_kib + 2048);
  // A time-out would have cost the connection.
  EXPECT_TRUE(node().node()->runtime().connected());
  EXPECT_EQ(timesLost(), losses) << node().agentLog();
}

}  // namespace
}  // namespace plimsoll::vm
