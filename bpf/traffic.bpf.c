// Programs on network devices, for TCX and for classic tc filters alike:
//   plm_pod_out     ingress of a pod's host-side link: whose packet is it, which class, its limits, its DSCP
//   plm_pod_in      egress of the same link: the pod's ingress limit
//   plm_uplink_out  egress of an uplink: priority and the virtual queue that all classes share
//
// Every one lets the packet go on to the next program on any miss and on any helper's failure; only a packet
// beyond a limit is dropped. TC_ACT_UNSPEC is "next program" for both kinds of attachment; TC_ACT_OK is not.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

#include "bpf/lib/limit.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/uplink.h"

const volatile __u32 entity_mask = 0;
const volatile __u32 link_mask = 0;

// clang 14 merges neighbouring stores into one of 8 bytes, which the verifier refuses in a context.
#define CONTEXT(field) (*(volatile __typeof__(field)*)&(field))

BPF_INLINE void delayUntil(struct __sk_buff* skb, __u64 backlog_ns) {
  __u64 at = bpf_ktime_get_ns() + backlog_ns;
  if (at > skb->tstamp) bpf_skb_set_tstamp(skb, at, BPF_SKB_TSTAMP_DELIVERY_MONO);
}

// The container that opened the socket, however deep below its cgroup it did; else the pod.
BPF_INLINE __u32 senderOf(struct __sk_buff* skb, const struct TrafficLink* link) {
  __u32 slot = findEntity(bpf_skb_ancestor_cgroup_id(skb, link->container_level));
  return slot ? slot : link->target;
}

BPF_INLINE void countEgress(__u32 slot, struct __sk_buff* skb, __u32 wire, const struct Outcome* outcome) {
  struct TrafficEntityCounts* counts = countsOf(slot);
  if (counts) count(&counts->egress, wire, packetCount(skb), outcome);
}

SEC("tc")
int plm_pod_out(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  if (!link) return TC_ACT_UNSPEC;
  __u32 slot = senderOf(skb, link);
  struct TrafficEntity* entity = entityAt(slot);
  if (!entity) return TC_ACT_UNSPEC;

  __be16 protocol = 0;
  __u32 offset = networkOffset(skb, &protocol);
  __u32 wire = wireBytes(skb, offset, protocol, offset);
  struct Outcome outcome = limit(skb, entity, entityAt(entity->parent), kLimitEgress, wire);
  countEgress(slot, skb, wire, &outcome);
  if (outcome.dropped) return TC_ACT_SHOT;

  if (outcome.backlog_ns && (entity->flags & kEntityEdt)) delayUntil(skb, outcome.backlog_ns);
  CONTEXT(skb->tc_index) = kTrafficCarrier | (entity->class_id & 0xf);
  if (entity->dscp != kTrafficNoDscp && offset) setDscp(skb, offset, protocol, entity->dscp & 0x3f);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int plm_pod_in(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  struct TrafficEntity* pod = link ? entityAt(link->target) : 0;
  if (!pod) return TC_ACT_UNSPEC;
  struct Outcome outcome = limit(skb, pod, 0, kLimitIngress, skb->wire_len);
  struct TrafficEntityCounts* counts = countsOf(link->target);
  if (counts) count(&counts->ingress, skb->wire_len, packetCount(skb), &outcome);
  return outcome.dropped ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int plm_uplink_out(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  if (!link || !(link->flags & kLinkUplink)) return TC_ACT_UNSPEC;
  __u32 index = link->target;
  struct TrafficUplink* uplink = bpf_map_lookup_elem(&plm_uplinks, &index);
  if (!uplink) return TC_ACT_UNSPEC;

  __u32 class_id = classify(skb, uplink) & (kTrafficClasses - 1);
  struct Outcome outcome = admit(skb, uplink, class_id, skb->wire_len);
  struct TrafficUplinkCounts* counts = bpf_map_lookup_elem(&plm_up_counts, &index);
  if (counts) count(&counts->classes[class_id], skb->wire_len, packetCount(skb), &outcome);
  if (outcome.dropped) return TC_ACT_SHOT;

  if (uplink->flags & kUplinkPriority) CONTEXT(skb->priority) = uplink->classes[class_id].priority;
  if (outcome.backlog_ns && class_id == kClassBestEffort && (uplink->flags & kUplinkEdt))
    delayUntil(skb, outcome.backlog_ns);
  return TC_ACT_UNSPEC;
}

char traffic_license[] SEC("license") = "GPL";
