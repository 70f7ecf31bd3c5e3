// The decision: what a pod asks, what the node's owner allows and what the node can do, made into the desired
// kernel state of one container. Pure: no clock, no files, no logs; the same inputs give the same plan.
//
// Not here: reading annotations (pkg/annotation), reading rules (pkg/config), writing anything
// (pkg/control).
//
// Threads: any.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/facts.h"
#include "pkg/model/intent.h"
#include "pkg/model/plan.h"
#include "pkg/model/rules.h"

namespace plimsoll::policy {

// Each block device that a wish names by path or volume, as a number or the reason why there is none.
using Devices = std::vector<std::pair<model::DeviceRef, base::Result<model::DeviceNumber>>>;

struct Inputs {
  const model::PodIntent& intent;
  const model::PodFacts& pod;
  const model::ContainerFacts& container;
  const model::NodeFacts& node;
  const model::NodePolicy& policy;
  const Devices& devices;
};

// Whether pods of this namespace are left alone altogether.
bool isIgnored(const model::NodePolicy& policy, std::string_view pod_namespace);

// Every wish that may have a say in this container's plan, the pod's own and the owner's (class, node
// default); the most specific first for each setting. For resolving devices before makePlan().
std::vector<const model::Request*> wishes(const model::PodIntent& intent, std::string_view container,
                                          const model::NodePolicy& policy);

// One setting may stand in the plan more than once: a wish that is not granted is shown with its reason, and
// the next less specific one (in the end the class's or the node's default) is in force, so that nobody sheds
// the owner's settings by asking for something that is refused. At most one entry per key is not decided
// against (Refused, Invalid, Unsupported). Order: that of the settings table, then key; the one in force
// first.
//
// An ignored namespace gives an empty plan.
model::Plan makePlan(const Inputs& inputs);

// For a container that exists: after an in-place resize, or when the configuration changed. As makePlan(),
// but states and observed values of settings whose wanted value did not change are kept, the value found
// before Plimsoll is kept even where it did, and nothing is rejected or planned for the creation request any
// more. replan(p, i) == p for p = replan(makePlan(i), i).
model::Plan replan(const model::Plan& old, const Inputs& inputs);

}  // namespace plimsoll::policy
