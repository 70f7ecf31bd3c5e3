// Settings that the kernel, or common sense, does not take together. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "pkg/model/facts.h"
#include "pkg/model/plan.h"

namespace plimsoll::policy {

struct Contradiction {
  const model::PlannedSetting* loser;
  std::string reason;
};

// Those of `in_force` that have to go. The more specific source wins; of two from the same source neither is
// taken, since nobody can tell which is meant. Where the winner would lift a limit of the kubelet's or the
// owner's, it is the other that goes, whatever the sources.
std::vector<Contradiction> findContradictions(const std::vector<const model::PlannedSetting*>& in_force,
                                              const model::ContainerFacts& container);

// What is not wrong but has no effect: "is above memory.max = 64Mi and never acts". Empty: nothing.
std::string withoutEffect(const model::PlannedSetting& setting,
                          const std::vector<const model::PlannedSetting*>& in_force,
                          const model::ContainerFacts& container);

}  // namespace plimsoll::policy
