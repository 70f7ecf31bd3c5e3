// Pacing of TCP sockets: a queue that is never filled needs no drops. A socket may send at the lowest of what
// its container's, its pod's and its class's limit have learnt (pace.h), counted in payload, so that headers
// fit into the limit too.
//
// What the application itself asked for is kept, obeyed where it is lower, and put back at the end.
#pragma once

#include <linux/bpf.h>
// after linux/bpf.h
#include <bpf/bpf_helpers.h>

#include "bpf/lib/table.h"

// Linux's generic values (include/uapi/asm-generic/socket.h, linux/in.h, linux/in6.h).
enum {
  kFamilyInet = 2,
  kFamilyInet6 = 10,
  kSolSocket = 1,
  kSoMaxPacingRate = 47,
  kIpTos = 1,
  kIpv6Tclass = 67,
};

enum {
  kUnpaced = 0xffffffffu,
  kHeaderBytes = 66,     // Ethernet, IPv4, TCP with timestamps
  kHeaderBytes6 = 86,    // the same with IPv6
  kHysteresisShift = 4,  // a change below a sixteenth is not worth the call
};

BPF_INLINE __u64 lower(__u64 best, __u64 cap, __u64 fair) {
  if (!cap) return best;
  __u64 own = fair ? fair : cap;
  return own < best ? own : best;
}

BPF_INLINE __u64 entityPace(__u32 slot, __u64 best) {
  const struct TrafficDetails* details = detailsAt(slot);
  return details ? lower(best, details->pace_cap, details->pace_fair) : best;
}

// What a socket of the class may have, times the container's weight.
BPF_INLINE __u64 weighted(__u64 fair, __u64 cap, __u32 slot) {
  const struct TrafficDetails* details = detailsAt(slot);
  __u64 rate = fair ? fair : cap;
  if (details && details->weight) rate = rate * details->weight / 100;
  return rate < cap ? rate : cap;
}

BPF_INLINE __u64 classPace(__u32 slot, __u32 class_id, __u64 best) {
  __u32 zero = 0;
  const struct TrafficConfig* config = bpf_map_lookup_elem(&plm_config, &zero);
  if (!config) return best;
  __u32 index = config->paced_uplink;
  const struct TrafficUplink* uplink = bpf_map_lookup_elem(&plm_uplinks, &index);
  if (!uplink) return best;
  const struct TrafficUplinkClass* own = &uplink->classes[class_id & (kTrafficClasses - 1)];
  return lower(best, own->pace_cap, weighted(own->pace_fair, own->pace_cap, slot));
}

// Payload bytes per second for a socket of this entity, as SO_MAX_PACING_RATE takes it.
BPF_INLINE __u32 paceOf(__u32 slot, __u32 mss, __u32 header_bytes) {
  const struct TrafficEntity* entity = entityAt(slot);
  __u64 best = ~0ull;
  if (!entity || entity->flags & kEntityObserve) return kUnpaced;
  best = entityPace(slot, best);
  best = entityPace(entity->parent, best);
  best = classPace(slot, entity->class_id, best);
  if (best >= kUnpaced) return kUnpaced;
  return mss ? best * mss / (mss + header_bytes) : best;
}

BPF_INLINE int paceDiffers(__u32 now, __u32 wanted) {
  if (now == kUnpaced || wanted == kUnpaced) return now != wanted;
  __u32 gap = now > wanted ? now - wanted : wanted - now;
  return gap > now >> kHysteresisShift;
}

// `context` is what bpf_setsockopt() takes here: the sockops context, or the socket.
BPF_INLINE void paceSocket(void* context, struct TrafficSocket* socket, __u32 wanted) {
  if (!socket->set) {
    if (wanted == kUnpaced) return;
    __u32 original = kUnpaced;
    bpf_getsockopt(context, kSolSocket, kSoMaxPacingRate, &original, sizeof(original));
    socket->original = original;
    socket->pace = original;
    socket->set = 1;
  }
  if (wanted > socket->original) wanted = socket->original;
  if (!paceDiffers(socket->pace, wanted)) return;
  long err = bpf_setsockopt(context, kSolSocket, kSoMaxPacingRate, &wanted, sizeof(wanted));
  socket->refused = -err;
  if (!err) socket->pace = wanted;
}
