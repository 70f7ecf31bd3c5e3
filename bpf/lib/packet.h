// What a program has to know of the packet itself: how many bytes it will be on the wire, and its DSCP. Class
// and limit never depend on a header, so a fragment, a tunnel or an unknown protocol is charged like any
// other.
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
// after linux/bpf.h
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/table.h"

// Two 802.1Q tags at most; deeper is treated as not IP.
BPF_INLINE __u32 networkOffset(struct __sk_buff* skb, __be16* protocol) {
  __u32 offset = ETH_HLEN;
  __be16 tag[2];  // what follows an 802.1Q or 802.1ad type: priority and id, then the next type
  *protocol = (__be16)skb->protocol;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    if (*protocol != bpf_htons(ETH_P_8021Q) && *protocol != bpf_htons(ETH_P_8021AD)) break;
    if (bpf_skb_load_bytes(skb, offset, tag, sizeof(tag))) return 0;
    *protocol = tag[1];
    offset += sizeof(tag);
  }
  return offset;
}

// Bytes of network and transport header; `offset` is where the network header begins. IPv6 extension headers
// are taken as absent: a GSO packet that has any is charged 8 bytes or so too little for each segment.
BPF_INLINE __u32 headerBytes(struct __sk_buff* skb, __u32 offset, __be16 protocol) {
  __u8 transport = 0, first = 0, words = 0;
  __u32 network = sizeof(struct ipv6hdr);
  if (protocol == bpf_htons(ETH_P_IP)) {
    if (bpf_skb_load_bytes(skb, offset, &first, 1)) return 0;
    network = (first & 0xf) * 4;
    if (bpf_skb_load_bytes(skb, offset + __builtin_offsetof(struct iphdr, protocol), &transport, 1)) return 0;
  } else if (protocol == bpf_htons(ETH_P_IPV6)) {
    if (bpf_skb_load_bytes(skb, offset + __builtin_offsetof(struct ipv6hdr, nexthdr), &transport, 1))
      return 0;
  } else {
    return 0;
  }
  if (transport != IPPROTO_TCP) return network + 8;
  if (bpf_skb_load_bytes(skb, offset + network + 12, &words, 1)) return network + 20;
  return network + (words >> 4) * 4;
}

// The kernel fills wire_len with the headers of all segments only on the way out of a device; at ingress and
// in a cgroup it does not. `link_bytes` is what stands before `offset` on the wire.
BPF_INLINE __u32 wireBytes(struct __sk_buff* skb, __u32 offset, __be16 protocol, __u32 link_bytes) {
  __u32 segments = skb->gso_segs;
  __u32 length = skb->len + link_bytes - offset;
  if (segments <= 1) return length;
  return length + (segments - 1) * (link_bytes + headerBytes(skb, offset, protocol));
}

BPF_INLINE __u32 packetCount(struct __sk_buff* skb) { return skb->gso_segs ? skb->gso_segs : 1; }

// Header and its checksum together, so that no one sees it half changed. ECN bits stay. The IPv4 header sums
// to zero before and after, so only IPv6 disturbs a checksum that covers the whole packet.
BPF_INLINE void setDscp(struct __sk_buff* skb, __u32 offset, __be16 protocol, __u8 dscp) {
  if (protocol == bpf_htons(ETH_P_IP)) {
    __u16 header[6];  // up to and with the checksum
    if (bpf_skb_load_bytes(skb, offset, header, sizeof(header))) return;
    __u8* tos = (__u8*)header + 1;
    __u8 wanted = (__u8)(dscp << 2) | (*tos & 3);
    if (*tos == wanted) return;
    __u16 old = header[0];
    *tos = wanted;
    __u32 sum = (__u16)~header[5] + (__u16)~old + header[0];  // RFC 1624, equation 3
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    header[5] = (__u16)~sum;
    bpf_skb_store_bytes(skb, offset, header, sizeof(header), 0);
  } else if (protocol == bpf_htons(ETH_P_IPV6)) {
    __u8 start[2];  // version, traffic class, four bits of the flow label
    if (bpf_skb_load_bytes(skb, offset, start, sizeof(start))) return;
    __u8 high = (start[0] & 0xf0) | (dscp >> 2);
    __u8 low = (start[1] & 0x3f) | (__u8)((dscp & 3) << 6);
    if (start[0] == high && start[1] == low) return;
    start[0] = high;
    start[1] = low;
    bpf_skb_store_bytes(skb, offset, start, sizeof(start), BPF_F_RECOMPUTE_CSUM);
  }
}
