#include "pkg/cgroup/scheduling.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

namespace plimsoll::cgroup {
namespace {

using base::Result;
using base::Status;
using model::IoPriority;
using model::Scheduler;
using model::SchedulingPolicy;

// Neither has a wrapper in the C library.
struct PolicyNumber {
  SchedulingPolicy policy;
  uint32_t number;
};
constexpr PolicyNumber kPolicies[] = {
    {SchedulingPolicy::Other, SCHED_NORMAL},  {SchedulingPolicy::Batch, SCHED_BATCH},
    {SchedulingPolicy::Idle, SCHED_IDLE},     {SchedulingPolicy::Fifo, SCHED_FIFO},
    {SchedulingPolicy::RoundRobin, SCHED_RR}, {SchedulingPolicy::Deadline, SCHED_DEADLINE},
};

// include/uapi/linux/ioprio.h, which is no C++ in newer releases.
constexpr int kClassNone = 0, kClassRealTime = 1, kClassBestEffort = 2, kClassIdle = 3;
constexpr int kClassShift = 13;
constexpr int kWhoProcess = 1;

struct ClassNumber {
  IoPriority::Class priority_class;
  int number;
};
constexpr ClassNumber kClasses[] = {
    {IoPriority::Class::None, kClassNone},
    {IoPriority::Class::RealTime, kClassRealTime},
    {IoPriority::Class::BestEffort, kClassBestEffort},
    {IoPriority::Class::Idle, kClassIdle},
};

// The low bits of the level; above them newer kernels have hints (include/uapi/linux/ioprio.h).
constexpr int kLevelMask = 7;
constexpr uint64_t kNanoseconds = 1000;

std::string threadName(pid_t tid) { return "thread " + std::to_string(tid); }

Status failed(int err, const std::string& what) {
  auto error = base::errnoError(err, what);
  if (err == EPERM) error.value().message += " (needs CAP_SYS_NICE)";
  return error;
}

bool hasNice(SchedulingPolicy policy) {
  return policy == SchedulingPolicy::Other || policy == SchedulingPolicy::Batch;
}

}  // namespace

Result<IoPriority> ioPriorityOf(pid_t tid) {
  const long raw = syscall(SYS_ioprio_get, kWhoProcess, tid);
  if (raw < 0) return base::errnoError(errno, "read the io priority of " + threadName(tid));
  IoPriority value;
  const int number = static_cast<int>(raw) >> kClassShift;
  for (const ClassNumber& entry : kClasses) {
    if (entry.number == number) value.priority_class = entry.priority_class;
  }
  const bool has_level = value.priority_class == IoPriority::Class::RealTime ||
                         value.priority_class == IoPriority::Class::BestEffort;
  if (has_level) value.level = static_cast<int>(raw) & kLevelMask;
  return value;
}

Status setIoPriority(pid_t tid, const IoPriority& value) {
  int number = kClassNone;
  for (const ClassNumber& entry : kClasses) {
    if (entry.priority_class == value.priority_class) number = entry.number;
  }
  if (syscall(SYS_ioprio_set, kWhoProcess, tid, (number << kClassShift) | value.level) == 0)
    return base::ok();
  return failed(errno, "set the io priority of " + threadName(tid));
}

Result<Scheduler> schedulerOf(pid_t tid) {
  sched_attr attributes{};
  if (syscall(SYS_sched_getattr, tid, &attributes, sizeof attributes, 0) != 0)
    return base::errnoError(errno, "read the scheduling policy of " + threadName(tid));
  for (const PolicyNumber& entry : kPolicies) {
    if (entry.number != attributes.sched_policy) continue;
    Scheduler value{entry.policy};
    if (hasNice(value.policy)) value.nice = attributes.sched_nice;
    value.priority = static_cast<int>(attributes.sched_priority);
    if (value.policy == SchedulingPolicy::Deadline) {
      value.runtime_us = static_cast<int64_t>(attributes.sched_runtime / kNanoseconds);
      value.deadline_us = static_cast<int64_t>(attributes.sched_deadline / kNanoseconds);
      value.period_us = static_cast<int64_t>(attributes.sched_period / kNanoseconds);
    }
    return value;
  }
  // sched_ext: a scheduler of the node's owner has the thread.
  return base::error(base::ErrorCode::Unimplemented, threadName(tid) + " has the scheduling policy " +
                                                         std::to_string(attributes.sched_policy) +
                                                         ", which is not known here");
}

Status setScheduler(pid_t tid, const Scheduler& value) {
  sched_attr attributes{};
  attributes.size = sizeof attributes;
  for (const PolicyNumber& entry : kPolicies) {
    if (entry.policy == value.policy) attributes.sched_policy = entry.number;
  }
  attributes.sched_nice = value.nice;
  attributes.sched_priority = static_cast<uint32_t>(value.priority);
  if (value.policy == SchedulingPolicy::Deadline) {
    attributes.sched_flags = SCHED_FLAG_RESET_ON_FORK;
    attributes.sched_runtime = static_cast<uint64_t>(value.runtime_us) * kNanoseconds;
    attributes.sched_deadline = static_cast<uint64_t>(value.deadline_us) * kNanoseconds;
    attributes.sched_period = static_cast<uint64_t>(value.period_us) * kNanoseconds;
  }
  if (syscall(SYS_sched_setattr, tid, &attributes, 0) == 0) return base::ok();
  return failed(errno, "set the scheduling policy of " + threadName(tid));
}

}  // namespace plimsoll::cgroup
