#include "pkg/api/network.h"

#include "pkg/api/utf8.h"
#include "pkg/model/value.h"

namespace plimsoll::api {
namespace {

void toProto(const model::FlowStats& flow, pb::Flow* out) {
  out->set_bytes(flow.bytes);
  out->set_packets(flow.packets);
  out->set_marks(flow.marks);
  out->set_drop_bytes(flow.drop_bytes);
  out->set_drop_packets(flow.drop_packets);
  out->set_delay_nsec(flow.delay_ns);
  out->set_delayed(flow.delayed);
}

void toProto(const model::NetworkUplink& uplink, pb::NetworkUplink* out) {
  out->set_device(validUtf8(uplink.device));
  out->set_queue(validUtf8(uplink.queue));
  out->set_attached(uplink.attached);
  out->set_problem(validUtf8(uplink.problem));
  for (size_t i = 0; i < uplink.sent.size(); ++i) {
    pb::ClassFlow* row = out->add_classes();
    row->set_name(std::string(model::kTrafficClasses[i]));
    toProto(uplink.sent[i], row->mutable_sent());
  }
}

// Empty: no such limit is in force.
std::string limitOf(const model::ContainerReport& report, std::string_view key) {
  for (const model::PlannedSetting& setting : report.plan.settings) {
    if (setting.request.setting.key != key) continue;
    if (setting.state != model::State::Applied && setting.state != model::State::Adjusted) continue;
    if (setting.value == model::Value(model::Number{model::kMax})) continue;
    return model::formatValue(*setting.request.setting.spec, setting.value);
  }
  return "";
}

}  // namespace

void toProto(const model::NetworkStatus& network, pb::Network* out) {
  out->set_enabled(network.wanted);
  out->set_problem(validUtf8(network.problem));
  out->set_mode(network.mode);
  out->set_reason(validUtf8(network.reason));
  out->set_pins(validUtf8(network.pins));
  out->set_pacing(network.pacing);
  out->set_no_pacing(validUtf8(network.no_pacing));
  out->set_pods(network.pods);
  out->set_containers(network.containers);
  out->set_repairs(network.repairs);
  out->set_stepped_back(network.stepped_back);
  for (const model::NetworkUplink& uplink : network.uplinks) toProto(uplink, out->add_uplinks());
  for (const model::NetworkFinding& finding : network.findings) {
    pb::NetworkFinding* row = out->add_findings();
    row->set_what(validUtf8(finding.what));
    row->set_where(validUtf8(finding.where));
    row->set_means(validUtf8(finding.means));
  }
}

void toProto(const model::TrafficStats& stats, const model::ContainerReport& report, pb::TrafficStats* out) {
  out->set_traffic_class(stats.traffic_class);
  out->set_mode(stats.mode);
  out->set_reason(validUtf8(stats.reason));
  toProto(stats.egress, out->mutable_egress());
  toProto(stats.ingress, out->mutable_ingress());
  for (const model::TrafficAttachment& each : stats.attached) {
    pb::TrafficAttachment* row = out->add_attached();
    row->set_where(validUtf8(each.where));
    row->set_program(each.program);
    row->set_how(each.how);
    row->set_problem(validUtf8(each.problem));
  }
  out->set_egress_rate(limitOf(report, "net.egress.rate"));
  out->set_ingress_rate(limitOf(report, "net.ingress.rate"));
  out->set_pod_egress_rate(limitOf(report, "net.pod.egress.rate"));
  out->set_pod_ingress_rate(limitOf(report, "net.pod.ingress.rate"));
}

}  // namespace plimsoll::api
