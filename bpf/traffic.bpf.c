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

#include "bpf/lib/pod.h"
#include "bpf/lib/uplink.h"

const volatile __u32 entity_mask = 0;
const volatile __u32 link_mask = 0;

SEC("tc")
int plm_pod_out(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  return link ? podOut(skb, senderOf(skb, link)) : TC_ACT_UNSPEC;
}

SEC("tc")
int plm_pod_in(struct __sk_buff* skb) {
  const struct TrafficLink* link = findLink(skb->ifindex);
  if (!link) return TC_ACT_UNSPEC;
  int how = link->flags & kLinkCountsOut ? kChargeUncounted : 0;
  struct Outcome outcome = chargeIngress(skb, link->target, skb->wire_len, how);
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
  if (counts) countClass(&counts->classes[class_id], skb->wire_len, packetCount(skb), &outcome);
  if (outcome.dropped) return TC_ACT_SHOT;

  if (uplink->flags & kUplinkPriority) CONTEXT(skb->priority) = uplink->classes[class_id].priority;
  if (outcome.backlog_ns && class_id == kClassBestEffort && (uplink->flags & kUplinkEdt))
    delayUntil(skb, outcome.backlog_ns);
  return TC_ACT_UNSPEC;
}

char traffic_license[] SEC("license") = "GPL";
