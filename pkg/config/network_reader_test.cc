#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/config/config.h"

namespace plimsoll::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

base::Result<NodeConfig> load(const std::string& network) {
  return loadNodeConfig("apiVersion: plimsoll.dev/v1alpha1\nkind: NodeConfig\nnetwork: " + network + "\n",
                        "f");
}

TEST(NetworkReader, WithoutTheSectionItIsOff) {
  EXPECT_FALSE(builtInConfig().network.enabled);
  EXPECT_EQ(load("{}")->network, NetworkConfig{});
}

TEST(NetworkReader, ReadsEverything) {
  auto config = load(
      "{enabled: true, uplinks: [eth0, bond0.100], rate: 2.5G, headroom: 2.5%, "
      "shares: {normal: 20%, besteffort: 1%}, ecn: false, manageQdisc: true}");
  ASSERT_TRUE(config) << config.error().message;
  const NetworkConfig& network = config->network;
  EXPECT_TRUE(network.enabled);
  EXPECT_THAT(network.uplinks, ElementsAre("eth0", "bond0.100"));
  EXPECT_EQ(network.bits_per_second, 2'500'000'000u);
  EXPECT_EQ(network.headroom, 250);
  EXPECT_EQ(network.normal_share, 2'000);
  EXPECT_EQ(network.besteffort_share, 100);
  EXPECT_FALSE(network.ecn);
  EXPECT_TRUE(network.manage_qdisc);
}

TEST(NetworkReader, MistakesAreTold) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"{enable: true}", "did you mean enabled?"},
      {"{enabled: yes}", "enabled wants true or false"},
      {"{uplinks: [eth/0]}", "is no network device's name"},
      {"{uplinks: [a-very-long-device-name]}", "is no network device's name"},
      {"{uplinks: eth0}", "uplinks"},
      {"{rate: fast}", "rate wants the line's bits per second"},
      {"{rate: max}", "rate wants the line's bits per second"},
      {"{headroom: 60%}", "from 0% to 50%"},
      {"{headroom: 5}", "from 0% to 50%"},
      {"{shares: {system: 10%}}", "system"},
      {"{shares: {normal: 80%, besteffort: 20%}}", "more than 90% together"},
      {"{manageQdisc: fq}", "manageQdisc wants true or false"},
      {"true", "network"},
  };
  for (const auto& [text, said] : kWrong) {
    auto config = load(text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message, HasSubstr(said)) << text;
  }
}

}  // namespace
}  // namespace plimsoll::config
