// What to do when somebody else changes what we set, and who it may have been. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "pkg/model/facts.h"
#include "pkg/model/plan.h"
#include "pkg/model/rules.h"

namespace plimsoll::policy {

// Files that the runtime writes whenever the kubelet resizes the container or moves its CPUs.
bool isKubelets(std::string_view file);

model::DriftMode driftMode(const model::DriftRules& rules, const model::SettingKey& setting);

// Who may have written `text`, for people: "the kubelet's value", else "somebody". A writer leaves no name
// behind; only the value tells.
std::string_view likelyWriter(const model::PlannedSetting& setting, const model::PodFacts& pod,
                              const model::ContainerFacts& container, std::string_view text);

}  // namespace plimsoll::policy
