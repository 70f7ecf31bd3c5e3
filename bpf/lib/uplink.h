// The shared virtual queue of an uplink: three nested clocks, the first counts the urgent classes (System and
// High), the second Normal too, the third everything. Each class is held by the clock that counts it and all
// above it, so an urgent packet takes its room from those below within the same microsecond, and what it does
// not use is theirs. No averaging, no rate estimator.
//
// A class that has a minimum share passes within it whatever stands above.
#pragma once

#include <linux/if_ether.h>
// after linux/bpf.h
#include <bpf/bpf_endian.h>

#include "bpf/lib/count.h"
#include "bpf/lib/pace.h"

// A host socket's cgroup: its own, or the nearest known above.
BPF_INLINE __u32 hostEntity(struct __sk_buff* skb) {
  __u32 zero = 0;
  __u32 slot = findEntity(bpf_skb_cgroup_id(skb));
  const struct TrafficConfig* config = bpf_map_lookup_elem(&plm_config, &zero);
  if (!config) return slot;
  for (int i = 0; i < kTrafficHostLevels && !slot && config->host_levels[i]; ++i)
    slot = findEntity(bpf_skb_ancestor_cgroup_id(skb, config->host_levels[i]));
  return slot;
}

// Surest first: what the pod's link wrote, the pod's link itself, the socket.
BPF_INLINE __u32 classify(struct __sk_buff* skb, const struct TrafficUplink* uplink) {
  __u32 carried = skb->tc_index;
  if ((carried & kTrafficCarrierMask) == kTrafficCarrier) return carried & ~kTrafficCarrierMask;
  if (skb->protocol == bpf_htons(ETH_P_ARP)) return kClassSystem;
  const struct TrafficLink* from = skb->ingress_ifindex ? findLink(skb->ingress_ifindex) : 0;
  if (from && (from->flags & kLinkPod)) return from->class_id;
  const struct TrafficEntity* entity = entityAt(hostEntity(skb));
  if (entity) return entity->class_id;
  return skb->ingress_ifindex ? uplink->default_class : uplink->host_class;
}

BPF_INLINE int withinShare(struct TrafficUplinkClass* own, __u64 now, __u32 wire) {
  if (!own->share_cost) return 0;
  __u64 seen = gcraLoad(&own->share_tat);
  if (gcraBacklog(seen, now) > own->share_burst_ns) return 0;
  gcraAdvance(&own->share_tat, seen, now, gcraCost(own->share_cost, wire));
  return 1;
}

BPF_INLINE void chargeClock(struct TrafficUplinkClass* counted, __u64 now, __u64 increment, __u64 clamp_ns) {
  __u64 seen = gcraLoad(&counted->tat);
  if (gcraBacklog(seen, now) > clamp_ns) return;
  __u64 idle = gcraAdvance(&counted->tat, seen, now, increment);
  if (idle && counted->pace_cap) (void)__sync_fetch_and_add(&counted->idle_ns, idle);
}

BPF_INLINE void admitHeld(struct __sk_buff* skb, const struct TrafficUplink* uplink,
                          struct TrafficUplinkClass* own, __u64 now, struct Outcome* outcome) {
  __u32 wire = skb->wire_len;
  __u64 backlog = gcraBacklog(gcraLoad(&own->tat), now);
  struct PaceState state = {&own->pace_fair, &own->epoch_ns, &own->idle_ns, &own->pace_backlog,
                            own->pace_cap};
  paceStep(&state, now, backlog, own->mark_ns);
  if (withinShare(own, now, wire)) return;
  outcome->backlog_ns = backlog;
  if (backlog > own->drop_ns && wire > kTrafficTiny) {
    outcome->dropped = 1;
  } else if (backlog > own->mark_ns && (uplink->flags & kUplinkEcn)) {
    outcome->marked = bpf_skb_ecn_set_ce(skb) == 1;
  }
}

BPF_INLINE struct Outcome admit(struct __sk_buff* skb, struct TrafficUplink* uplink, __u32 class_id,
                                __u32 wire) {
  struct Outcome outcome = {};
  if (!uplink->cost) return outcome;
  __u64 now = bpf_ktime_get_ns();
  if (class_id >= kClassNormal) admitHeld(skb, uplink, &uplink->classes[class_id], now, &outcome);
  if (outcome.dropped) return outcome;
  __u64 increment = gcraCost(uplink->cost, wire);
  __u64 clamp_ns = uplink->clamp_ns;
  // What is held by its own clock is bounded by its drops; what urgent classes run up is bounded here.
  for (__u32 counted = kClassHigh; counted < kTrafficClasses; ++counted)
    if (class_id <= counted)
      chargeClock(&uplink->classes[counted], now, increment,
                  class_id == counted && counted != kClassHigh ? ~0ull : clamp_ns);
  return outcome;
}
