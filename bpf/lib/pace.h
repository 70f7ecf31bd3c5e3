// The slow loop: how fast each TCP socket under one limit may send, so that together they fill the limit
// without backlog. Every socket gets the same rate, and what one leaves unused raises the rate of all; so
// sockets that are idle cost nothing. Pure code, as gcra.h.
//
// The signal is the limit's own virtual queue. Over a period T it tells exactly how much came, in units of
// the limit: 1 + (backlog at the end - at the start - time without any) / T. The rate follows that by half,
// and an eighth of what the backlog is off its target, a proportional and an integral part.
#pragma once

#include "bpf/lib/gcra.h"

enum {
  kPacePeriodNs =
      10 * 1000 * 1000,  // at least; two marks long where that is more, to have packets to judge by
  kPaceForgetNs = 1000 * 1000 * 1000,  // after such a silence nothing is known any more
  kPaceFloorShift = 12,                // never below 1/4096 of the cap
};

// What a limit has learnt, wherever it is kept.
struct PaceState {
  __u64* fair;
  __u64* epoch_ns;
  __u64* idle_ns;
  __u64* backlog;  // at the start
  __u64 cap;       // 0: not paced
};

GCRA_INLINE __u64 paceShare(__u64 fair, __u64 part, __u64 of) {
  if (part > of / 2) part = of / 2;
  return fair * (part >> 10) / ((of >> 10) + 1);
}

GCRA_INLINE __u64 paceNext(__u64 fair, __u64 period, __u64 idle, __u64 before, __u64 after, __u64 target) {
  __u64 room = 4 * (before + idle) + target, used = 5 * after;
  return room > used ? fair + paceShare(fair, room - used, 8 * period)
                     : fair - paceShare(fair, used - room, 8 * period);
}

GCRA_INLINE int paceDue(__u64 start, __u64 now, __u64 mark_ns) {
  return now - start >= kPacePeriodNs && now - start >= 2 * mark_ns;
}

// Once a period, by whichever packet comes first. A socket's own pacing is not exact, so it may be told a
// quarter more than the cap; what is too much shows as backlog.
GCRA_INLINE void paceStep(const struct PaceState* state, __u64 now, __u64 backlog, __u64 mark_ns) {
  __u64 start = gcraLoad(state->epoch_ns);
  if (!state->cap || !paceDue(start, now, mark_ns)) return;
  if (__sync_val_compare_and_swap(state->epoch_ns, start, now) != start) return;
  __u64 idle = gcraLoad(state->idle_ns);
  (void)__sync_fetch_and_add(state->idle_ns, -idle);
  __u64 fair = gcraLoad(state->fair);
  __u64 before = gcraLoad(state->backlog);
  *(volatile __u64*)state->backlog = backlog;
  if (!fair || now - start > kPaceForgetNs) {
    fair = state->cap;
  } else {
    fair = paceNext(fair, now - start, idle, before, backlog, mark_ns / 2);
  }
  __u64 most = state->cap + state->cap / 4, least = state->cap >> kPaceFloorShift;
  if (fair > most) fair = most;
  if (fair < least) fair = least;
  *(volatile __u64*)state->fair = fair;
}
