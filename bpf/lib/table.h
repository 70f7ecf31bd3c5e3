// Lookup in the two-choice tables (bpf/abi/traffic.h): at most two inlined array lookups and eight compares.
// A hash map costs more already where everything is in the cache, and follows three pointers where it is not.
#pragma once

#include "bpf/lib/maps.h"

#define BPF_INLINE static __always_inline

#define TABLE_FIND(name, map, bucket_type)                                      \
  BPF_INLINE __u32 name##InBucket(__u32 index, __u64 key) {                     \
    const struct bucket_type* bucket = bpf_map_lookup_elem(&map, &index);       \
    if (!bucket) return 0;                                                      \
    _Pragma("unroll") for (__u32 i = 0; i < kTrafficBucketSlots;                \
                           ++i) if (bucket->at[i].key == key) return index *    \
            kTrafficBucketSlots +                                               \
        i;                                                                      \
    return 0;                                                                   \
  }                                                                             \
  /* The slot of the key, or 0. */                                              \
  BPF_INLINE __u32 name(__u32 mask, __u64 key) {                                \
    if (!key) return 0;                                                         \
    __u64 mixed = trafficMix(key);                                              \
    __u32 slot = name##InBucket(trafficFirstBucket(mixed, mask), key);          \
    return slot ? slot : name##InBucket(trafficSecondBucket(mixed, mask), key); \
  }

TABLE_FIND(entityFind, plm_entities, TrafficEntityBucket)
TABLE_FIND(linkFind, plm_links, TrafficLinkBucket)

BPF_INLINE __u32 findEntity(__u64 cgroup_id) { return entityFind(entity_mask, cgroup_id); }

BPF_INLINE struct TrafficEntity* entityAt(__u32 slot) {
  __u32 index = slot / kTrafficBucketSlots;
  struct TrafficEntityBucket* bucket = slot ? bpf_map_lookup_elem(&plm_entities, &index) : 0;
  return bucket ? &bucket->at[slot % kTrafficBucketSlots] : 0;
}

BPF_INLINE struct TrafficDetails* detailsAt(__u32 slot) {
  return slot ? bpf_map_lookup_elem(&plm_details, &slot) : 0;
}

BPF_INLINE const struct TrafficLink* findLink(__u32 ifindex) {
  __u32 slot = linkFind(link_mask, ifindex), index = slot / kTrafficBucketSlots;
  const struct TrafficLinkBucket* bucket = slot ? bpf_map_lookup_elem(&plm_links, &index) : 0;
  return bucket ? &bucket->at[slot % kTrafficBucketSlots] : 0;
}
