// May this pod have this setting, and can this node give it? Pure, any thread.
#pragma once

#include "pkg/model/plan.h"
#include "pkg/policy/policy.h"

namespace plimsoll::policy {

// The settings that the owner gave the container, of its class and the node's defaults: what the pod has
// without asking for more.
using OwnersSettings = std::vector<const model::Request*>;

// The request with a state: Pending (it may, and as far as known it can) or Refused, Invalid, Unsupported
// with the reason. Devices are resolved.
model::PlannedSetting decide(const model::Request& request, const OwnersSettings& owners,
                             const Inputs& inputs);

// The class that the pod asks for, as a setting: Pending (it exists and the pod may have it), Invalid or
// Refused.
model::PlannedSetting decideClass(const std::string& name, const model::Source& source, const Inputs& inputs);

}  // namespace plimsoll::policy
