// The pods of a manifest as facts, as far as a manifest knows them: for planning without a cluster. Pods and
// workloads that hold a pod template. Pure, any thread.
//
// Not here: what is wrong with the annotations (lint.h); what admission and the scheduler would add.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/facts.h"

namespace plimsoll::annotation {

struct ManifestPod {
  std::string kind;     // "Deployment"
  model::PodFacts pod;  // name: the object's; namespace: "" where it names none
  // Init containers first. Their base is what the kubelet would give them.
  std::vector<model::ContainerFacts> containers;
};

// InvalidArgument: not YAML, or longer.
base::Result<std::vector<ManifestPod>> podsOf(std::string_view text, size_t max_bytes);

}  // namespace plimsoll::annotation
