// The generic cell rate algorithm on one word: no lock, no tokens to refill, the error of a race is one
// packet. Pure code, so that it is tested against a model without a kernel.
//
//   admit while backlog <= tolerance; then tat = max(tat, now) + cost of the packet
#pragma once

#include "bpf/abi/traffic.h"

#define GCRA_INLINE static inline __attribute__((always_inline))

// One load, even though others store meanwhile.
GCRA_INLINE __u64 gcraLoad(const __u64* word) { return *(const volatile __u64*)word; }

// Rounded to the nearest, since at 100 Gbit/s a small packet takes 5 ns.
GCRA_INLINE __u64 gcraCost(__u64 cost, __u32 wire) {
  return (cost * wire + (1u << (kTrafficCostShift - 1))) >> kTrafficCostShift;
}

GCRA_INLINE __u64 gcraBacklog(__u64 tat, __u64 now) { return tat > now ? tat - now : 0; }

// Where another CPU moved the clock since it was read, adding is right: then it no longer stands idle.
// Returns for how long it had.
GCRA_INLINE __u64 gcraAdvance(__u64* tat, __u64 seen, __u64 now, __u64 increment) {
  if (seen < now && __sync_val_compare_and_swap(tat, seen, now + increment) == seen) return now - seen;
  (void)__sync_fetch_and_add(tat, increment);
  return 0;
}
