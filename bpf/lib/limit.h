// A container's limit and its pod's, in one decision: both are asked before either is charged, so what one
// refuses is no debt with the other. ECN first; a drop only past the tolerance.
#pragma once

#include "bpf/lib/count.h"
#include "bpf/lib/pace.h"

struct LimitSide {
  struct TrafficFlow* flow;  // null: no limit
  __u64 seen;                // its clock when asked
  __u64 backlog;
};

BPF_INLINE struct LimitSide limitAsk(struct TrafficFlow* flow, __u64 now) {
  struct LimitSide side = {};
  if (!flow || !flow->cost) return side;
  side.flow = flow;
  side.seen = gcraLoad(&flow->tat);
  side.backlog = gcraBacklog(side.seen, now);
  return side;
}

BPF_INLINE __u64 limitTime(__u32 stored) { return (__u64)stored << kTrafficTimeShift; }

// A small packet gets twice the tolerance: it is charged like any other, but an answer or an ACK does not
// share the fate of the bulk that filled the queue.
BPF_INLINE int limitRefuses(const struct LimitSide* side, __u32 wire) {
  if (!side->flow) return 0;
  return side->backlog > limitTime(side->flow->drop) << (wire <= kTrafficSmall);
}

BPF_INLINE int limitMarks(const struct LimitSide* side) {
  return side->flow && side->backlog > limitTime(side->flow->mark);
}

// Returns how long the limit had been idle.
BPF_INLINE __u64 limitCharge(const struct LimitSide* side, __u64 now, __u32 wire) {
  if (!side->flow) return 0;
  return gcraAdvance(&side->flow->tat, side->seen, now, gcraCost(side->flow->cost, wire));
}

BPF_INLINE int limitExists(const struct TrafficFlow* flow) { return flow && flow->cost; }

// Decides and charges; either may be null.
BPF_INLINE struct Outcome limitDecide(struct __sk_buff* skb, const struct LimitSide* own,
                                      const struct LimitSide* above, __u32 wire) {
  struct Outcome outcome = {};
  outcome.backlog_ns = own->backlog > above->backlog ? own->backlog : above->backlog;
  if (limitRefuses(own, wire) || limitRefuses(above, wire)) {
    outcome.dropped = 1;
  } else if (limitMarks(own) || limitMarks(above)) {
    outcome.marked = bpf_skb_ecn_set_ce(skb) == 1;
  }
  return outcome;
}

BPF_INLINE struct Outcome limitIngress(struct __sk_buff* skb, struct TrafficFlow* own_flow,
                                       struct TrafficFlow* above_flow, __u32 wire) {
  struct Outcome outcome = {};
  if (!limitExists(own_flow) && !limitExists(above_flow)) return outcome;
  __u64 now = bpf_ktime_get_ns();
  struct LimitSide own = limitAsk(own_flow, now);
  struct LimitSide above = limitAsk(above_flow, now);
  outcome = limitDecide(skb, &own, &above, wire);
  if (outcome.dropped) return outcome;
  limitCharge(&own, now, wire);
  limitCharge(&above, now, wire);
  return outcome;
}

// What egress has besides: the pacing controller learns from idle time and backlog.
BPF_INLINE void limitLearn(const struct LimitSide* side, struct TrafficEntity* entity, __u32 slot, __u64 now,
                           __u64 idle) {
  if (!side->flow || !(entity->flags & kEntityPaced)) return;
  if (idle) ATOMIC_ADD(entity->idle_ns, idle);
  struct TrafficDetails* details = detailsAt(slot);
  if (!details) return;
  struct PaceState state = {&details->pace_fair, &details->epoch_ns, &entity->idle_ns, &details->pace_backlog,
                            details->pace_cap};
  paceStep(&state, now, side->backlog, limitTime(side->flow->mark));
}

BPF_INLINE struct Outcome limitEgress(struct __sk_buff* skb, struct TrafficEntity* entity, __u32 slot,
                                      struct TrafficEntity* parent, __u32 wire) {
  struct Outcome outcome = {};
  struct TrafficFlow* above_flow = parent ? &parent->egress : 0;
  if (!limitExists(&entity->egress) && !limitExists(above_flow)) return outcome;
  __u64 now = bpf_ktime_get_ns(), idle = 0;
  struct LimitSide own = limitAsk(&entity->egress, now);
  struct LimitSide above = limitAsk(above_flow, now);
  outcome = limitDecide(skb, &own, &above, wire);
  if (!outcome.dropped) idle = limitCharge(&own, now, wire);
  limitLearn(&own, entity, slot, now, idle);
  if (!parent) return outcome;
  if (!outcome.dropped) idle = limitCharge(&above, now, wire);
  limitLearn(&above, parent, entity->parent, now, idle);
  return outcome;
}
