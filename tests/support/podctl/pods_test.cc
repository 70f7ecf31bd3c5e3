#include "tests/support/podctl/pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/podctl/messages.h"
#include "tests/support/podctl/pod_cgroup.h"

namespace plimsoll::podctl {
namespace {

TEST(LogText, TakesTheMessagesOut) {
  EXPECT_EQ(logText("2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:00Z stderr F two words\n"),
            "one\ntwo words\n");
  EXPECT_EQ(logText("t stdout P long \nt stdout F line\n"), "long line\n");
  EXPECT_EQ(logText("t stdout F \n"), "\n");
  EXPECT_EQ(logText("garbage\n\nt stdout\nt stdout F kept"), "kept\n");
  EXPECT_EQ(logText(""), "");
}

TEST(Client, SaysThatNobodyAnswers) {
  auto client = Client::connect("/nonexistent/cri.sock", std::chrono::seconds(0));
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, base::ErrorCode::Unavailable);
  EXPECT_THAT(client.error().message, testing::HasSubstr("/nonexistent/cri.sock"));
}

TEST(Messages, NoLimitIsSaidAndComesBack) {
  const ContainerLimits open{.cpu_shares = 2};
  EXPECT_EQ(toResources(open).cpu_quota(), -1);
  EXPECT_EQ(toResources(open).memory_swap_limit_in_bytes(), 0);
  EXPECT_EQ(fromResources(toResources(open)).cpu_quota_us, 0);
  const ContainerLimits bounded{.cpu_shares = 102,
                                .cpu_quota_us = 5000,
                                .memory_bytes = 4096,
                                .oom_score_adj = 7,
                                .hugepages = {{"2MB", 1}}};
  EXPECT_EQ(toResources(bounded).memory_swap_limit_in_bytes(), 4096) << "no swap unless the pod asks";
  const ContainerLimits back = fromResources(toResources(bounded));
  EXPECT_EQ(back.cpu_quota_us, 5000);
  EXPECT_EQ(back.memory_bytes, 4096);
  EXPECT_EQ(back.oom_score_adj, 7);
  EXPECT_EQ(back.hugepages.at("2MB"), 1);
}

TEST(Messages, SandboxAndContainerCarryTheKubeletsLabels) {
  PodSpec pod{.name = "web", .name_space = "shop", .uid = "u"};
  pod.host_pid = true;
  ContainerSpec container;
  container.name = "main";
  const auto sandbox = sandboxConfig(pod, "/kubepods/podu", {});
  EXPECT_EQ(sandbox.linux().cgroup_parent(), "/kubepods/podu");
  EXPECT_EQ(sandbox.linux().security_context().namespace_options().pid(), runtime::v1::NODE);
  EXPECT_EQ(sandbox.labels().at("io.kubernetes.pod.namespace"), "shop");
  const auto config = containerConfig(pod, container, {});
  EXPECT_EQ(config.labels().at("io.kubernetes.container.name"), "main");
  EXPECT_EQ(config.linux().resources().unified().at("memory.oom.group"), "1");
}

TEST(PodCgroup, NamesTheFileThatIsMissing) {
  const auto root = std::filesystem::temp_directory_path() / ("podctl_test." + std::to_string(::getpid()));
  std::filesystem::create_directory(root);
  auto made = makePodCgroup(root, "/kubepods/podu");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, testing::HasSubstr("no cgroup v2 controllers"));
  auto limited = limitPodCgroup(root, "/kubepods/podu", {});
  ASSERT_FALSE(limited);
  EXPECT_TRUE(limited.error().isGone());
  EXPECT_TRUE(removePodCgroup(root, "/kubepods/podu")) << "gone already is well";
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace plimsoll::podctl
