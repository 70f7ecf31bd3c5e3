// What a container, a pod or an uplink is told, as plain values that are decided already; traffic.h puts them
// into the maps.
//
// Units: bytes are bytes on the wire. Pure, any thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "bpf/abi/traffic.h"

namespace plimsoll::bpfobj {

// One direction's limit. `burst` bytes pass unlimited after idleness; then a backlog up to `mark` is
// tolerated without a sign, up to `drop` with ECN marks.
struct Limit {
  uint64_t bytes_per_second = 0;  // 0: none
  uint64_t burst_bytes = 0;
  std::chrono::nanoseconds mark{0};
  std::chrono::nanoseconds drop{0};
  bool operator==(const Limit&) const = default;
};

// What is right for most: marks begin at two full GSO packets or three common ones, drops at twice to three
// times that, both within bounds of time. `burst_bytes` comes on top of either.
Limit limitFor(uint64_t bytes_per_second, uint64_t burst_bytes);

struct EntitySpec {
  uint32_t parent = 0;  // the pod's slot, for a container
  uint8_t class_id = kClassNormal;
  uint8_t dscp = kTrafficNoDscp;
  uint16_t flags = 0;
  Limit egress;
  Limit ingress;
  uint64_t pace_bytes_per_second = 0;  // for its TCP sockets together; 0: not paced
  uint32_t weight = 0;                 // see TrafficDetails
  // Kept as they are, for whoever reads them back: costs are rounded.
  uint64_t asked_egress_bits = 0, asked_ingress_bits = 0, asked_burst_bytes = 0;
};

struct UplinkClassSpec {
  uint32_t priority = 0;
  std::chrono::nanoseconds mark{0};
  std::chrono::nanoseconds drop{0};
  uint64_t share_bytes_per_second = 0;  // its minimum; 0: none
  uint64_t share_burst_bytes = 0;
  uint64_t pace_bytes_per_second = 0;
};

struct UplinkSpec {
  uint64_t bytes_per_second = 0;  // less headroom; 0: no virtual queue, only priority
  uint32_t flags = 0;
  uint8_t default_class = kClassNormal;
  uint8_t host_class = kClassNormal;
  UplinkClassSpec classes[kTrafficClasses];
};

// Nanoseconds per byte in the programs' fixed point. 0 for 0, which means no limit.
uint64_t costOf(uint64_t bytes_per_second);

}  // namespace plimsoll::bpfobj
