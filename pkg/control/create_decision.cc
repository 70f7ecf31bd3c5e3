#include "pkg/control/create_decision.h"

namespace plimsoll::control {

namespace {

// "net.core.somaxconn" of "sysctl.net.core.somaxconn".
std::string sysctlName(const model::SettingKey& setting) {
  return setting.key.substr(setting.key.find('.') + 1);
}

}  // namespace

CreateDecision createDecision(const model::Plan& plan, const model::NodePolicy& policy) {
  CreateDecision decision;
  decision.rejection = plan.rejection;
  if (plan.rejection) return decision;
  for (const model::PlannedSetting& setting : plan.settings) {
    if (setting.state != model::State::Pending || setting.stage != model::Stage::Create) continue;
    const model::SettingKey& key = setting.request.setting;
    switch (key.spec->carrier) {
      case model::Carrier::Unified:
        // Stage::Create promises a single write.
        decision.unified.emplace_back(key.file, model::kernelWrites(*key.spec, setting.value).front());
        break;
      case model::Carrier::OomScoreAdj:
        decision.oom_score_adj = std::get<model::Number>(setting.value).value;
        break;
      case model::Carrier::Rlimit:
        decision.rlimits.push_back({key.file, std::get<model::Rlimit>(setting.value)});
        break;
      case model::Carrier::Sysctl:
        decision.sysctls.emplace_back(sysctlName(key), model::kernelWrites(*key.spec, setting.value).front());
        break;
      case model::Carrier::IoPriority:
        decision.io_priority = std::get<model::IoPriority>(setting.value);
        break;
      case model::Carrier::Scheduler:
        decision.scheduler = std::get<model::Scheduler>(setting.value);
        break;
      case model::Carrier::Seccomp:
        // Planned only where the node has the profile.
        decision.seccomp = policy.seccomp_profiles.at(std::get<model::Word>(setting.value).word);
        break;
      case model::Carrier::Namespace:
        decision.own_namespaces.push_back(key.file);
        break;
      case model::Carrier::None:
        break;
    }
  }
  return decision;
}

}  // namespace plimsoll::control
