// What a container's creation request is to carry for us. Plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/model/plan.h"
#include "pkg/model/rules.h"

namespace plimsoll::control {

struct CreateDecision {
  struct Rlimit {
    std::string type;  // RLIMIT_NOFILE
    model::Rlimit value;
  };
  std::vector<std::pair<std::string, std::string>> unified;  // cgroup file, value
  std::vector<Rlimit> rlimits;
  std::vector<std::pair<std::string, std::string>> sysctls;  // name with dots, value
  std::optional<int64_t> oom_score_adj;
  std::optional<model::IoPriority> io_priority;
  std::optional<model::Scheduler> scheduler;
  std::optional<model::SeccompProfile> seccomp;
  std::vector<std::string> own_namespaces;  // OCI names of the types that the container is not to share
  std::optional<std::string> rejection;     // the container must not be created, and why

  bool empty() const {
    return unified.empty() && rlimits.empty() && sysctls.empty() && !oom_score_adj && !io_priority &&
           !scheduler && !seccomp && own_namespaces.empty() && !rejection;
  }
};

// The settings of the plan that travel in the creation request.
CreateDecision createDecision(const model::Plan& plan, const model::NodePolicy& policy);

}  // namespace plimsoll::control
