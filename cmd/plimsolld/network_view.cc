// The engine's reports as the values that API, metrics and doctor show.
#include "cmd/plimsolld/network.h"

namespace plimsoll::agent {

model::FlowStats statsOf(const netqos::FlowCounts& counts) {
  return {.bytes = counts.bytes,
          .packets = counts.packets,
          .marks = counts.marks,
          .drop_bytes = counts.drop_bytes,
          .drop_packets = counts.drop_packets,
          .delay_ns = static_cast<uint64_t>(counts.delay.count()),
          .delayed = counts.delayed};
}

model::TrafficStats statsOf(const netqos::Counts& counts, const netqos::ModeReport& mode) {
  model::TrafficStats stats;
  stats.traffic_class = netqos::className(counts.traffic_class);
  stats.mode = netqos::modeName(mode.mode);
  stats.reason = mode.reason;
  stats.egress = statsOf(counts.egress);
  stats.ingress = statsOf(counts.ingress);
  for (const netqos::Attachment& each : mode.attached)
    stats.attached.push_back({each.where, each.program, each.how, each.problem});
  return stats;
}

model::NetworkStatus statusOf(const netqos::NodeReport& report) {
  static_assert(netqos::kClasses == model::kTrafficClasses.size());
  model::NetworkStatus status;
  status.mode = netqos::modeName(report.mode);
  status.reason = report.reason;
  status.pins = report.pins;
  status.pacing = report.pacing;
  status.no_pacing = report.no_pacing;
  status.pods = report.pods;
  status.containers = report.containers;
  status.repairs = report.repairs;
  status.stepped_back = report.stepped_back;
  for (const netqos::UplinkReport& each : report.uplinks) {
    model::NetworkUplink uplink{each.device, each.queue, each.attached, each.problem, {}};
    for (size_t i = 0; i < each.classes.size(); ++i) uplink.sent[i] = statsOf(each.classes[i]);
    status.uplinks.push_back(std::move(uplink));
  }
  for (const netqos::Finding& each : report.findings)
    status.findings.push_back({each.what, each.where, each.means});
  return status;
}

}  // namespace plimsoll::agent
