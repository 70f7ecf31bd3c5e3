// The node's wishes for traffic: section "network" of its configuration. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace plimsoll::config {

struct NetworkConfig {
  bool enabled = false;
  std::vector<std::string> uplinks;  // names of devices; empty: those of the default routes
  uint64_t bits_per_second = 0;      // of each; 0: not known
  // Hundredths of a per cent of the rate: what stays free, and what a class gets at least.
  int headroom = 500;
  int normal_share = 1'000, besteffort_share = 500;
  bool ecn = true;
  bool manage_qdisc = false;  // the uplinks' root queue may be exchanged where it is the kernel's default
  bool operator==(const NetworkConfig&) const = default;
};

}  // namespace plimsoll::config
