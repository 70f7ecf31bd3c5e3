// The engine's coming and going as the node is told of it.
#include "cmd/plimsolld/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::agent {
namespace {

using testing::HasSubstr;

TEST(Network, ThatThereIsNoEngineIsToldOnce) {
  auto loop = sys::EventLoop::create();
  ASSERT_TRUE(loop);
  std::vector<model::Event> events;
  // Not a place for pins, whoever asks.
  Network::Options options{.bpffs = "/proc/self/status"};
  options.tell = [&](model::Event event) { events.push_back(std::move(event)); };
  Network network(**loop, std::move(options));
  config::NetworkConfig config;
  config.enabled = true;
  network.configure(config);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, model::Event::Type::Warning);
  EXPECT_EQ(events[0].reason, "TrafficUnavailable");
  EXPECT_THAT(events[0].message, HasSubstr(network.problem()));
  EXPECT_FALSE(network.status().running());
  network.configure(config);
  EXPECT_EQ(events.size(), 1u) << "of the same problem nothing new";
  config.enabled = false;
  network.configure(config);
  EXPECT_EQ(network.problem(), "");
  config.enabled = true;
  network.configure(config);
  EXPECT_EQ(events.size(), 2u) << "switched on anew";
}

TEST(Network, OfAContainerThatIsGoneNothingIsCounted) {
  auto loop = sys::EventLoop::create();
  ASSERT_TRUE(loop);
  Network network(**loop, {});
  model::ContainerReport report;
  EXPECT_EQ(network.stats(report), std::nullopt);
  report.cgroup_path = "/no/such/cgroup";
  EXPECT_EQ(network.stats(report), std::nullopt);
}

}  // namespace
}  // namespace plimsoll::agent
