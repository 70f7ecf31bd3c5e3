// What this node's kernel cannot do for a container, found before anything is asked of it: a value that the
// runtime writes and the kernel refuses fails the whole container. Pure, any thread.
#pragma once

#include <optional>
#include <string>

#include "pkg/model/facts.h"
#include "pkg/model/value.h"

namespace plimsoll::policy {

// Why this kernel or node cannot; nullopt: as far as known it can. Files seen on this node count for more
// than the kernel's version, since distributions backport.
std::optional<std::string> unsupportedReason(const model::SettingKey& setting, const model::Value& value,
                                             const model::NodeFacts& node);

}  // namespace plimsoll::policy
