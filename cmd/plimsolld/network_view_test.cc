// What the engine says, and what is shown of it; what the configuration says, and what the engine is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/plimsolld/doctor.h"
#include "cmd/plimsolld/network.h"

namespace plimsoll::agent {
namespace {

using cli::Severity;
using testing::ElementsAre;
using testing::SizeIs;

TEST(LineOf, PercentagesBecomeParts) {
  config::NetworkConfig config;
  config.uplinks = {"eth0"};
  config.bits_per_second = 10'000'000'000;
  config.headroom = 250;
  config.normal_share = 2'000;
  config.besteffort_share = 100;
  config.ecn = false;
  const netqos::LineOptions line = lineOf(config);
  EXPECT_THAT(line.uplinks, ElementsAre("eth0"));
  EXPECT_EQ(line.bits_per_second, 10'000'000'000u);
  EXPECT_DOUBLE_EQ(line.headroom, 0.025);
  EXPECT_DOUBLE_EQ(line.shares[2], 0.2);
  EXPECT_DOUBLE_EQ(line.shares[3], 0.01);
  EXPECT_EQ(line.shares[0], 0);
  EXPECT_FALSE(line.ecn);
  EXPECT_EQ(lineOf({}), netqos::LineOptions()) << "both have the same defaults";
}

netqos::NodeReport report() {
  netqos::NodeReport report;
  report.mode = netqos::Mode::LinkTcx;
  report.pins = "/sys/fs/bpf/plimsoll/v1";
  report.pacing = true;
  report.pods = 2;
  netqos::UplinkReport uplink;
  uplink.device = "eth0";
  uplink.attached = "tcx";
  uplink.classes[1].bytes = 7;
  uplink.classes[3].drop_packets = 9;
  report.uplinks.push_back(uplink);
  return report;
}

TEST(StatusOf, ClassesKeepTheirPlaces) {
  const model::NetworkStatus status = statusOf(report());
  EXPECT_EQ(status.mode, "link tcx");
  EXPECT_EQ(status.pods, 2u);
  ASSERT_THAT(status.uplinks, SizeIs(1));
  for (size_t i = 0; i < netqos::kClasses; ++i)
    EXPECT_EQ(netqos::className(static_cast<netqos::Class>(i)), model::kTrafficClasses[i]);
  EXPECT_EQ(status.uplinks[0].sent[1].bytes, 7u);
  EXPECT_EQ(status.uplinks[0].sent[3].drop_packets, 9u);
  EXPECT_FALSE(status.running()) << "whether it is wanted is not the engine's to say";
}

TEST(StatsOf, KeepsEveryCount) {
  netqos::Counts counts;
  counts.traffic_class = netqos::Class::BestEffort;
  counts.egress = {1, 2, 3, 4, 5, std::chrono::nanoseconds(6), 7};
  netqos::ModeReport mode{
      netqos::Mode::Cgroup, "host network", {{"cgroup /a", "plm_cg_out", "cgroup link", ""}}};
  const model::TrafficStats stats = statsOf(counts, mode);
  EXPECT_EQ(stats.traffic_class, "besteffort");
  EXPECT_EQ(stats.mode, "cgroup");
  EXPECT_EQ(stats.reason, "host network");
  EXPECT_EQ(stats.egress, (model::FlowStats{.bytes = 1,
                                            .packets = 2,
                                            .marks = 3,
                                            .drop_bytes = 4,
                                            .drop_packets = 5,
                                            .delay_ns = 6,
                                            .delayed = 7}));
  EXPECT_EQ(stats.ingress, model::FlowStats{});
  EXPECT_THAT(stats.attached, SizeIs(1));
}

TEST(Doctor, SaysWhatIsThereAndWhatIsMissing) {
  auto found = report();
  auto checks = checkNetwork(statusOf(found));
  EXPECT_FALSE(cli::hasErrors(checks));
  for (const cli::Check& check : checks) EXPECT_EQ(check.severity, Severity::Ok) << check.name;

  found.pins.clear();
  found.reason = "this kernel has no TCX (Linux 6.6)";
  found.uplinks[0].problem = "no such device";
  found.findings.push_back({"tbf", "veth0", "both rates hold"});
  checks = checkNetwork(statusOf(found));
  EXPECT_FALSE(cli::hasErrors(checks));
  ASSERT_THAT(checks, SizeIs(5));
  EXPECT_EQ(checks[0].why, "no better one: this kernel has no TCX (Linux 6.6)");
  EXPECT_EQ(checks[1].severity, Severity::Warning) << "nothing outlives the agent";
  EXPECT_EQ(checks[3].severity, Severity::Warning);
  EXPECT_EQ(checks[4].found, "tbf at veth0");

  netqos::NodeReport none;
  none.reason = "CAP_BPF is missing";
  checks = checkNetwork(statusOf(none));
  ASSERT_THAT(checks, SizeIs(1));
  EXPECT_TRUE(cli::hasErrors(checks));
  EXPECT_EQ(checks[0].why, "CAP_BPF is missing");
}

}  // namespace
}  // namespace plimsoll::agent
