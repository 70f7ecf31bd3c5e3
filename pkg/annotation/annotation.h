// A pod's annotations to its wishes. Keys are plimsoll.dev/<setting> for every container of the pod and
// <container>.plimsoll.dev/<setting> for one; plimsoll.dev/policy holds the same as a YAML document
// (policy_document.h). What cannot be understood becomes a Problem that says what would be right; nothing is
// thrown and nothing is decided: who may ask is pkg/policy's business.
//
// Annotations of others cost a look at their key. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/model/facts.h"
#include "pkg/model/intent.h"

namespace plimsoll::annotation {

// At most this many problems of a pod are told; a last one counts the rest.
constexpr size_t kMostProblems = 64;

model::PodIntent parsePod(const model::StringMap& annotations);

// The wishes that concern a container, its own and the pod's: sorted by key, and for each key the most
// specific first. They point into `intent`. Classes and the node's defaults are not among them.
std::vector<const model::Request*> mergedRequests(const model::PodIntent& intent, std::string_view container);

// The container's class, or else the pod's; whether it is known is for the node's configuration to say.
std::optional<std::string_view> className(const model::PodIntent& intent, std::string_view container);

std::optional<model::OnError> onError(const model::PodIntent& intent, std::string_view container);

// Wishes for containers that the pod does not have. `names` must hold all of them, init and ephemeral ones
// too: at a container's creation they are not known, in a manifest they are.
std::vector<model::Problem> unknownContainers(const model::PodIntent& intent,
                                              const std::vector<std::string>& names);

}  // namespace plimsoll::annotation
