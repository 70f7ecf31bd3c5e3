// Scheduling policy and io priority of one thread. The caller makes sure that the number is still the thread
// it means: Process::forEachThread(). Any thread.
//
// Errors: gone (ESRCH); EPERM with what is missing.
#pragma once

#include <sys/types.h>

#include "pkg/base/result.h"
#include "pkg/model/value.h"

namespace plimsoll::cgroup {

base::Result<model::IoPriority> ioPriorityOf(pid_t tid);
base::Status setIoPriority(pid_t tid, const model::IoPriority& value);

base::Result<model::Scheduler> schedulerOf(pid_t tid);
// A thread with a deadline may not have children that inherit it, so there they start without
// (SCHED_FLAG_RESET_ON_FORK); every other policy is inherited.
base::Status setScheduler(pid_t tid, const model::Scheduler& value);

}  // namespace plimsoll::cgroup
