// What a careful colleague would say of a pod's annotations before it is applied: what cannot be understood,
// and what can but will not do what its author hopes. Works on a pod's plain facts, or on manifests as
// kubectl takes them (pods, and workloads that hold a pod template). Pure functions, no cluster needed, any
// thread.
//
// Not here: what this node's rules allow; only what is refused where the owner wrote no rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/facts.h"
#include "pkg/model/intent.h"

namespace plimsoll::annotation {

enum class Severity { Error, Warning };
std::string_view severityName(Severity severity);  // "error", "warning"

struct ContainerToLint {
  std::string name;  // init and ephemeral containers too
  std::optional<int64_t> memory_limit;
};

struct PodToLint {
  std::string name;
  std::string ns;
  model::StringMap annotations;
  std::vector<ContainerToLint> containers;
};

struct Finding {
  Severity severity = Severity::Error;
  model::Problem problem;
  // Manifests only:
  int document = 0;  // from 1
  int line = 0;      // of the manifest, from 1; 0: not known
  std::string kind, name, ns;
};

// Errors first told, then warnings. Without container names nothing is said about unknown ones.
std::vector<Finding> lintPod(const PodToLint& pod);

struct LintReport {
  std::vector<Finding> findings;
  int objects = 0;  // documents and list items that hold a pod or a pod template
  int skipped = 0;  // objects of other kinds
};

constexpr size_t kLargestManifest = 8 * 1024 * 1024;

// The whole text of one or more manifests, YAML or JSON. Text that is not YAML, or longer than `max_bytes`,
// gives one finding, an error. Needs up to 25 times `max_bytes` of memory: a service should give less than
// the default.
LintReport lintManifest(std::string_view text, size_t max_bytes = kLargestManifest);

}  // namespace plimsoll::annotation
