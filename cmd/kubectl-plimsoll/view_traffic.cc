#include "cmd/kubectl-plimsoll/view_traffic.h"

#include <cstdio>

#include "cmd/kubectl-plimsoll/table.h"

namespace plimsoll::cli {
namespace {

constexpr const char* kNone = "-";

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// "7Mi", "1.4Gi"
std::string bytesText(uint64_t count) {
  constexpr const char* kUnits[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  double bytes = static_cast<double>(count);
  size_t unit = 0;
  for (; bytes >= 1023.5 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fixed(bytes, unit > 0 && bytes < 9.95 ? 1 : 0) + kUnits[unit];
}

// Queue that a packet met on average, of those that met any.
std::string delayText(const pb::Flow& flow) {
  if (flow.delayed() == 0) return kNone;
  const double micros = static_cast<double>(flow.delay_nsec()) / static_cast<double>(flow.delayed()) / 1e3;
  return micros < 1000 ? fixed(micros, 0) + "us" : fixed(micros / 1000, 1) + "ms";
}

// The container's own limit, and its pod's.
std::string rateText(const std::string& own, const std::string& pods) {
  if (own.empty() && pods.empty()) return kNone;
  if (pods.empty()) return own;
  return (own.empty() ? "" : own + ", ") + "pod " + pods;
}

std::string flowText(const pb::Flow& flow, const std::string& limit) {
  std::string text = bytesText(flow.bytes()) + " in " + std::to_string(flow.packets()) + " packets";
  text +=
      ", " + std::to_string(flow.drop_packets()) + " dropped, " + std::to_string(flow.marks()) + " marked";
  if (flow.delayed() > 0) text += ", queue " + delayText(flow);
  return text + (limit == kNone ? "" : "; limit " + limit);
}

std::string line(const std::string& name, const std::string& value) {
  constexpr size_t kColumn = 14;
  const std::string label = name + ":";
  return "    " + label + std::string(label.size() < kColumn ? kColumn - label.size() : 1, ' ') +
         printable(value) + "\n";
}

std::vector<Cell> cellsOf(const pb::ContainerStats& stats, const View& view) {
  const pb::TrafficStats& traffic = stats.traffic();
  const auto drops = [](const pb::Flow& flow) -> Cell {
    return {std::to_string(flow.drop_packets()), flow.drop_packets() > 0 ? Tone::Warn : Tone::Plain};
  };
  std::vector<Cell> cells;
  if (view.all_namespaces) cells.emplace_back(stats.namespace_());
  cells.insert(cells.end(), {stats.pod(),
                             stats.name(),
                             traffic.traffic_class(),
                             traffic.mode(),
                             rateText(traffic.egress_rate(), traffic.pod_egress_rate()),
                             bytesText(traffic.egress().bytes()),
                             drops(traffic.egress()),
                             {std::to_string(traffic.egress().marks())},
                             delayText(traffic.egress()),
                             rateText(traffic.ingress_rate(), traffic.pod_ingress_rate()),
                             bytesText(traffic.ingress().bytes()),
                             drops(traffic.ingress())});
  return cells;
}

JsonValue document(const pb::Flow& flow) {
  return {{"bytes", flow.bytes()},
          {"packets", flow.packets()},
          {"marks", flow.marks()},
          {"dropBytes", flow.drop_bytes()},
          {"dropPackets", flow.drop_packets()},
          {"delayNsec", flow.delay_nsec()},
          {"delayed", flow.delayed()}};
}

JsonValue document(const pb::NetworkUplink& uplink) {
  JsonValue out = {{"device", uplink.device()}, {"queue", uplink.queue()}, {"attached", uplink.attached()}};
  if (!uplink.problem().empty()) out["problem"] = uplink.problem();
  for (const pb::ClassFlow& each : uplink.classes()) out["classes"][each.name()] = document(each.sent());
  return out;
}

}  // namespace

std::string trafficSection(const pb::TrafficStats& traffic, const View& view) {
  const std::string mode = traffic.mode() + (traffic.reason().empty() ? "" : ": " + traffic.reason());
  std::string out = "  Traffic:\n" + line("Class", traffic.traffic_class()) + line("Mode", mode);
  for (const pb::TrafficAttachment& each : traffic.attached()) {
    out += line("Attached", each.program() + " at " + each.where() + " (" + each.how() + ")");
    if (!each.problem().empty())
      out += "      " + view.palette.paint(Tone::Bad, "why not: " + printable(each.problem())) + "\n";
  }
  out += line("Sent", flowText(traffic.egress(), rateText(traffic.egress_rate(), traffic.pod_egress_rate())));
  out += line("Received",
              flowText(traffic.ingress(), rateText(traffic.ingress_rate(), traffic.pod_ingress_rate())));
  return out;
}

std::string trafficTable(std::span<const pb::ContainerStats> stats, const View& view) {
  std::vector<std::string> headers = {"POD",      "CONTAINER", "NET-CLASS", "MODE",
                                      "TX-LIMIT", "TX",        "TX-DROPS",  "TX-MARKS",
                                      "TX-QUEUE", "RX-LIMIT",  "RX",        "RX-DROPS"};
  if (view.all_namespaces) headers.insert(headers.begin(), "NAMESPACE");
  Table table(headers);
  for (const pb::ContainerStats& each : stats) {
    if (each.has_traffic()) table.add(cellsOf(each, view));
  }
  return table.render(view.palette, view.headers);
}

std::vector<Check> checkNetwork(const pb::Network& network) {
  if (!network.enabled()) return {};
  if (!network.problem().empty()) {
    return {{"traffic", Severity::Error, "no traffic control: " + network.problem(),
             "settings net.* are unsupported on this node",
             "give the agent what is missing (plimsolld doctor tells), or switch network.enabled off"}};
  }
  std::vector<Check> checks;
  if (network.reason().empty()) {
    checks.push_back({"traffic", Severity::Ok, "mode: " + network.mode(), "", ""});
  } else {
    checks.push_back(
        {"traffic", Severity::Info, "mode: " + network.mode(), "no better one: " + network.reason(), ""});
  }
  if (network.stepped_back() > 0) {
    checks.push_back({"traffic", Severity::Warning,
                      std::to_string(network.stepped_back()) + " places are left to somebody else",
                      "somebody took our programs away again and again",
                      "see the findings below, and `describe` of the pods"});
  }
  for (const pb::NetworkUplink& uplink : network.uplinks()) {
    if (uplink.problem().empty()) continue;
    checks.push_back({"uplink", Severity::Warning, uplink.device(), uplink.problem(), "see network.uplinks"});
  }
  for (const pb::NetworkFinding& each : network.findings()) {
    checks.push_back({"found", Severity::Info,
                      each.what() + (each.where().empty() ? "" : " at " + each.where()), each.means(), ""});
  }
  return checks;
}

JsonValue document(const pb::TrafficStats& traffic) {
  JsonValue out = {{"class", traffic.traffic_class()}, {"mode", traffic.mode()}};
  if (!traffic.reason().empty()) out["reason"] = traffic.reason();
  const std::pair<const char*, const std::string*> kLimits[] = {
      {"egressRate", &traffic.egress_rate()},
      {"ingressRate", &traffic.ingress_rate()},
      {"podEgressRate", &traffic.pod_egress_rate()},
      {"podIngressRate", &traffic.pod_ingress_rate()}};
  for (const auto& [name, rate] : kLimits) {
    if (!rate->empty()) out[name] = *rate;
  }
  out["egress"] = document(traffic.egress());
  out["ingress"] = document(traffic.ingress());
  out["attached"] = JsonValue::array();
  for (const pb::TrafficAttachment& each : traffic.attached()) {
    JsonValue row = {{"where", each.where()}, {"program", each.program()}, {"how", each.how()}};
    if (!each.problem().empty()) row["problem"] = each.problem();
    out["attached"].push_back(std::move(row));
  }
  return out;
}

JsonValue withTraffic(JsonValue containers, const TrafficById& traffic) {
  for (JsonValue& item : containers["items"]) {
    auto of = traffic.find(item["metadata"]["id"].get<std::string>());
    if (of != traffic.end()) item["status"]["traffic"] = document(of->second);
  }
  return containers;
}

JsonValue document(const pb::Network& network) {
  JsonValue out = {{"enabled", network.enabled()}};
  if (!network.problem().empty()) out["problem"] = network.problem();
  if (!network.enabled() || !network.problem().empty()) return out;
  out["mode"] = network.mode();
  if (!network.reason().empty()) out["reason"] = network.reason();
  out["pins"] = network.pins();
  out["pacing"] = network.pacing();
  if (!network.no_pacing().empty()) out["noPacing"] = network.no_pacing();
  out["pods"] = network.pods();
  out["containers"] = network.containers();
  out["repairs"] = network.repairs();
  out["steppedBack"] = network.stepped_back();
  out["uplinks"] = JsonValue::array();
  for (const pb::NetworkUplink& uplink : network.uplinks()) out["uplinks"].push_back(document(uplink));
  out["findings"] = JsonValue::array();
  for (const pb::NetworkFinding& each : network.findings())
    out["findings"].push_back({{"what", each.what()}, {"where", each.where()}, {"means", each.means()}});
  return out;
}

}  // namespace plimsoll::cli
