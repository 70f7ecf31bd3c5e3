#include "cmd/kubectl-plimsoll/view_traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plimsoll::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

pb::ContainerStats stats() {
  pb::ContainerStats stats;
  stats.set_namespace_("shop");
  stats.set_pod("web-0");
  stats.set_name("app");
  pb::TrafficStats& traffic = *stats.mutable_traffic();
  traffic.set_traffic_class("high");
  traffic.set_mode("link tcx");
  traffic.set_egress_rate("10M");
  traffic.set_pod_egress_rate("100M");
  traffic.mutable_egress()->set_bytes(7 << 20);
  traffic.mutable_egress()->set_packets(5000);
  traffic.mutable_egress()->set_drop_packets(3);
  traffic.mutable_egress()->set_marks(12);
  traffic.mutable_egress()->set_delay_nsec(24'000'000);
  traffic.mutable_egress()->set_delayed(20);
  pb::TrafficAttachment& attached = *traffic.add_attached();
  attached.set_program("plm_pod_out");
  attached.set_where("ingress of veth12ab");
  attached.set_how("tcx");
  return stats;
}

TEST(TrafficSection, ShowsWhatWasCountedAndWhere) {
  EXPECT_EQ(
      trafficSection(stats().traffic(), {}),
      "  Traffic:\n"
      "    Class:        high\n"
      "    Mode:         link tcx\n"
      "    Attached:     plm_pod_out at ingress of veth12ab (tcx)\n"
      "    Sent:         7.0Mi in 5000 packets, 3 dropped, 12 marked, queue 1.2ms; limit 10M, pod 100M\n"
      "    Received:     0 in 0 packets, 0 dropped, 0 marked\n");
}

TEST(TrafficSection, SaysWhyNotBetter) {
  pb::TrafficStats traffic = stats().traffic();
  traffic.set_mode("cgroup");
  traffic.set_reason("the pod's link has no end on the node (macvlan)");
  traffic.mutable_attached(0)->set_problem("\x1b[31mtaken away 5 times");
  EXPECT_THAT(trafficSection(traffic, {}),
              AllOf(HasSubstr("cgroup: the pod's link has no end on the node (macvlan)"),
                    HasSubstr("why not: "), Not(HasSubstr("\x1b"))));
}

TEST(TrafficDocument, ADescriptionHasItWhereThereIsSome) {
  std::vector<pb::Container> containers(2);
  containers[0].set_id("one");
  containers[1].set_id("two");
  const JsonValue out = withTraffic(document(std::span<const pb::Container>(containers)),
                                    {{"two", stats().traffic()}, {"gone", stats().traffic()}});
  ASSERT_EQ(out["items"].size(), 2u);
  EXPECT_FALSE(out["items"][0]["status"].contains("traffic"));
  const JsonValue& traffic = out["items"][1]["status"]["traffic"];
  EXPECT_EQ(traffic["class"], "high");
  EXPECT_EQ(traffic["egress"]["dropPackets"], 3);
  EXPECT_EQ(traffic["attached"][0]["where"], "ingress of veth12ab");
}

TEST(TrafficTable, LeavesOutWhatHasNone) {
  const std::vector<pb::ContainerStats> all = {stats(), pb::ContainerStats{}};
  View view;
  view.all_namespaces = true;
  EXPECT_EQ(
      trafficTable(all, view),
      "NAMESPACE   POD     CONTAINER   NET-CLASS   MODE       TX-LIMIT        TX      TX-DROPS   TX-MARKS   "
      "TX-QUEUE   RX-LIMIT   RX   RX-DROPS\n"
      "shop        web-0   app         high        link tcx   10M, pod 100M   7.0Mi   3          12         "
      "1.2ms      -          0    0\n");
}

TEST(CheckNetwork, SaysModeAndWhatIsInTheWay) {
  pb::Network network;
  EXPECT_THAT(checkNetwork(network), IsEmpty()) << "nobody wants it";
  network.set_enabled(true);
  network.set_problem("CAP_BPF is missing");
  EXPECT_TRUE(hasErrors(checkNetwork(network)));
  network.clear_problem();
  network.set_mode("link tcx");
  EXPECT_THAT(checkNetwork(network), SizeIs(1));
  network.set_stepped_back(1);
  network.add_uplinks()->set_problem("no such device");
  network.add_findings()->set_what("tbf on veth0");
  const auto checks = checkNetwork(network);
  ASSERT_THAT(checks, SizeIs(4));
  EXPECT_EQ(checks[1].severity, Severity::Warning);
  EXPECT_EQ(checks[3].found, "tbf on veth0");
}

TEST(TrafficDocuments, HoldEverything) {
  const JsonValue traffic = document(stats().traffic());
  EXPECT_EQ(traffic["egress"]["dropPackets"], 3);
  EXPECT_EQ(traffic["podEgressRate"], "100M");
  EXPECT_FALSE(traffic.contains("ingressRate"));
  EXPECT_EQ(traffic["attached"][0]["program"], "plm_pod_out");
  pb::Network network;
  EXPECT_EQ(document(network).dump(), "{\"enabled\":false}");
  network.set_enabled(true);
  network.add_uplinks()->add_classes()->set_name("high");
  EXPECT_EQ(document(network)["uplinks"][0]["classes"]["high"]["bytes"], 0);
}

}  // namespace
}  // namespace plimsoll::cli
