// What a packet costs: the shipped path for a random one of many containers, and the same without the path.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

#include "bpf/lib/pod.h"
#include "bpf/lib/uplink.h"

const volatile __u32 entity_mask = 0;
const volatile __u32 link_mask = 0;
const volatile __u32 keys = 1;  // containers 1..keys

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 131072);
  __type(key, __u64);
  __type(value, struct TrafficEntity);
} bench_hash SEC(".maps");

SEC("tc")
int bench_empty(struct __sk_buff* skb) {
  (void)skb;
  return TC_ACT_UNSPEC;
}

BPF_INLINE __u64 randomKey(void) { return 1 + bpf_get_prandom_u32() % keys; }

SEC("tc")
int bench_random(struct __sk_buff* skb) { return randomKey() == skb->mark ? TC_ACT_OK : TC_ACT_UNSPEC; }

// What a plain hash map in the place of our table costs, by itself.
SEC("tc")
int bench_hash_find(struct __sk_buff* skb) {
  __u64 key = randomKey();
  struct TrafficEntity* entity = bpf_map_lookup_elem(&bench_hash, &key);
  return entity && entity->class_id == skb->mark + 77 ? TC_ACT_OK : TC_ACT_UNSPEC;
}

SEC("tc")
int bench_table_find(struct __sk_buff* skb) {
  struct TrafficEntity* entity = entityAt(findEntity(randomKey()));
  return entity && entity->class_id == skb->mark + 77 ? TC_ACT_OK : TC_ACT_UNSPEC;
}

SEC("tc")
int bench_pod_out(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  if (!link) return TC_ACT_UNSPEC;
  __u64 unknown = bpf_skb_ancestor_cgroup_id(skb, link->container_level);
  return podOut(skb, findEntity(unknown ? randomKey() : 0));
}

char bench_license[] SEC("license") = "GPL";
