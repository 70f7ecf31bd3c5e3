// Programs on a container's (or pod's) cgroup, each by a link of its own; which entity it stands for is kept
// with the cgroup (plm_attached):
//   plm_sockops  paces TCP sockets, where no queue is ours and so none may fill
//   plm_cg_out   class, limit and counters of pods without a link of their own (host network)
//   plm_cg_in    ingress limit and counters of a container
//
// Every one lets through on any miss. plm_cg_out never answers "congestion" (2, 3): BBR ignores it, and for a
// flow with a short way it is no limit (TCP keeps one segment for each round trip).
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
// after linux/bpf.h
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/pod.h"
#include "bpf/lib/sockets.h"

const volatile __u32 entity_mask = 0;
const volatile __u32 link_mask = 0;

enum { kDrop = 0, kPass = 1, kLoopback = 1 };  // lo is 1 in every network namespace

// Each word by itself: clang would else compute an address within the context, which the verifier refuses.
BPF_INLINE int isLocal(struct bpf_sock_ops* ops) {
  if (ops->family == kFamilyInet) return CONTEXT(ops->remote_ip4) == CONTEXT(ops->local_ip4);
  return CONTEXT(ops->remote_ip6[3]) == CONTEXT(ops->local_ip6[3]) &&
         CONTEXT(ops->remote_ip6[2]) == CONTEXT(ops->local_ip6[2]) &&
         CONTEXT(ops->remote_ip6[1]) == CONTEXT(ops->local_ip6[1]) &&
         CONTEXT(ops->remote_ip6[0]) == CONTEXT(ops->local_ip6[0]);
}

// An IPv4 address mapped into IPv6 begins with zeros.
BPF_INLINE int isIpv6(struct bpf_sock_ops* ops) {
  return ops->family == kFamilyInet6 &&
         (CONTEXT(ops->remote_ip6[0]) != 0 || CONTEXT(ops->remote_ip6[1]) != 0);
}

BPF_INLINE void repace(struct bpf_sock_ops* ops, __u32 slot) {
  struct bpf_sock* sk = ops->sk;
  if (!sk || isLocal(ops)) return;
  __u32 wanted = paceOf(slot, ops->mss_cache, isIpv6(ops) ? kHeaderBytes6 : kHeaderBytes);
  struct TrafficSocket* socket =
      bpf_sk_storage_get(&plm_sockets, sk, 0, wanted == kUnpaced ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
  if (socket) paceSocket(ops, socket, wanted);
}

BPF_INLINE void markSocket(struct bpf_sock_ops* ops, const struct TrafficAttached* here) {
  if (!(here->flags & kAttachHostNetwork)) return;
  const struct TrafficEntity* entity = entityAt(here->slot);
  if (!entity || entity->dscp == kTrafficNoDscp) return;
  int value = entity->dscp << 2;
  bpf_setsockopt(ops, IPPROTO_IP, kIpTos, &value, sizeof(value));
  if (ops->family == kFamilyInet6) bpf_setsockopt(ops, IPPROTO_IPV6, kIpv6Tclass, &value, sizeof(value));
}

SEC("sockops")
int plm_sockops(struct bpf_sock_ops* ops) {
  const struct TrafficAttached* here = bpf_get_local_storage(&plm_attached, 0);
  if (!here->slot) return kPass;
  switch (ops->op) {
    case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
    case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
      bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
      markSocket(ops, here);
      repace(ops, here->slot);
      break;
    case BPF_SOCK_OPS_RTT_CB:
      repace(ops, here->slot);
      break;
  }
  return kPass;
}

// In a cgroup the packet begins with its network header, and the link's is still to come.
BPF_INLINE __u32 wireInCgroup(struct __sk_buff* skb) {
  return wireBytes(skb, 0, (__be16)skb->protocol, ETH_HLEN);
}

SEC("cgroup_skb/egress")
int plm_cg_out(struct __sk_buff* skb) {
  const struct TrafficAttached* here = bpf_get_local_storage(&plm_attached, 0);
  struct TrafficEntity* entity = entityAt(here->slot);
  if (!entity || skb->ifindex == kLoopback) return kPass;
  struct Outcome outcome = chargeEgress(skb, entity, here->slot, wireInCgroup(skb));
  if (outcome.dropped) return kDrop;

  __u32 zero = 0;
  const struct TrafficConfig* config = bpf_map_lookup_elem(&plm_config, &zero);
  __u32 index = config ? config->paced_uplink : 0;
  const struct TrafficUplink* uplink = bpf_map_lookup_elem(&plm_uplinks, &index);
  if (uplink && (uplink->flags & kUplinkPriority))
    CONTEXT(skb->priority) = uplink->classes[entity->class_id & (kTrafficClasses - 1)].priority;
  return kPass;
}

SEC("cgroup_skb/ingress")
int plm_cg_in(struct __sk_buff* skb) {
  const struct TrafficAttached* here = bpf_get_local_storage(&plm_attached, 0);
  if (!here->slot || skb->ifindex == kLoopback) return kPass;
  int how = here->flags & kAttachOwnOnly ? kChargeOwnOnly : 0;
  return chargeIngress(skb, here->slot, wireInCgroup(skb), how).dropped ? kDrop : kPass;
}

char cgroups_license[] SEC("license") = "GPL";
