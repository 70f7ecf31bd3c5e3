// What the traffic programs and the agent share: keys and values of the maps, classes, limits. Compiles as C
// for the kernel and as C++ for the agent; sizes and offsets are asserted on both sides.
//
// Not for: code. Any change of a layout or of a meaning needs a new kTrafficSchema, which is part of the pin
// path, so that two versions never read each other's maps.
//
// Units: bytes are bytes on the wire (with link-layer header, without preamble and checksum), times are
// nanoseconds of CLOCK_MONOTONIC, a cost is nanoseconds per byte << kTrafficCostShift.
//
// Writers: fields marked [k] belong to the programs once the slot is in use, all others to the agent. Each is
// stored as one aligned word, so that a rate can change beside running traffic.
#pragma once

#include <linux/types.h>

#ifdef __cplusplus
#define TRAFFIC_ASSERT(condition) static_assert(condition, #condition)
#else
#define TRAFFIC_ASSERT(condition) _Static_assert(condition, #condition)
#endif

enum {
  kTrafficSchema = 1,
  kTrafficBucketSlots = 4,
  kTrafficUplinks = 16,
  kTrafficCostShift = 20,
  kTrafficTimeShift = 8,
  kTrafficClasses = 4,
  kTrafficHostLevels = 4,
  kTrafficNoDscp = 255,      // leave the packet's own
  kTrafficCarrier = 0x9d50,  // class + this in skb->tc_index, from the pod's link to the uplink
  kTrafficCarrierMask = 0xfff0,
  kTrafficSmall = 256,  // wire bytes up to which a packet gets twice the tolerance of a limit
  kTrafficTiny = 128,   // wire bytes up to which the uplink never drops: pure ACK, SYN, ARP, ND
};

// Smaller is more urgent. System is never marked nor dropped by the uplink, nor is High.
enum TrafficClass { kClassSystem = 0, kClassHigh = 1, kClassNormal = 2, kClassBestEffort = 3 };

// Containers and devices are found in tables of two-choice buckets: a key may stand in any slot of two
// buckets, and the key is part of the value, so that a hit costs one cache line and no pointer is followed.
// Slot = bucket * kTrafficBucketSlots + position; key 0 is free; slot 0 is never given out, so it means
// "none".

// One direction of one container or pod: its limit as GCRA, and what passed. A packet is admitted while the
// backlog (tat - now) is at most `drop`, and marked CE, if it can be, from `mark`; the burst is part of both.
struct TrafficFlow {
  __u64 tat;   // [k] when a queue drained at this rate would be empty
  __u64 cost;  // 0: no limit
  __u32 mark;  // ns >> kTrafficTimeShift
  __u32 drop;
  __u64 bytes;    // [k]
  __u64 packets;  // [k] on the wire: a GSO packet counts its segments
};
TRAFFIC_ASSERT(sizeof(struct TrafficFlow) == 40);

enum {
  kEntityEdt = 1,      // delay by skb->tstamp up to `drop`: every queue on the way is an fq
  kEntityObserve = 2,  // classify and count; never mark, drop or delay
  kEntityPaced = 4,    // pace_cap is set
};

// A container or a pod. One cache line: all that most packets need.
struct TrafficEntity {
  struct TrafficFlow egress;
  __u32 parent;  // the pod's slot; 0: none
  __u8 class_id;
  __u8 dscp;  // 0..63, or kTrafficNoDscp
  __u16 flags;
  __u64 idle_ns;  // [k] time without backlog in the pacing controller's period
  __u64 key;      // cgroup id
};
TRAFFIC_ASSERT(sizeof(struct TrafficEntity) == 64);

struct TrafficEntityBucket {
  struct TrafficEntity at[kTrafficBucketSlots];
};
TRAFFIC_ASSERT(sizeof(struct TrafficEntityBucket) == 256);

// What befell packets of one direction.
struct TrafficEvents {
  __u64 drop_bytes;
  __u64 drop_packets;
  __u64 marks;     // packets marked CE by us, GSO packets as one
  __u64 delay_ns;  // backlog met by admitted packets, summed
  __u64 delayed;   // how many met any, GSO packets as one
};
TRAFFIC_ASSERT(sizeof(struct TrafficEvents) == 40);

// The rest of a container or pod, under the same slot: what few packets need.
struct TrafficDetails {
  struct TrafficFlow ingress;
  __u64 pace_cap;    // bytes per second for its TCP sockets together; 0: not paced
  __u64 pace_fair;   // [k] what each of its sockets may have now
  __u32 generation;  // of the slot; counts up with each new owner
  __u32 weight;      // hundredths of what a socket of its class may send on a held line; 0: 100
  struct TrafficEvents egress_events;   // [k]
  __u64 pace_backlog;                   // [k] at the end of the last period
  __u64 epoch_ns;                       // [k] when that was
  __u64 asked_egress_bits;              // the agent's own, as the three below: a cost is rounded
  struct TrafficEvents ingress_events;  // [k]
  __u64 asked_ingress_bits;
  __u64 asked_burst_bytes;
  __u64 reserved[1];
};
TRAFFIC_ASSERT(sizeof(struct TrafficDetails) == 192);
TRAFFIC_ASSERT(__builtin_offsetof(struct TrafficDetails, egress_events) == 64);

enum {
  kLinkPod = 1,        // host side of a pod's link: target is the pod's slot
  kLinkUplink = 2,     // target is an index of the uplinks
  kLinkCountsOut = 4,  // what comes in is counted at the containers' cgroups, and only limited here
};

// A network device.
struct TrafficLink {
  __u32 target;
  __u8 class_id;         // of packets whose container is not known
  __u8 container_level;  // depth of the containers' cgroups below the root
  __u16 flags;
  __u64 key;  // ifindex; written by the loader's table
};
TRAFFIC_ASSERT(sizeof(struct TrafficLink) == 16);

struct TrafficLinkBucket {
  struct TrafficLink at[kTrafficBucketSlots];
};
TRAFFIC_ASSERT(sizeof(struct TrafficLinkBucket) == 64);

// Where the table looks for a key; the same on both sides. `mask` is the number of buckets less one.
static inline __u64 trafficMix(__u64 key) { return key * 0x9e3779b97f4a7c15ULL; }
static inline __u32 trafficFirstBucket(__u64 mixed, __u32 mask) { return (__u32)(mixed >> 42) & mask; }
static inline __u32 trafficSecondBucket(__u64 mixed, __u32 mask) { return (__u32)(mixed >> 20) & mask; }
