// The maps of all traffic programs. Every object declares all of them; the loader makes each once and gives
// the others the same. Sizes that depend on the node are set by the loader before loading.
#pragma once

#include <linux/bpf.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

#include "bpf/abi/traffic.h"
#include "bpf/abi/uplink.h"

// Number of buckets less one, of each lookup table; set by the loader, constant for the verifier.
extern const volatile __u32 entity_mask;
extern const volatile __u32 link_mask;

// Arrays that the agent maps into its memory: it can then change one word beside running traffic, and each
// element lies on cache lines of its own.
#define TRAFFIC_ARRAY(map_name, value_type, entries) \
  struct {                                           \
    __uint(type, BPF_MAP_TYPE_ARRAY);                \
    __uint(map_flags, BPF_F_MMAPABLE);               \
    __uint(max_entries, entries);                    \
    __type(key, __u32);                              \
    __type(value, struct value_type);                \
  } map_name SEC(".maps")

TRAFFIC_ARRAY(plm_config, TrafficConfig, 1);
TRAFFIC_ARRAY(plm_entities, TrafficEntityBucket, 1);
TRAFFIC_ARRAY(plm_details, TrafficDetails, 1);
TRAFFIC_ARRAY(plm_links, TrafficLinkBucket, 1);
TRAFFIC_ARRAY(plm_uplinks, TrafficUplink, kTrafficUplinks);

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, kTrafficUplinks);
  __type(key, __u32);
  __type(value, struct TrafficUplinkCounts);
} plm_up_counts SEC(".maps");

// By cgroup id, shared by all programs that are attached to the same cgroup.
struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
  __type(key, __u64);
  __type(value, struct TrafficAttached);
} plm_attached SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct TrafficSocket);
} plm_sockets SEC(".maps");
