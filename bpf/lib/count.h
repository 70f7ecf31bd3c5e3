// What happened to a packet, and where it is written down. Counters are never reset by a program.
//
// A container's counters are shared by all CPUs and lie on the line that its limit has to write anyway, so
// they cost no further miss; per-CPU ones would, and would take 64 times the memory on 64 CPUs. What all
// packets of the node pass, the uplink, counts per CPU.
#pragma once

#include "bpf/lib/table.h"

struct Outcome {
  __u64 backlog_ns;  // met by the packet
  __u8 dropped;
  __u8 marked;
};

#define ATOMIC_ADD(word, amount) (void)__sync_fetch_and_add(&(word), amount)

BPF_INLINE void countEvents(struct TrafficEvents* events, __u32 wire, __u32 packets,
                            const struct Outcome* outcome) {
  if (outcome->dropped) {
    ATOMIC_ADD(events->drop_bytes, wire);
    ATOMIC_ADD(events->drop_packets, packets);
    return;
  }
  if (outcome->marked) ATOMIC_ADD(events->marks, 1);
  if (outcome->backlog_ns) {
    ATOMIC_ADD(events->delay_ns, outcome->backlog_ns);
    ATOMIC_ADD(events->delayed, 1);
  }
}

BPF_INLINE void countFlow(struct TrafficFlow* flow, __u32 wire, __u32 packets) {
  ATOMIC_ADD(flow->bytes, wire);
  ATOMIC_ADD(flow->packets, packets);
}

// Only this CPU writes these.
BPF_INLINE void countClass(struct TrafficCounts* counts, __u32 wire, __u32 packets,
                           const struct Outcome* outcome) {
  struct TrafficEvents* events = &counts->events;
  if (outcome->dropped) {
    events->drop_bytes += wire;
    events->drop_packets += packets;
    return;
  }
  counts->bytes += wire;
  counts->packets += packets;
  events->marks += outcome->marked;
  if (!outcome->backlog_ns) return;
  events->delay_ns += outcome->backlog_ns;
  events->delayed += 1;
}
