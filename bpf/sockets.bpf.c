// Iterators over the TCP sockets of one network namespace (that of whoever runs them), for what the programs
// on cgroups come too late for:
//   plm_pace_all     paces sockets that were established before the agent came, or while they are silent
//   plm_release_all  gives every socket back the pacing rate that it had before us
//
// A socket whose cgroup is not known is left alone. Needs the kernel's BTF.
#include <linux/bpf.h>
// after linux/bpf.h
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/lib/kernel_types.h"
#include "bpf/lib/sockets.h"

const volatile __u32 entity_mask = 0;
const volatile __u32 link_mask = 0;

enum { kDepth = 8 };  // how far above a socket's cgroup its container's may be

BPF_INLINE __u32 slotOf(struct sock* sk) {
  struct cgroup* own = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
  if (!own) return 0;
  int level = BPF_CORE_READ(own, level);
  __u32 slot = findEntity(BPF_CORE_READ(own, kn, id));
  for (int i = 1; i < kDepth && !slot && level - i > 0; ++i) {
    struct cgroup* above = 0;
    bpf_core_read(&above, sizeof(above), &own->ancestors[level - i]);
    if (!above) break;
    slot = findEntity(BPF_CORE_READ(above, kn, id));
  }
  return slot;
}

// Null for a socket that is no full one (TIME_WAIT, a request). The pointer is checked in the register that
// was loaded: clang would else load it twice, and the verifier not know the second one.
BPF_INLINE struct tcp_sock* tcpOf(struct sock_common* common) {
  asm volatile("" : "+r"(common));
  return common ? bpf_skc_to_tcp_sock(common) : 0;
}

SEC("iter/tcp")
int plm_pace_all(struct bpf_iter__tcp* context) {
  struct sock_common* common = context->sk_common;
  struct tcp_sock* tcp = tcpOf(common);
  if (!tcp) return 0;
  __u32 slot = slotOf((struct sock*)tcp);
  if (!slot) return 0;
  __u32 header = common->skc_family == kFamilyInet6 ? kHeaderBytes6 : kHeaderBytes;
  __u32 wanted = paceOf(slot, tcp->mss_cache, header);
  struct TrafficSocket* socket =
      bpf_sk_storage_get(&plm_sockets, tcp, 0, wanted == kUnpaced ? 0 : BPF_SK_STORAGE_GET_F_CREATE);
  if (socket) paceSocket(tcp, socket, wanted);
  return 0;
}

SEC("iter/tcp")
int plm_release_all(struct bpf_iter__tcp* context) {
  struct tcp_sock* tcp = tcpOf(context->sk_common);
  if (!tcp) return 0;
  struct TrafficSocket* socket = bpf_sk_storage_get(&plm_sockets, tcp, 0, 0);
  if (!socket || !socket->set) return 0;
  __u32 original = socket->original;
  if (bpf_setsockopt(tcp, kSolSocket, kSoMaxPacingRate, &original, sizeof(original)) == 0)
    bpf_sk_storage_delete(&plm_sockets, tcp);
  return 0;
}

char sockets_license[] SEC("license") = "GPL";
