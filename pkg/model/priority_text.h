// Text of io priorities and scheduling policies; internal to pkg/model. Errors are only the part after the
// quoted text ("is not ..."). Facts: ioprio_set(2), sched(7).
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/model/value.h"

namespace plimsoll::model {

constexpr std::string_view kIoPriorityForms = "be:0 to be:7, idle, or rt:0 to rt:7";
constexpr std::string_view kSchedulerForms =
    "other, other:5 (nice), batch, batch:5, idle, fifo:10, rr:10 or deadline:10ms/30ms/100ms";

base::Result<IoPriority> parseIoPriority(std::string_view text);
std::string formatIoPriority(const IoPriority& value);
std::partial_ordering order(const IoPriority& a, const IoPriority& b);

base::Result<Scheduler> parseScheduler(std::string_view text);
std::string formatScheduler(const Scheduler& value);
std::partial_ordering order(const Scheduler& a, const Scheduler& b);

}  // namespace plimsoll::model
