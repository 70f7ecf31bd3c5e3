// Lookup in the two-choice tables (struct TrafficBucket). Two inlined array lookups and at most sixteen
// compares on two cache lines: a third of the price of a hash map, and a miss costs no more than a hit.
#pragma once

#include "bpf/lib/maps.h"

#define BPF_INLINE static __always_inline

// The slot of `key`, or 0.
BPF_INLINE __u32 tableBucketFind(void* buckets, __u32 index, __u64 key) {
  const struct TrafficBucket* bucket = bpf_map_lookup_elem(buckets, &index);
  if (!bucket) return 0;
#pragma unroll
  for (__u32 i = 0; i < kTrafficBucketKeys; ++i)
    if (bucket->key[i] == key) return index * kTrafficBucketKeys + i;
  return 0;
}

BPF_INLINE __u32 tableFind(void* buckets, __u32 mask, __u64 key) {
  if (!key) return 0;
  __u64 mixed = trafficMix(key);
  __u32 slot = tableBucketFind(buckets, trafficFirstBucket(mixed, mask), key);
  return slot ? slot : tableBucketFind(buckets, trafficSecondBucket(mixed, mask), key);
}

BPF_INLINE __u32 findEntity(__u64 cgroup_id) { return tableFind(&plm_ent_keys, entity_mask, cgroup_id); }

BPF_INLINE struct TrafficEntity* entityAt(__u32 slot) {
  return slot ? bpf_map_lookup_elem(&plm_entities, &slot) : 0;
}

BPF_INLINE struct TrafficDetails* detailsAt(__u32 slot) {
  return slot ? bpf_map_lookup_elem(&plm_details, &slot) : 0;
}

BPF_INLINE const struct TrafficLink* findLink(__u32 ifindex) {
  __u32 slot = tableFind(&plm_link_keys, link_mask, ifindex);
  return slot ? bpf_map_lookup_elem(&plm_links, &slot) : 0;
}
