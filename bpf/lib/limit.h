// A container's limit and its pod's, in one decision: both are asked before either is charged, so what one
// refuses is no debt with the other. ECN first; a drop only past the tolerance.
#pragma once

#include "bpf/lib/count.h"
#include "bpf/lib/pace.h"

enum LimitDirection { kLimitEgress, kLimitIngress };

struct LimitSide {
  struct TrafficRate* rate;  // null: no limit
  __u64 seen;                // its clock when asked
  __u64 backlog;
};

BPF_INLINE struct LimitSide limitAsk(struct TrafficEntity* entity, enum LimitDirection direction, __u64 now) {
  struct LimitSide side = {};
  if (!entity) return side;
  struct TrafficRate* rate = direction == kLimitEgress ? &entity->egress : &entity->ingress;
  if (!rate->cost) return side;
  side.rate = rate;
  side.seen = gcraLoad(&rate->tat);
  side.backlog = gcraBacklog(side.seen, now);
  return side;
}

// A small packet gets twice the tolerance: it is charged like any other, but an answer or an ACK does not
// share the fate of the bulk that filled the queue.
BPF_INLINE int limitRefuses(const struct LimitSide* side, __u32 wire) {
  if (!side->rate) return 0;
  return side->backlog > (wire <= kTrafficSmall ? 2 * side->rate->drop_ns : side->rate->drop_ns);
}

BPF_INLINE int limitMarks(const struct LimitSide* side) {
  return side->rate && side->backlog > side->rate->mark_ns;
}

BPF_INLINE void limitCharge(const struct LimitSide* side, struct TrafficEntity* entity,
                            enum LimitDirection direction, __u64 now, __u32 wire) {
  if (!side->rate) return;
  __u64 idle = gcraAdvance(&side->rate->tat, side->seen, now, gcraCost(side->rate->cost, wire));
  if (direction != kLimitEgress || !entity->pace_cap) return;
  if (idle) (void)__sync_fetch_and_add(&entity->idle_ns, idle);
}

BPF_INLINE void limitPace(const struct LimitSide* side, struct TrafficEntity* entity, __u64 now) {
  if (!side->rate) return;
  struct PaceState state = {&entity->pace_fair, &entity->epoch_ns, &entity->idle_ns, entity->pace_cap};
  paceStep(&state, now, side->backlog, side->rate->mark_ns);
}

BPF_INLINE int hasLimit(const struct TrafficEntity* entity, enum LimitDirection direction) {
  return entity && (direction == kLimitEgress ? entity->egress.cost : entity->ingress.cost);
}

// Decides and charges. `parent` may be null.
BPF_INLINE struct Outcome limit(struct __sk_buff* skb, struct TrafficEntity* entity,
                                struct TrafficEntity* parent, enum LimitDirection direction, __u32 wire) {
  struct Outcome outcome = {};
  if (!hasLimit(entity, direction) && !hasLimit(parent, direction)) return outcome;
  if (entity->flags & kEntityObserve) return outcome;
  __u64 now = bpf_ktime_get_ns();
  struct LimitSide own = limitAsk(entity, direction, now);
  struct LimitSide above = limitAsk(parent, direction, now);
  if (direction == kLimitEgress) {
    limitPace(&own, entity, now);
    if (parent) limitPace(&above, parent, now);
  }
  outcome.backlog_ns = own.backlog > above.backlog ? own.backlog : above.backlog;
  if (limitRefuses(&own, wire) || limitRefuses(&above, wire)) {
    outcome.dropped = 1;
    return outcome;
  }
  if (limitMarks(&own) || limitMarks(&above)) outcome.marked = bpf_skb_ecn_set_ce(skb) == 1;
  limitCharge(&own, entity, direction, now, wire);
  if (parent) limitCharge(&above, parent, direction, now, wire);
  return outcome;
}
