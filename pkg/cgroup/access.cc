#include "pkg/cgroup/access.h"

#include <functional>
#include <optional>
#include <utility>

namespace plimsoll::cgroup {
namespace {

using base::ErrorCode;
using model::Comparison;
using model::PlannedSetting;
using model::Target;
using model::Value;

const model::SettingSpec& specOf(const PlannedSetting& setting) { return *setting.request.setting.spec; }

bool isEqual(const PlannedSetting& setting, std::string_view text) {
  return model::compareWithKernel(specOf(setting), setting.value, text).outcome == Comparison::Outcome::Equal;
}

Result<std::string> readOf(const Process& process, const PlannedSetting& setting) {
  if (specOf(setting).target == Target::OomScoreAdj) {
    ASSIGN_OR_RETURN(const int value, process.oomScoreAdj());
    return std::to_string(value);
  }
  const auto resource = rlimitNumber(setting.request.setting.file);
  if (!resource)
    return base::error(ErrorCode::Unimplemented, setting.request.setting.file + " is not known here");
  ASSIGN_OR_RETURN(const model::Rlimit limit, process.rlimit(*resource));
  return model::kernelWrites(specOf(setting), Value(limit)).front();
}

Status writeTo(const Process& process, const PlannedSetting& setting) {
  if (specOf(setting).target == Target::OomScoreAdj) {
    const auto* number = std::get_if<model::Number>(&setting.value);
    if (number == nullptr) return base::error(ErrorCode::Internal, "oom.score-adj is no number");
    return process.setOomScoreAdj(static_cast<int>(number->value));
  }
  const auto resource = rlimitNumber(setting.request.setting.file);
  const auto* limit = std::get_if<model::Rlimit>(&setting.value);
  if (!resource || limit == nullptr) {
    return base::error(ErrorCode::Unimplemented, setting.request.setting.file + " is not known here");
  }
  return process.setRlimit(*resource, *limit);
}

Result<std::vector<pid_t>> processesOf(const ContainerCgroup& cgroup, int64_t pid) {
  ASSIGN_OR_RETURN(std::vector<pid_t> pids, cgroup.pids());
  if (pids.empty() && pid > 0) pids.push_back(static_cast<pid_t>(pid));
  return pids;
}

// Calls `visit` for each process. One that ended meanwhile, or left the cgroup, is passed over; the first
// other error is given back when all were visited. NotFound: there was none at all.
Status forEachProcess(const ContainerCgroup& cgroup, const sys::HostRoots& roots, int64_t pid,
                      const std::function<Status(const Process&)>& visit) {
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, processesOf(cgroup, pid));
  Status first = base::error(ErrorCode::NotFound, "the container has no process (any more)");
  bool any = false;
  for (pid_t each : pids) {
    auto process = Process::open(roots, each, cgroup.path());
    Status status = process ? visit(*process) : Status(tl::make_unexpected(process.error()));
    const bool skipped =
        !status && (status.error().isGone() || status.error().code == ErrorCode::FailedPrecondition);
    if (skipped) continue;
    if (!any || (first && !status)) first = std::move(status);
    any = true;
  }
  return first;
}

}  // namespace

Result<std::string> FileAccess::read(const PlannedSetting& setting) const {
  return cgroup_.read(setting.request.setting.file);
}

Status FileAccess::write(const PlannedSetting& setting) const {
  return cgroup_.write(setting.request.setting.file, model::kernelWrites(specOf(setting), setting.value));
}

std::vector<model::AncestorValue> FileAccess::ancestors(const PlannedSetting& setting) const {
  return cgroup_.ancestors(setting.request.setting.file);
}

Result<std::string> ProcessAccess::read(const PlannedSetting& setting) const {
  std::optional<std::string> shown;
  RETURN_IF_ERROR(forEachProcess(cgroup_, roots_, pid_, [&](const Process& process) -> Status {
    ASSIGN_OR_RETURN(std::string text, readOf(process, setting));
    if (!shown || (isEqual(setting, *shown) && !isEqual(setting, text))) shown = std::move(text);
    return base::ok();
  }));
  return *std::move(shown);
}

Status ProcessAccess::write(const PlannedSetting& setting) const {
  // Twice: a child forked from a process that was not yet written has the old value. The second round finds
  // the others as wanted and only reads.
  for (int round = 0; round < 2; ++round) {
    RETURN_IF_ERROR(forEachProcess(cgroup_, roots_, pid_, [&](const Process& process) -> Status {
      auto text = readOf(process, setting);
      if (text && isEqual(setting, *text)) return base::ok();
      return writeTo(process, setting);
    }));
  }
  return base::ok();
}

}  // namespace plimsoll::cgroup
