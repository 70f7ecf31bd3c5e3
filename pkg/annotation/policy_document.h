// The YAML document in plimsoll.dev/policy, for those who want many settings:
//
//   class: latency-critical
//   on-error: reject
//   settings:
//     cpu.weight: 200
//     memory: {high: 512Mi, low: 128Mi}      # nested maps are joined by dots
//   containers:
//     sidecar:
//       settings: {cpu.weight: 50}
//
// In <container>.plimsoll.dev/policy the same without `containers`. Internal to pkg/annotation.
#pragma once

#include <string_view>

#include "pkg/annotation/collector.h"

namespace plimsoll::annotation {

// `place` is the annotation's; what the document holds goes into `collector`.
void readPolicyDocument(const Place& place, std::string_view text, Collector& collector);

}  // namespace plimsoll::annotation
