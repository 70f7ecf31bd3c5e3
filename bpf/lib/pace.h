// The slow loop: how fast each TCP socket under one limit may send, so that together they fill the limit
// without backlog. Every socket gets the same rate, and what one leaves unused raises the rate of all; so
// sockets that are idle cost nothing. Pure code, as gcra.h.
//
// The signal is the limit's own virtual queue: idle time raises the rate, backlog above the mark lowers it.
#pragma once

#include "bpf/lib/gcra.h"

enum {
  kPacePeriodNs = 10 * 1000 * 1000,
  kPaceForgetNs = 1000 * 1000 * 1000,  // after such a silence nothing is known any more
  kPaceFloorShift = 12,                // never below 1/4096 of the cap
};

// What a limit has learnt, wherever it is kept.
struct PaceState {
  __u64* fair;
  __u64* epoch_ns;
  __u64* idle_ns;
  __u64 cap;  // 0: not paced
};

GCRA_INLINE __u64 paceNext(__u64 fair, __u64 elapsed, __u64 idle, __u64 backlog, __u64 mark_ns) {
  if (backlog >= mark_ns) return fair - fair / 8;
  if (idle > elapsed / 32)
    return fair + fair / 64 + (idle >= elapsed ? fair / 2 : fair * (idle >> 10) / (elapsed >> 9));
  return backlog < mark_ns / 2 ? fair + fair / 64 : fair;
}

// Once a period, by whichever packet comes first.
GCRA_INLINE void paceStep(const struct PaceState* state, __u64 now, __u64 backlog, __u64 mark_ns) {
  __u64 start = gcraLoad(state->epoch_ns);
  if (!state->cap || now - start < kPacePeriodNs) return;
  if (__sync_val_compare_and_swap(state->epoch_ns, start, now) != start) return;
  __u64 idle = gcraLoad(state->idle_ns);
  (void)__sync_fetch_and_add(state->idle_ns, -idle);
  __u64 fair = gcraLoad(state->fair);
  fair =
      !fair || now - start > kPaceForgetNs ? state->cap : paceNext(fair, now - start, idle, backlog, mark_ns);
  if (fair > state->cap) fair = state->cap;
  if (fair < state->cap >> kPaceFloorShift) fair = state->cap >> kPaceFloorShift;
  *(volatile __u64*)state->fair = fair;
}
