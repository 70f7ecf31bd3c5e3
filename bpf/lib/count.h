// Counters: per CPU, never reset by a program.
#pragma once

#include "bpf/lib/table.h"

struct Outcome {
  __u64 backlog_ns;  // met by the packet
  __u8 dropped;
  __u8 marked;
};

BPF_INLINE void count(struct TrafficCounts* counts, __u32 wire, __u32 packets,
                      const struct Outcome* outcome) {
  if (outcome->dropped) {
    counts->drop_bytes += wire;
    counts->drop_packets += packets;
    return;
  }
  counts->bytes += wire;
  counts->packets += packets;
  if (outcome->marked) counts->marks += 1;
  if (outcome->backlog_ns) {
    counts->delay_ns += outcome->backlog_ns;
    counts->delayed += 1;
  }
}

BPF_INLINE struct TrafficEntityCounts* countsOf(__u32 slot) {
  return bpf_map_lookup_elem(&plm_counts, &slot);
}
