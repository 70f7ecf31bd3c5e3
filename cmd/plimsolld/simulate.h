// What the configuration in force would plan for a manifest's pods. Nothing is read from the kernel and
// nothing is changed. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/facts.h"
#include "pkg/model/plan.h"
#include "pkg/model/rules.h"

namespace plimsoll::agent {

// A report for each container; its pod's name is the object's, "Deployment/web". `ns`: of objects that name
// none. What is named by a path on the node (devices, volumes) is refused with that as the reason.
base::Result<std::vector<model::ContainerReport>> simulate(std::string_view manifest, const std::string& ns,
                                                           const model::NodePolicy& policy,
                                                           const model::NodeFacts& node);

}  // namespace plimsoll::agent
