// The uplink, the node as a whole, and what is kept with cgroups and sockets; as traffic.h, whose units and
// rules hold here too.
#pragma once

#include "bpf/abi/traffic.h"

enum {
  kUplinkPriority = 1,  // write skb->priority
  kUplinkEdt = 2,       // every leaf queue is an fq: delay best effort by skb->tstamp
  kUplinkEcn = 4,       // mark CE before dropping
};

// A class at an uplink. `tat` is the clock of the shared virtual queue that counts this class and all more
// urgent ones.
struct TrafficUplinkClass {
  __u64 tat;  // [k]
  __u64 mark_ns;
  __u64 drop_ns;
  __u64 share_cost;  // of the minimum share; 0: none
  __u64 share_tat;   // [k]
  __u64 share_burst_ns;
  __u32 priority;
  __u32 pad;
  __u64 pace_cap;      // bytes per second for the class's TCP sockets together; 0: not paced
  __u64 pace_fair;     // [k]
  __u64 epoch_ns;      // [k]
  __u64 idle_ns;       // [k]
  __u64 pace_backlog;  // [k]
  // What another layout's maps had counted; the agent's own.
  __u64 carried_bytes;
  __u64 carried_packets;
  __u64 carried_marks;
  __u64 carried_drop_packets;
};
TRAFFIC_ASSERT(sizeof(struct TrafficUplinkClass) == 128);

struct TrafficUplink {
  __u64 cost;      // of the capacity less headroom; 0: no virtual queue, only priority
  __u64 clamp_ns;  // most that urgent classes may run up
  __u32 flags;
  __u8 default_class;  // of forwarded packets that nobody classified
  __u8 host_class;     // of the host's own sockets in no known cgroup
  __u16 pad;
  __u64 reserved[5];
  struct TrafficUplinkClass classes[kTrafficClasses];
};
TRAFFIC_ASSERT(sizeof(struct TrafficUplink) == 64 + 4 * 128);

struct TrafficConfig {
  __u32 schema;
  __u32 paced_uplink;  // index of the uplink whose classes pace sockets
  // Depths at which a host socket's cgroup may be a known one, deepest first; 0 ends the list. The socket's
  // own cgroup is tried before.
  __u8 host_levels[kTrafficHostLevels];
  __u32 pad;
  __u64 reserved[6];
};
TRAFFIC_ASSERT(sizeof(struct TrafficConfig) == 64);

// One class at one uplink, for each CPU.
struct TrafficCounts {
  __u64 bytes;
  __u64 packets;
  struct TrafficEvents events;
  __u64 reserved;
};
TRAFFIC_ASSERT(sizeof(struct TrafficCounts) == 64);

struct TrafficUplinkCounts {
  struct TrafficCounts classes[kTrafficClasses];
};
TRAFFIC_ASSERT(sizeof(struct TrafficUplinkCounts) == 256);

enum {
  kAttachHostNetwork = 1,  // no link of its own: the socket's own DSCP is set
  kAttachOwnOnly = 2,      // the pod's ingress limit is charged at its link; only the container's own here
};

// What a program on a cgroup has to know; kept with the cgroup, so that no lookup is needed. Zero, as it is
// until the agent has written it: nothing is done.
struct TrafficAttached {
  __u32 slot;
  __u32 flags;
};
TRAFFIC_ASSERT(sizeof(struct TrafficAttached) == 8);

// What was changed of a TCP socket, kept with it, so that it can be put back.
struct TrafficSocket {
  __u32 original;  // SO_MAX_PACING_RATE as found
  __u32 pace;      // as last set by us
  __u32 set;       // 1: both above hold
  __u32 refused;   // errno of the last attempt; 0: it was taken
};
TRAFFIC_ASSERT(sizeof(struct TrafficSocket) == 16);
