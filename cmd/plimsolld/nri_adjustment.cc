// What a creation request is to carry, in NRI's words.
#include "cmd/plimsolld/nri_handler.h"

namespace plimsoll::agent {
namespace {

namespace api = nri::api;

void carry(const model::IoPriority& value, api::LinuxIOPriority& out) {
  out.set_priority(value.level);
  switch (value.priority_class) {
    case model::IoPriority::Class::RealTime:
      return out.set_class_(api::LinuxIOPriority::CLASS_RT);
    case model::IoPriority::Class::BestEffort:
      return out.set_class_(api::LinuxIOPriority::CLASS_BE);
    case model::IoPriority::Class::Idle:
      return out.set_class_(api::LinuxIOPriority::CLASS_IDLE);
    case model::IoPriority::Class::None:
      return out.set_class_(api::LinuxIOPriority::CLASS_NONE);
  }
}

api::LinuxScheduler::Policy policyOf(model::SchedulingPolicy policy) {
  switch (policy) {
    case model::SchedulingPolicy::Other:
      return api::LinuxScheduler::POLICY_OTHER;
    case model::SchedulingPolicy::Batch:
      return api::LinuxScheduler::POLICY_BATCH;
    case model::SchedulingPolicy::Idle:
      return api::LinuxScheduler::POLICY_IDLE;
    case model::SchedulingPolicy::Fifo:
      return api::LinuxScheduler::POLICY_FIFO;
    case model::SchedulingPolicy::RoundRobin:
      return api::LinuxScheduler::POLICY_RR;
    case model::SchedulingPolicy::Deadline:
      return api::LinuxScheduler::POLICY_DEADLINE;
  }
  return api::LinuxScheduler::POLICY_NONE;
}

void carry(const model::Scheduler& value, api::LinuxScheduler& out) {
  constexpr uint64_t kNanoseconds = 1000;
  out.set_policy(policyOf(value.policy));
  out.set_nice(value.nice);
  out.set_priority(value.priority);
  out.set_runtime(static_cast<uint64_t>(value.runtime_us) * kNanoseconds);
  out.set_deadline(static_cast<uint64_t>(value.deadline_us) * kNanoseconds);
  out.set_period(static_cast<uint64_t>(value.period_us) * kNanoseconds);
}

void carry(const model::SeccompRule& rule, api::LinuxSyscall& out) {
  for (const std::string& name : rule.names) out.add_names(name);
  out.set_action(rule.action);
  if (rule.errno_ret) out.mutable_errno_ret()->set_value(*rule.errno_ret);
  for (const model::SeccompArgument& argument : rule.args) {
    api::LinuxSeccompArg& arg = *out.add_args();
    arg.set_index(argument.index);
    arg.set_value(argument.value);
    arg.set_value_two(argument.value_two);
    arg.set_op(argument.op);
  }
}

void carry(const model::SeccompProfile& profile, api::LinuxSeccomp& out) {
  out.set_default_action(profile.default_action);
  if (profile.default_errno) out.mutable_default_errno()->set_value(*profile.default_errno);
  for (const std::string& name : profile.architectures) out.add_architectures(name);
  for (const std::string& name : profile.flags) out.add_flags(name);
  for (const model::SeccompRule& rule : profile.rules) carry(rule, *out.add_syscalls());
}

}  // namespace

api::CreateContainerResponse adjustment(const control::CreateDecision& decision) {
  api::CreateContainerResponse response;
  if (decision.empty()) return response;
  api::ContainerAdjustment& adjust = *response.mutable_adjust();
  if (!decision.unified.empty()) {
    auto& unified = *adjust.mutable_linux()->mutable_resources()->mutable_unified();
    for (const auto& [file, value] : decision.unified) unified[file] = value;
  }
  if (decision.oom_score_adj) {
    adjust.mutable_linux()->mutable_oom_score_adj()->set_value(*decision.oom_score_adj);
  }
  for (const auto& [name, value] : decision.sysctls)
    (*adjust.mutable_linux()->mutable_sysctl())[name] = value;
  if (decision.io_priority) carry(*decision.io_priority, *adjust.mutable_linux()->mutable_io_priority());
  if (decision.seccomp) carry(*decision.seccomp, *adjust.mutable_linux()->mutable_seccomp_policy());
  // Without a path: a new one.
  for (const std::string& type : decision.own_namespaces)
    adjust.mutable_linux()->add_namespaces()->set_type(type);
  if (decision.scheduler) carry(*decision.scheduler, *adjust.mutable_linux()->mutable_scheduler());
  for (const control::CreateDecision::Rlimit& limit : decision.rlimits) {
    api::POSIXRlimit& rlimit = *adjust.add_rlimits();
    rlimit.set_type(limit.type);
    // RLIM_INFINITY is all ones in the OCI specification's unsigned fields.
    rlimit.set_soft(limit.value.soft == model::kMax ? UINT64_MAX : static_cast<uint64_t>(limit.value.soft));
    rlimit.set_hard(limit.value.hard == model::kMax ? UINT64_MAX : static_cast<uint64_t>(limit.value.hard));
  }
  return response;
}

}  // namespace plimsoll::agent
