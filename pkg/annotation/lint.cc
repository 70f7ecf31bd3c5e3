#include "pkg/annotation/lint.h"

#include <algorithm>

#include "pkg/annotation/annotation.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {
namespace {

using model::Number;
using model::Request;

// The wish that counts for one container and key.
const Request* wish(const std::vector<const Request*>& requests, std::string_view key) {
  for (const Request* request : requests) {
    if (request->setting.key == key) return request;
  }
  return nullptr;
}

class ContainerLinter {
 public:
  ContainerLinter(const ContainerToLint& container, std::vector<const Request*> requests,
                  std::vector<Finding>& findings)
      : container_(container), requests_(std::move(requests)), findings_(findings) {}

  void lint() {
    limits();
    ordered("memory.min", "memory.max");
    ordered("memory.low", "memory.max");
    ordered("memory.min", "memory.high");
    ordered("memory.low", "memory.high");
    ordered("memory.min", "memory.low");
    ordered("memory.high", "memory.max");
    ordered("cpu.uclamp.min", "cpu.uclamp.max");
    idle();
    burst();
    partition();
    rules();
  }

 private:
  void warn(const Request& request, std::string message) {
    Finding finding;
    finding.severity = Severity::Warning;
    finding.problem = {
        container_.name, request.source.where, request.raw, request.setting.key + ": " + message, "",
        request.source};
    findings_.push_back(std::move(finding));
  }

  static int64_t number(const Request& request) {
    const auto* held = std::get_if<Number>(&request.value);
    return held != nullptr ? held->value : 0;
  }

  void limits() {
    if (!container_.memory_limit) return;
    const std::string limit = model::formatBytes(*container_.memory_limit);
    const Request* high = wish(requests_, "memory.high");
    if (high != nullptr && number(*high) != model::kMax && number(*high) >= *container_.memory_limit) {
      warn(*high, model::formatBytes(number(*high)) + " is not below the container's memory limit " + limit +
                      ", so it never slows anything before the kill");
    }
    const Request* max = wish(requests_, "memory.max");
    if (max != nullptr && number(*max) > *container_.memory_limit) {
      warn(*max,
           "is above the container's memory limit " + limit + ", which needs a rule of the node's owner");
    }
  }

  // Says so when `lower` is above `upper`.
  void ordered(std::string_view lower, std::string_view upper) {
    const Request* low = wish(requests_, lower);
    const Request* high = wish(requests_, upper);
    if (low == nullptr || high == nullptr || number(*low) <= number(*high)) return;
    warn(*low, formatValue(*low->setting.spec, low->value) + " is above " + std::string(upper) + " " +
                   formatValue(*high->setting.spec, high->value));
  }

  void idle() {
    const Request* idle = wish(requests_, "cpu.idle");
    const Request* weight = wish(requests_, "cpu.weight");
    if (idle == nullptr || weight == nullptr || number(*idle) == 0) return;
    warn(*weight, "has no effect beside cpu.idle: true; the kernel refuses a weight for an idle container");
  }

  void burst() {
    const Request* burst = wish(requests_, "cpu.max.burst");
    const Request* max = wish(requests_, "cpu.max");
    const auto* quota = max != nullptr ? std::get_if<model::CpuMax>(&max->value) : nullptr;
    if (burst == nullptr || quota == nullptr) return;
    if (quota->quota_us == model::kMax) return warn(*burst, "has no effect without a limit in cpu.max");
    if (number(*burst) > quota->quota_us) {
      warn(*burst, model::formatDuration(number(*burst)) + " is above the quota of cpu.max, " +
                       model::formatDuration(quota->quota_us) + " in each period; the kernel refuses it");
    }
  }

  void partition() {
    const Request* partition = wish(requests_, "cpuset.partition");
    if (partition == nullptr || wish(requests_, "cpuset.cpus") != nullptr) return;
    if (std::get<model::Word>(partition->value).word == "member") return;
    warn(*partition, "is valid only together with cpuset.cpus");
  }

  void rules() {
    std::string_view last;
    for (const Request* request : requests_) {
      if (request->setting.key == last) continue;
      last = request->setting.key;
      if (request->setting.spec->permission != model::Permission::RuleOnly) continue;
      warn(*request, "is refused where the node's owner wrote no rule for it: " +
                         std::string(request->setting.spec->hurts));
    }
  }

  const ContainerToLint& container_;
  std::vector<const Request*> requests_;
  std::vector<Finding>& findings_;
};

// One finding for each container becomes one for the pod where all say the same of the same wish.
void dropRepeats(std::vector<Finding>& findings) {
  std::vector<Finding> kept;
  for (Finding& finding : findings) {
    const auto same = [&finding](Finding& other) {
      return other.problem.key == finding.problem.key && other.problem.message == finding.problem.message;
    };
    auto first = std::find_if(kept.begin(), kept.end(), same);
    if (first == kept.end()) {
      kept.push_back(std::move(finding));
    } else if (first->problem.container != finding.problem.container) {
      first->problem.container.clear();
    }
  }
  findings = std::move(kept);
}

}  // namespace

std::string_view severityName(Severity severity) { return severity == Severity::Error ? "error" : "warning"; }

std::vector<Finding> lintPod(const PodToLint& pod) {
  const model::PodIntent intent = parsePod(pod.annotations);
  std::vector<Finding> errors;
  for (const model::Problem& problem : intent.problems) errors.push_back({.problem = problem});
  std::vector<std::string> names;
  for (const ContainerToLint& container : pod.containers) names.push_back(container.name);
  if (!names.empty()) {
    for (model::Problem& problem : unknownContainers(intent, names))
      errors.push_back({.problem = std::move(problem)});
  }
  std::vector<Finding> warnings;
  if (!intent.empty()) {
    for (const ContainerToLint& container : pod.containers) {
      ContainerLinter(container, mergedRequests(intent, container.name), warnings).lint();
    }
  }
  dropRepeats(warnings);
  std::move(warnings.begin(), warnings.end(), std::back_inserter(errors));
  return errors;
}

}  // namespace plimsoll::annotation
