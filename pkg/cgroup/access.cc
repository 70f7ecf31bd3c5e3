#include "pkg/cgroup/access.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "pkg/cgroup/scheduling.h"

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

// --- settings of threads

bool isOfThreads(const PlannedSetting& setting) {
  const Target target = specOf(setting).target;
  return target == Target::IoPriority || target == Target::Scheduler;
}

bool isDeadline(const PlannedSetting& setting) {
  const auto* value = std::get_if<model::Scheduler>(&setting.value);
  return value != nullptr && value->policy == model::SchedulingPolicy::Deadline;
}

Result<Value> valueOf(pid_t tid, const PlannedSetting& setting) {
  if (specOf(setting).target == Target::IoPriority)
    return ioPriorityOf(tid).map([](auto v) { return Value(v); });
  return schedulerOf(tid).map([](auto v) { return Value(v); });
}

Status setValue(pid_t tid, const PlannedSetting& setting) {
  if (const auto* value = std::get_if<model::IoPriority>(&setting.value)) return setIoPriority(tid, *value);
  if (const auto* value = std::get_if<model::Scheduler>(&setting.value)) return setScheduler(tid, *value);
  return base::error(ErrorCode::Internal, setting.request.setting.key + " is nothing that a thread has");
}

// That of the first thread which differs from what is wanted, else the one they share.
Result<std::string> readThreads(const Process& process, const PlannedSetting& setting) {
  std::optional<Value> shown;
  RETURN_IF_ERROR(process.forEachThread([&](pid_t tid) -> Status {
    if (isDeadline(setting) && tid != process.pid()) return base::ok();
    ASSIGN_OR_RETURN(Value value, valueOf(tid, setting));
    if (!shown || *shown == setting.value) shown = std::move(value);
    return base::ok();
  }));
  if (!shown) return base::error(ErrorCode::NotFound, "the process has no thread (any more)");
  return model::kernelWrites(specOf(setting), *shown).front();
}

Status writeThreads(const Process& process, const PlannedSetting& setting) {
  return process.forEachThread([&](pid_t tid) -> Status {
    if (isDeadline(setting) && tid != process.pid()) return base::ok();
    ASSIGN_OR_RETURN(const Value value, valueOf(tid, setting));
    if (value == setting.value) return base::ok();
    return setValue(tid, setting);
  });
}

// --- settings of processes

Result<std::string> readOf(const Process& process, const PlannedSetting& setting) {
  if (isOfThreads(setting)) return readThreads(process, setting);
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
  if (isOfThreads(setting)) return writeThreads(process, setting);
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

Result<std::vector<pid_t>> processesOf(const ContainerCgroup& cgroup, int64_t pid, bool first_only) {
  ASSIGN_OR_RETURN(std::vector<pid_t> pids, cgroup.pids());
  if (pids.empty() && pid > 0) pids.push_back(static_cast<pid_t>(pid));
  if (!first_only || pids.empty()) return pids;
  const bool known = std::find(pids.begin(), pids.end(), pid) != pids.end();
  return std::vector<pid_t>{known ? static_cast<pid_t>(pid) : *std::min_element(pids.begin(), pids.end())};
}

// Calls `visit` for each process that the setting is for. One that ended meanwhile, or left the cgroup, is
// passed over; the first other error is given back when all were visited. NotFound: there was none at all.
Status forEachProcess(const ContainerCgroup& cgroup, const sys::HostRoots& roots, int64_t pid,
                      const PlannedSetting& setting, const std::function<Status(const Process&)>& visit) {
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, processesOf(cgroup, pid, isDeadline(setting)));
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

// A child forked by a process or thread that was not yet written has the old value; one forked by the others
// has the new one. So each round finds fewer, and a round that found none ends it. The limit is for a
// container that forks faster than we look; its next look writes the rest.
constexpr int kMostRounds = 8;

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
  RETURN_IF_ERROR(forEachProcess(cgroup_, roots_, pid_, setting, [&](const Process& process) -> Status {
    ASSIGN_OR_RETURN(std::string text, readOf(process, setting));
    if (!shown || (isEqual(setting, *shown) && !isEqual(setting, text))) shown = std::move(text);
    return base::ok();
  }));
  return *std::move(shown);
}

Status ProcessAccess::write(const PlannedSetting& setting) const {
  for (int round = 0; round < kMostRounds; ++round) {
    bool written = false;
    RETURN_IF_ERROR(forEachProcess(cgroup_, roots_, pid_, setting, [&](const Process& process) -> Status {
      auto text = readOf(process, setting);
      if (text && isEqual(setting, *text)) return base::ok();
      written = true;
      return writeTo(process, setting);
    }));
    if (!written) break;
  }
  return base::ok();
}

}  // namespace plimsoll::cgroup
