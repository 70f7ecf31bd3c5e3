#include "pkg/policy/verdict.h"

#include <algorithm>

#include "pkg/model/quantity.h"
#include "pkg/policy/baseline.h"
#include "pkg/policy/rules.h"
#include "pkg/policy/support.h"

namespace plimsoll::policy {
namespace {

using model::Permission;
using model::PlannedSetting;
using model::Request;
using model::SettingSpec;
using model::State;
using model::Value;

bool isOwners(const Request& request) {
  return request.source.kind == model::SourceKind::Class ||
         request.source.kind == model::SourceKind::NodeDefault;
}

void settle(PlannedSetting& setting, State state, std::string reason, std::string rule = {}) {
  setting.state = state;
  setting.reason = std::move(reason);
  setting.rule = std::move(rule);
}

// What the pod has without asking, and who gave it.
struct Given {
  Value value;
  std::string giver;
};

// The most generous of what kubelet and owner gave; `more` says which of two values is more generous.
template <typename More>
Given mostGiven(const Request& request, const OwnersSettings& owners, const Inputs& inputs,
                const More& more) {
  Given given{kubeletValue(request.setting, inputs.pod, inputs.container), "the kubelet"};
  for (const Request* owner : owners) {
    if (owner->setting.key != request.setting.key || !more(owner->value, given.value)) continue;
    given.value = owner->value;
    const bool by_class = owner->source.kind == model::SourceKind::Class;
    given.giver = by_class ? "the class " + owner->source.where : "the node's default";
  }
  return given;
}

std::string needsRule(const SettingSpec& spec) {
  std::string text = "needs a rule in the node's configuration";
  if (!spec.hurts.empty()) text.append(": ").append(spec.hurts);
  return text;
}

// Free up to what is given; `within` says whether the first value asks for no more than the second.
template <typename Within>
std::optional<std::string> beyondGiven(const Request& request, const OwnersSettings& owners,
                                       const Inputs& inputs, std::string_view side, const Within& within) {
  const SettingSpec& spec = *request.setting.spec;
  const auto more = [&within](const Value& a, const Value& b) { return !within(a, b); };
  const Given given = mostGiven(request, owners, inputs, more);
  if (within(request.value, given.value)) return std::nullopt;
  return model::formatValue(spec, request.value) + " is " + std::string(side) + " the " +
         model::formatValue(spec, given.value) + " of " + given.giver + " and " + needsRule(spec);
}

bool givenByOwner(const Request& request, const OwnersSettings& owners) {
  return std::any_of(owners.begin(), owners.end(), [&request](const Request* owner) {
    return owner->setting.key == request.setting.key && owner->value == request.value;
  });
}

bool isFreeWord(const Request& request) {
  const auto* word = std::get_if<model::Word>(&request.value);
  const auto& free = request.setting.spec->free_words;
  return word && std::find(free.begin(), free.end(), word->word) != free.end();
}

// Why the table's permission does not let the pod have it; nullopt: it does.
std::optional<std::string> beyondDefault(const Request& request, const OwnersSettings& owners,
                                         const Inputs& inputs) {
  const SettingSpec& spec = *request.setting.spec;
  if (givenByOwner(request, owners) || isFreeWord(request)) return std::nullopt;
  switch (spec.permission) {
    case Permission::Free:
      return std::nullopt;
    case Permission::LowerOnly:
      return beyondGiven(request, owners, inputs, "above",
                         [&spec](const Value& a, const Value& b) { return compareGiven(spec, a, b) <= 0; });
    case Permission::RaiseOnly:
      return beyondGiven(request, owners, inputs, "below",
                         [&spec](const Value& a, const Value& b) { return compareGiven(spec, a, b) >= 0; });
    case Permission::RuleOnly:
      break;
  }
  return needsRule(spec);
}

// No rule and no class changes what all pods of the node share.
std::optional<std::string> sharedWithNode(const Request& request, const model::PodFacts& pod) {
  switch (model::actsIn(request.setting)) {
    case model::ActsIn::NetworkNamespace:
      if (pod.host_network)
        return "the pod uses the node's own network namespace (hostNetwork), where it would hold for all";
      break;
    case model::ActsIn::IpcNamespace:
      if (pod.host_ipc)
        return "the pod uses the node's own IPC namespace (hostIPC), where it would hold for all";
      break;
    default:
      break;
  }
  return std::nullopt;
}

void permit(PlannedSetting& setting, const OwnersSettings& owners, const Inputs& inputs) {
  const Request& request = setting.request;
  if (isOwners(request)) return;
  if (auto said = askRules(inputs.policy, inputs.pod, request.setting, request.value)) {
    return settle(setting, said->allowed ? State::Pending : State::Refused, said->reason, said->rule);
  }
  if (auto reason = beyondDefault(request, owners, inputs)) settle(setting, State::Refused, *reason);
}

void resolve(PlannedSetting& setting, const Devices& devices) {
  auto resolved = model::resolveDevices(setting.value, devices);
  if (resolved) {
    setting.value = *std::move(resolved);
    return;
  }
  // A name that stands for nothing is the writer's mistake; a file system without a device is the node's.
  const base::Error& error = resolved.error();
  const bool mistaken =
      error.code == base::ErrorCode::NotFound || error.code == base::ErrorCode::InvalidArgument;
  settle(setting, mistaken ? State::Invalid : State::Unsupported, error.message);
  setting.error_number = error.sys_errno;
}

std::string joinedNames(const model::SeccompProfiles& profiles) {
  std::string list;
  for (const auto& [name, profile] : profiles) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

void checkProfile(PlannedSetting& setting, const Inputs& inputs) {
  const auto* name = std::get_if<model::Word>(&setting.value);
  if (setting.request.setting.spec->target != model::Target::Seccomp || !name) return;
  const model::SeccompProfiles& profiles = inputs.policy.seccomp_profiles;
  if (profiles.contains(name->word)) return;
  const std::string list = joinedNames(profiles);
  settle(setting, State::Invalid,
         "this node has no seccomp profile " + model::inQuotes(name->word) +
             (list.empty() ? "; it has none" : " (known: " + list + ")"),
         setting.rule);
}

// What only the runtime can give a container, when it creates it.
void checkCarrier(PlannedSetting& setting, const Inputs& inputs) {
  const model::SettingSpec& spec = *setting.request.setting.spec;
  const bool filter = spec.target == model::Target::Seccomp;
  if (!filter && spec.target != model::Target::Namespace) return;
  if (inputs.node.nri_carriers.contains(spec.carrier)) return;
  settle(setting, State::Unsupported,
         "only the runtime can set it, and the NRI of this one (" + inputs.node.nri_version +
             ") carries no " + (filter ? "seccomp profile" : "namespaces") +
             "; 0.10 does (containerd 2.2.0, CRI-O 1.34)",
         setting.rule);
}

}  // namespace

PlannedSetting decide(const Request& request, const OwnersSettings& owners, const Inputs& inputs) {
  PlannedSetting setting;
  setting.request = request;
  setting.value = request.value;
  if (auto reason = sharedWithNode(request, inputs.pod)) {
    settle(setting, State::Refused, *reason);
    return setting;
  }
  permit(setting, owners, inputs);
  if (setting.state != State::Pending) return setting;
  if (auto reason = unsupportedReason(request.setting, request.value, inputs.node)) {
    settle(setting, State::Unsupported, *reason, setting.rule);
    return setting;
  }
  checkProfile(setting, inputs);
  if (setting.state == State::Pending) checkCarrier(setting, inputs);
  if (setting.state == State::Pending) resolve(setting, inputs.devices);
  return setting;
}

PlannedSetting decideClass(const std::string& name, const model::Source& source, const Inputs& inputs) {
  PlannedSetting setting;
  setting.request = {*model::findSetting(model::kClassKey), name, model::Word{name}, source};
  setting.value = setting.request.value;
  const auto& classes = inputs.policy.classes;
  if (classes.contains(name)) {
    permit(setting, {}, inputs);
    return setting;
  }
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& [known, definition] : classes) {
    list.append(names.empty() ? "" : ", ").append(known);
    names.push_back(known);
  }
  std::string reason = "this node has no class " + model::inQuotes(name);
  if (auto near = model::nearest(name, names)) reason.append("; did you mean ").append(*near).append("?");
  settle(setting, State::Invalid, reason + (list.empty() ? "; it has none" : " (known: " + list + ")"));
  return setting;
}

}  // namespace plimsoll::policy
