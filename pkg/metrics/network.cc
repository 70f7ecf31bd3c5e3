// Series of the traffic programs.

#include <algorithm>

#include "pkg/metrics/scrape.h"

namespace plimsoll::metrics {
namespace {

using model::FlowStats;

std::string labelOf(std::string mode) {
  std::replace(mode.begin(), mode.end(), ' ', '_');
  return mode.empty() ? "none" : mode;
}

}  // namespace

void writeNetwork(Writer& writer, const model::NetworkStatus& network) {
  writer.family("plimsoll_network_up");
  if (network.wanted) writer.sample({{"mode", labelOf(network.mode)}}, network.running() ? 1 : 0);
  if (!network.running()) return;
  writer.family("plimsoll_network_entities");
  writer.sample({{"kind", "container"}}, network.containers);
  writer.sample({{"kind", "pod"}}, network.pods);
  writer.family("plimsoll_network_repairs_total");
  writer.sample({}, network.repairs);
  writer.family("plimsoll_network_stepped_back");
  writer.sample({}, network.stepped_back);
  constexpr std::pair<std::string_view, uint64_t FlowStats::*> kFamilies[] = {
      {"plimsoll_network_sent_bytes_total", &FlowStats::bytes},
      {"plimsoll_network_sent_packets_total", &FlowStats::packets},
      {"plimsoll_network_dropped_packets_total", &FlowStats::drop_packets},
      {"plimsoll_network_marked_packets_total", &FlowStats::marks}};
  for (const auto& [family, count] : kFamilies) {
    writer.family(family);
    for (size_t i = 0; i < model::kTrafficClasses.size(); ++i) {
      uint64_t sum = 0;
      for (const model::NetworkUplink& uplink : network.uplinks) sum += uplink.sent[i].*count;
      writer.sample({{"class", model::kTrafficClasses[i]}}, sum);
    }
  }
}

}  // namespace plimsoll::metrics
