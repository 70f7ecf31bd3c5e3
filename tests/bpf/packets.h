// Packets for BPF_PROG_TEST_RUN, built field by field with right checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plimsoll::testing {

using Bytes = std::vector<uint8_t>;

struct PacketSpec {
  int version = 4;  // of IP; 0: not IP
  bool tcp = true;
  uint8_t traffic_class = 0;  // DSCP and ECN
  int vlan_tags = 0;
  bool later_fragment = false;  // IPv4: not the first
  int options_words = 0;        // IPv4 options
  std::size_t payload = 1000;
};

Bytes buildPacket(const PacketSpec& spec);
// `inner` within Ethernet, IPv4, UDP and a VXLAN header.
Bytes wrapInVxlan(const Bytes& inner);
// The IP header's traffic class, behind any tags.
uint8_t trafficClassOf(const Bytes& packet);
// Whether the IPv4 header's checksum is right.
bool ipChecksumRight(const Bytes& packet);

}  // namespace plimsoll::testing
