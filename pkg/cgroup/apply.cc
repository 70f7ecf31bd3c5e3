#include "pkg/cgroup/apply.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "pkg/base/parse.h"
#include "pkg/cgroup/process.h"

namespace plimsoll::cgroup {
namespace {

using base::ErrorCode;
using model::Comparison;
using model::PlannedSetting;
using model::State;
using model::Target;
using model::Value;

const model::SettingSpec& specOf(const PlannedSetting& setting) { return *setting.request.setting.spec; }

Comparison compare(const PlannedSetting& setting, std::string_view text) {
  return model::compareWithKernel(specOf(setting), setting.value, text);
}

bool isEqual(const PlannedSetting& setting, std::string_view text) {
  return compare(setting, text).outcome == Comparison::Outcome::Equal;
}

// What the kernel made of our value before, and still holds: writing again would change nothing.
bool isAsAdjusted(const PlannedSetting& setting, const Comparison& seen) {
  const bool was_ours = setting.state == State::Adjusted || setting.state == State::Moot;
  return was_ours && setting.actual && *setting.actual == seen.actual;
}

// --- settings of processes

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

Result<std::vector<pid_t>> processesOf(const Subject& subject) {
  ASSIGN_OR_RETURN(std::vector<pid_t> pids, subject.cgroup.pids());
  if (pids.empty() && subject.pid > 0) pids.push_back(static_cast<pid_t>(subject.pid));
  return pids;
}

// Calls `visit` for each process. One that ended meanwhile, or left the cgroup, is passed over; the first
// other error is given back when all were visited. NotFound: there was none at all.
Status forEachProcess(const Subject& subject, const std::function<Status(const Process&)>& visit) {
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, processesOf(subject));
  Status first = base::error(ErrorCode::NotFound, "the container has no process (any more)");
  bool any = false;
  for (pid_t pid : pids) {
    auto process = Process::open(subject.roots, pid, subject.cgroup.path());
    Status status = process ? visit(*process) : Status(tl::make_unexpected(process.error()));
    const bool skipped =
        !status && (status.error().isGone() || status.error().code == ErrorCode::FailedPrecondition);
    if (skipped) continue;
    if (!any || (first && !status)) first = std::move(status);
    any = true;
  }
  return first;
}

// The value of the processes: that of the first which differs from what is wanted, else the one they share.
Result<std::string> readProcesses(const Subject& subject, const PlannedSetting& setting) {
  std::optional<std::string> shown;
  RETURN_IF_ERROR(forEachProcess(subject, [&](const Process& process) -> Status {
    ASSIGN_OR_RETURN(std::string text, readOf(process, setting));
    if (!shown || (isEqual(setting, *shown) && !isEqual(setting, text))) shown = std::move(text);
    return base::ok();
  }));
  return *std::move(shown);
}

Status writeProcesses(const Subject& subject, const PlannedSetting& setting) {
  // Twice: a child forked from a process that was not yet written has the old value. The second round finds
  // the others as wanted and only reads.
  for (int round = 0; round < 2; ++round) {
    RETURN_IF_ERROR(forEachProcess(subject, [&](const Process& process) -> Status {
      auto text = readOf(process, setting);
      if (text && isEqual(setting, *text)) return base::ok();
      return writeTo(process, setting);
    }));
  }
  return base::ok();
}

// --- any setting

Result<std::string> readSetting(const Subject& subject, const PlannedSetting& setting) {
  switch (specOf(setting).target) {
    case Target::CgroupFile:
      return subject.cgroup.read(setting.request.setting.file);
    case Target::OomScoreAdj:
    case Target::Rlimit:
      return readProcesses(subject, setting);
    case Target::Plimsoll:
      break;
  }
  return base::error(ErrorCode::Internal, setting.request.setting.key + " has no place in the kernel");
}

Status writeSetting(const Subject& subject, const PlannedSetting& setting) {
  if (specOf(setting).target != Target::CgroupFile) return writeProcesses(subject, setting);
  return subject.cgroup.write(setting.request.setting.file,
                              model::kernelWrites(specOf(setting), setting.value));
}

void setFailed(Applied& applied, const base::Error& error, const PlannedSetting& setting) {
  applied.state = error.code == ErrorCode::Unimplemented ? State::Unsupported : State::Failed;
  applied.gone = error.isGone();
  applied.error_number = error.sys_errno;
  applied.reason = error.message;
  const std::string_view controller = specOf(setting).controller;
  if (error.sys_errno == ENOENT && applied.state == State::Unsupported && !controller.empty()) {
    applied.reason +=
        ": the kernel lacks it, or the controller " + std::string(controller) + " is not enabled there";
  }
}

// Fills in what the kernel shows. `otherwise` is the state of a value that is not the wanted one.
void judge(Applied& applied, const Comparison& seen, State otherwise) {
  applied.actual = seen.actual;
  applied.state = seen.outcome == Comparison::Outcome::Equal ? State::Applied : otherwise;
  if (applied.state == State::Applied) return;
  if (seen.outcome == Comparison::Outcome::Invalid) {
    applied.reason = "the kernel took it and marked it invalid: " + seen.reason;
  } else if (otherwise == State::Drifted) {
    applied.reason = "somebody else wrote " + seen.actual;
  } else if (!seen.reason.empty()) {
    applied.reason = seen.reason;
  } else {
    applied.reason = "the kernel keeps " + seen.actual;
  }
}

void addAncestors(Applied& applied, const Subject& subject, const PlannedSetting& setting) {
  if (specOf(setting).target != Target::CgroupFile) return;
  applied.ancestors = subject.cgroup.ancestors(setting.request.setting.file);
}

// Refused by the kernel: what it holds now is shown, since it may have taken a part.
void setRefused(Applied& applied, const base::Error& error, const Subject& subject,
                const PlannedSetting& setting) {
  setFailed(applied, error, setting);
  if (applied.gone) return;
  if (auto now = readSetting(subject, setting)) applied.actual = compare(setting, *now).actual;
}

}  // namespace

Applied applySetting(const Subject& subject, const PlannedSetting& setting) {
  Applied applied;
  auto text = readSetting(subject, setting);
  if (!text) {
    setFailed(applied, text.error(), setting);
    return applied;
  }
  applied.found = *text;
  Comparison seen = compare(setting, *text);
  if (seen.outcome != Comparison::Outcome::Equal && !isAsAdjusted(setting, seen)) {
    applied.written = true;
    if (Status written = writeSetting(subject, setting); !written) {
      setRefused(applied, written.error(), subject, setting);
      return applied;
    }
    text = readSetting(subject, setting);
    if (!text) {
      setFailed(applied, text.error(), setting);
      return applied;
    }
    seen = compare(setting, *text);
  }
  judge(applied, seen, State::Adjusted);
  addAncestors(applied, subject, setting);
  return applied;
}

Applied observeSetting(const Subject& subject, const PlannedSetting& setting) {
  Applied applied;
  auto text = readSetting(subject, setting);
  if (!text) {
    setFailed(applied, text.error(), setting);
    return applied;
  }
  applied.found = *text;
  const Comparison seen = compare(setting, *text);
  const bool never_applied = setting.state == State::Pending || setting.state == State::Failed ||
                             setting.state == State::Unsupported;
  judge(applied, seen, never_applied || isAsAdjusted(setting, seen) ? State::Adjusted : State::Drifted);
  addAncestors(applied, subject, setting);
  return applied;
}

void record(const Applied& applied, PlannedSetting& setting) {
  setting.state = applied.state;
  setting.reason = applied.reason;
  setting.error_number = applied.error_number;
  setting.actual = applied.actual;
  if (!setting.found && applied.written) setting.found = applied.found;
}

}  // namespace plimsoll::cgroup
