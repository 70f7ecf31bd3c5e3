#include "pkg/model/priority_text.h"

#include <tuple>

#include "pkg/base/parse.h"
#include "pkg/model/quantity.h"

namespace plimsoll::model {
namespace {

using base::invalidArgument;
using base::Result;

constexpr int kLevels = 8;        // IOPRIO_NR_LEVELS
constexpr int kDefaultLevel = 4;  // IOPRIO_BE_NORM
constexpr int kLowestNice = -20, kHighestNice = 19;
constexpr int kMostPriority = 99;
// Less than this the kernel does not take for a deadline's run time (DL_SCALE, 1024 ns).
constexpr int64_t kLeastRuntimeUs = 2;

struct PolicyName {
  std::string_view name;
  SchedulingPolicy policy;
};
constexpr PolicyName kPolicies[] = {
    {"other", SchedulingPolicy::Other},   {"batch", SchedulingPolicy::Batch},
    {"idle", SchedulingPolicy::Idle},     {"fifo", SchedulingPolicy::Fifo},
    {"rr", SchedulingPolicy::RoundRobin}, {"deadline", SchedulingPolicy::Deadline},
};

std::string_view nameOf(SchedulingPolicy policy) {
  for (const PolicyName& entry : kPolicies) {
    if (entry.policy == policy) return entry.name;
  }
  return "";
}

// "fifo:10": the word before the colon and what follows; `has` tells "other:" from "other".
struct Parts {
  std::string_view word, rest;
  bool has = false;
};
Parts splitColon(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

Result<int> number(std::string_view text, int least, int most, const char* what) {
  const auto value = base::parseInt<int>(text);
  if (!value || *value < least || *value > most) {
    return invalidArgument("has a " + std::string(what) + " that is not a number from " +
                           std::to_string(least) + " to " + std::to_string(most));
  }
  return *value;
}

// "10ms/30ms/100ms": run time, deadline, period.
Result<Scheduler> parseDeadline(std::string_view text) {
  const auto words = base::split(text, '/');
  if (words.size() != 3) return invalidArgument("wants three durations: run time, deadline and period");
  Scheduler value{SchedulingPolicy::Deadline};
  int64_t* const fields[] = {&value.runtime_us, &value.deadline_us, &value.period_us};
  for (size_t i = 0; i < 3; ++i) {
    auto duration = parseDuration(words[i]);
    if (!duration) return invalidArgument("has a duration that " + duration.error().message);
    *fields[i] = *duration;
  }
  const bool ordered = kLeastRuntimeUs <= value.runtime_us && value.runtime_us <= value.deadline_us &&
                       value.deadline_us <= value.period_us;
  // sched_deadline_period_max_us, as the kernel has it by default.
  if (!ordered || value.period_us > 4'194'304)
    return invalidArgument("wants run time <= deadline <= period <= 4s, from 2us");
  return value;
}

int levelOf(const IoPriority& value) {
  return value.priority_class == IoPriority::Class::None ? kDefaultLevel : value.level;
}

}  // namespace

Result<IoPriority> parseIoPriority(std::string_view text) {
  const Parts parts = splitColon(text);
  if (!parts.has && parts.word == "idle") return IoPriority{IoPriority::Class::Idle, 0};
  if (!parts.has && parts.word == "none") return IoPriority{IoPriority::Class::None, 0};
  IoPriority value;
  if (parts.word == "be") {
    value.priority_class = IoPriority::Class::BestEffort;
  } else if (parts.word == "rt") {
    value.priority_class = IoPriority::Class::RealTime;
  } else {
    return invalidArgument("is not an io priority");
  }
  if (!parts.has) return invalidArgument("lacks its level");
  ASSIGN_OR_RETURN(value.level, number(parts.rest, 0, kLevels - 1, "level"));
  return value;
}

std::string formatIoPriority(const IoPriority& value) {
  switch (value.priority_class) {
    case IoPriority::Class::None:
      return "none";
    case IoPriority::Class::Idle:
      return "idle";
    case IoPriority::Class::BestEffort:
      return "be:" + std::to_string(value.level);
    case IoPriority::Class::RealTime:
      return "rt:" + std::to_string(value.level);
  }
  return "";
}

std::partial_ordering order(const IoPriority& a, const IoPriority& b) {
  // Lower levels go first, so they are more.
  const auto rank = [](const IoPriority& v) {
    const bool idle = v.priority_class == IoPriority::Class::Idle;
    const bool real_time = v.priority_class == IoPriority::Class::RealTime;
    return std::make_tuple(idle ? 0 : real_time ? 2 : 1, idle ? 0 : -levelOf(v));
  };
  return rank(a) <=> rank(b);
}

Result<Scheduler> parseScheduler(std::string_view text) {
  const Parts parts = splitColon(text);
  const PolicyName* found = nullptr;
  for (const PolicyName& entry : kPolicies) {
    if (entry.name == parts.word) found = &entry;
  }
  if (found == nullptr) return invalidArgument("is not a scheduling policy");
  Scheduler value{found->policy};
  switch (value.policy) {
    case SchedulingPolicy::Other:
    case SchedulingPolicy::Batch: {
      if (!parts.has) return value;
      ASSIGN_OR_RETURN(value.nice, number(parts.rest, kLowestNice, kHighestNice, "nice value"));
      return value;
    }
    case SchedulingPolicy::Idle:
      if (parts.has) return invalidArgument("is idle already and takes no number");
      return value;
    case SchedulingPolicy::Fifo:
    case SchedulingPolicy::RoundRobin: {
      ASSIGN_OR_RETURN(value.priority, number(parts.rest, 1, kMostPriority, "priority"));
      return value;
    }
    case SchedulingPolicy::Deadline:
      break;
  }
  return parseDeadline(parts.rest);
}

std::string formatScheduler(const Scheduler& value) {
  std::string text(nameOf(value.policy));
  switch (value.policy) {
    case SchedulingPolicy::Other:
    case SchedulingPolicy::Batch:
      return value.nice == 0 ? text : text + ":" + std::to_string(value.nice);
    case SchedulingPolicy::Idle:
      return text;
    case SchedulingPolicy::Fifo:
    case SchedulingPolicy::RoundRobin:
      return text + ":" + std::to_string(value.priority);
    case SchedulingPolicy::Deadline:
      break;
  }
  return text + ":" + formatDuration(value.runtime_us) + "/" + formatDuration(value.deadline_us) + "/" +
         formatDuration(value.period_us);
}

std::partial_ordering order(const Scheduler& a, const Scheduler& b) {
  if (a == b) return std::partial_ordering::equivalent;
  const auto rank = [](const Scheduler& v) {
    switch (v.policy) {
      case SchedulingPolicy::Idle:
        return 0;
      case SchedulingPolicy::Batch:
        return 1;
      case SchedulingPolicy::Other:
        return 2;
      case SchedulingPolicy::Fifo:
      case SchedulingPolicy::RoundRobin:
        return 3;
      case SchedulingPolicy::Deadline:
        return 4;
    }
    return 0;
  };
  const int rank_a = rank(a), rank_b = rank(b);
  // Batch and other share the scale of nice: one that is nicer and batch is less in both respects.
  const bool fair = rank_a >= 1 && rank_a <= 2 && rank_b >= 1 && rank_b <= 2;
  if (fair) {
    const auto by_nice = b.nice <=> a.nice, by_policy = rank_a <=> rank_b;
    if (by_nice == 0) return by_policy;
    if (by_policy == 0 || by_policy == by_nice) return by_nice;
    return std::partial_ordering::unordered;
  }
  if (rank_a != rank_b) return rank_a <=> rank_b;
  if (rank_a == 3) return a.priority <=> b.priority;
  return std::partial_ordering::unordered;  // two deadlines
}

}  // namespace plimsoll::model
