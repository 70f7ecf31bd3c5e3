// A pod's packet at the host side of its link: whose it is, and everything that follows from that.
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

#include "bpf/lib/limit.h"
#include "bpf/lib/packet.h"

// clang 14 merges neighbouring stores into one of 8 bytes, which the verifier refuses in a context.
#define CONTEXT(field) (*(volatile __typeof__(field)*)&(field))

BPF_INLINE void delayUntil(struct __sk_buff* skb, __u64 backlog_ns) {
  __u64 at = bpf_ktime_get_ns() + backlog_ns;
  if (at > skb->tstamp) bpf_skb_set_tstamp(skb, at, BPF_SKB_TSTAMP_DELIVERY_MONO);
}

// The container that opened the socket, however deep below its cgroup it did; else the pod. Its very own
// cgroup first: the level is counted from the agent's root, which on a node that is a container itself is not
// the kernel's.
BPF_INLINE __u32 senderOf(struct __sk_buff* skb, const struct TrafficLink* link) {
  __u32 slot = findEntity(bpf_skb_cgroup_id(skb));
  if (!slot) slot = findEntity(bpf_skb_ancestor_cgroup_id(skb, link->container_level));
  return slot ? slot : link->target;
}

BPF_INLINE struct Outcome chargeEgress(struct __sk_buff* skb, struct TrafficEntity* entity, __u32 slot,
                                       __u32 wire) {
  struct Outcome outcome = {};
  if (!(entity->flags & kEntityObserve))
    outcome = limitEgress(skb, entity, slot, entityAt(entity->parent), wire);
  if (!outcome.dropped) countFlow(&entity->egress, wire, packetCount(skb));
  if (outcome.dropped || outcome.backlog_ns) {
    struct TrafficDetails* details = detailsAt(slot);
    if (details) countEvents(&details->egress_events, wire, packetCount(skb), &outcome);
  }
  return outcome;
}

enum { kChargeOwnOnly = 1, kChargeUncounted = 2 };

BPF_INLINE struct Outcome chargeIngress(struct __sk_buff* skb, __u32 slot, __u32 wire, int how) {
  struct Outcome outcome = {};
  struct TrafficEntity* entity = entityAt(slot);
  struct TrafficDetails* own = detailsAt(slot);
  if (!entity || !own) return outcome;
  struct TrafficDetails* above = how & kChargeOwnOnly ? 0 : detailsAt(entity->parent);
  if (!(entity->flags & kEntityObserve))
    outcome = limitIngress(skb, &own->ingress, above ? &above->ingress : 0, wire);
  if (!outcome.dropped && !(how & kChargeUncounted)) countFlow(&own->ingress, wire, packetCount(skb));
  countEvents(&own->ingress_events, wire, packetCount(skb), &outcome);
  return outcome;
}

BPF_INLINE int podOut(struct __sk_buff* skb, __u32 slot) {
  struct TrafficEntity* entity = entityAt(slot);
  if (!entity) return TC_ACT_UNSPEC;

  __be16 protocol = 0;
  __u32 offset = networkOffset(skb, &protocol);
  struct Outcome outcome = chargeEgress(skb, entity, slot, wireBytes(skb, offset, protocol, offset));
  if (outcome.dropped) return TC_ACT_SHOT;

  if (outcome.backlog_ns && (entity->flags & kEntityEdt)) delayUntil(skb, outcome.backlog_ns);
  CONTEXT(skb->tc_index) = kTrafficCarrier | (entity->class_id & 0xf);
  if (entity->dscp != kTrafficNoDscp && offset) setDscp(skb, offset, protocol, entity->dscp & 0x3f);
  return TC_ACT_UNSPEC;
}
