// What the traffic programs of this node are doing: plain values for the API, metrics and the doctor.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::model {

// Most urgent first; the order of every array by class.
constexpr std::array<std::string_view, 4> kTrafficClasses = {"system", "high", "normal", "besteffort"};

// One direction, since the first setting of traffic. A packet is one on the wire.
struct FlowStats {
  uint64_t bytes = 0, packets = 0;
  uint64_t marks = 0;  // told of congestion (ECN)
  uint64_t drop_bytes = 0, drop_packets = 0;
  uint64_t delay_ns = 0, delayed = 0;  // queue that packets met, summed over so many of them
  bool operator==(const FlowStats&) const = default;
};

struct TrafficAttachment {
  std::string where;    // "ingress of veth12ab"
  std::string program;  // "plm_pod_out"
  std::string how;      // "tcx"
  std::string problem;  // empty: in place
  bool operator==(const TrafficAttachment&) const = default;
};

// One container's.
struct TrafficStats {
  std::string traffic_class;  // "high"
  std::string mode;           // "link tcx"
  std::string reason;         // why not a better mode; empty: there is none
  FlowStats egress, ingress;
  std::vector<TrafficAttachment> attached;
  bool operator==(const TrafficStats&) const = default;
};

struct NetworkUplink {
  std::string device, queue;
  std::string attached;  // how; empty: see problem
  std::string problem;
  std::array<FlowStats, kTrafficClasses.size()> sent;
};

struct NetworkFinding {
  std::string what, where, means;
};

struct NetworkStatus {
  bool wanted = false;  // network.enabled
  std::string problem;  // why there is no engine all the same; empty: there is one
  std::string mode;     // that a pod with a link of its own gets
  std::string reason;
  std::string pins;  // folder; empty: nothing outlives the agent
  bool pacing = false;
  std::string no_pacing;
  uint64_t pods = 0, containers = 0, repairs = 0, stepped_back = 0;
  std::vector<NetworkUplink> uplinks;
  std::vector<NetworkFinding> findings;

  bool running() const { return wanted && problem.empty(); }
};

}  // namespace plimsoll::model
