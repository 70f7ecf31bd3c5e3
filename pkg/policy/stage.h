// Whether a setting may travel in the runtime's creation request. Pure, any thread.
//
// A value there that the kernel refuses fails the container's creation, whatever on-error says; and the
// runtime writes the entries of `unified` in the random order of a Go map. So only what cannot be refused, in
// any order, goes there. The rest is written at StartContainer: as early as far as the container's own code
// can tell.
#pragma once

#include <vector>

#include "pkg/model/facts.h"
#include "pkg/model/plan.h"

namespace plimsoll::policy {

// `in_force`: every setting of the plan that will be written.
model::Stage stageOf(const model::PlannedSetting& setting,
                     const std::vector<const model::PlannedSetting*>& in_force, const model::PodFacts& pod,
                     const model::ContainerFacts& container, const model::NodeFacts& node);

}  // namespace plimsoll::policy
