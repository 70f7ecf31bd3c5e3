#include "pkg/policy/policy.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "pkg/policy/contradictions.h"
#include "pkg/policy/rules.h"
#include "pkg/policy/stage.h"
#include "pkg/policy/verdict.h"

namespace plimsoll::policy {
namespace {

using model::Plan;
using model::PlannedSetting;
using model::PodIntent;
using model::Request;
using model::ScopeIntent;
using model::SourceKind;
using model::Stage;
using model::State;
using Wishes = std::vector<const Request*>;
using InForce = std::vector<const PlannedSetting*>;

// A wish for us in particular. An annotation of others is a wish, but not one that a container is kept from
// starting for.
bool isPods(SourceKind kind) {
  return kind != SourceKind::Class && kind != SourceKind::NodeDefault &&
         kind != SourceKind::ForeignAnnotation;
}

// Where the owner does not want traffic control, his classes ask for none, and an annotation of others is for
// those others.
void dropSilentTraffic(Wishes& wishes, const model::NodeFacts& node) {
  if (node.traffic) return;
  std::erase_if(wishes, [](const Request* wish) {
    return wish->setting.spec->target == model::Target::Traffic && !isPods(wish->source.kind);
  });
}

const ScopeIntent* scopeOf(const PodIntent& intent, std::string_view container) {
  auto it = intent.containers.find(container);
  return it == intent.containers.end() ? nullptr : &it->second;
}

void append(Wishes& wishes, const std::vector<Request>& requests) {
  for (const Request& request : requests) {
    // class, on-error and policy steer Plimsoll and are no kernel state.
    if (request.setting.spec->target != model::Target::Plimsoll) wishes.push_back(&request);
  }
}

// By the table's order, then the key; of one key the most specific first.
void sortWishes(Wishes& wishes) {
  std::stable_sort(wishes.begin(), wishes.end(), [](const Request* a, const Request* b) {
    return std::tie(a->setting.spec, a->setting.key, a->source.kind) <
           std::tie(b->setting.spec, b->setting.key, b->source.kind);
  });
}

void appendClass(Wishes& wishes, const model::NodePolicy& policy, const std::string& name) {
  auto it = policy.classes.find(name);
  if (it != policy.classes.end()) append(wishes, it->second.settings);
}

// The class that the pod as a whole has, whatever class one container has.
std::string podsClass(const Inputs& inputs) {
  const ScopeIntent& pod = inputs.intent.pod;
  if (pod.class_name && decideClass(*pod.class_name, pod.class_source, inputs).state == State::Pending)
    return *pod.class_name;
  return inputs.policy.default_class.value_or("");
}

// What the owner gives. A pod's namespaces go by the pod's class, so that its containers do not take turns at
// writing different values.
Wishes ownersWishes(const Inputs& inputs, const std::string& class_name) {
  Wishes all, owners;
  appendClass(all, inputs.policy, class_name);
  std::erase_if(all, [](const Request* wish) { return model::isPodWide(wish->setting); });
  appendClass(owners, inputs.policy, podsClass(inputs));
  std::erase_if(owners, [](const Request* wish) { return !model::isPodWide(wish->setting); });
  owners.insert(owners.end(), all.begin(), all.end());
  append(owners, inputs.policy.defaults);
  return owners;
}

// The class in force and those that were asked for in vain. In the end there is the owner's default.
std::string chooseClass(const Inputs& inputs, const ScopeIntent* own, std::vector<PlannedSetting>& against) {
  for (const ScopeIntent* scope : {own, &inputs.intent.pod}) {
    if (!scope || !scope->class_name) continue;
    PlannedSetting asked = decideClass(*scope->class_name, scope->class_source, inputs);
    if (asked.state == State::Pending) return *scope->class_name;
    against.push_back(std::move(asked));
  }
  return inputs.policy.default_class.value_or("");
}

// Why wishes are not in force although each for itself might be.
using Struck = std::map<const Request*, std::string>;

// One setting for each wish until, for its key, one is in force.
std::vector<PlannedSetting> choose(const Wishes& wishes, const Wishes& owners, const Inputs& inputs,
                                   const Struck& struck) {
  std::vector<PlannedSetting> chosen;
  chosen.reserve(wishes.size() + 2);  // and what may be said of the class
  const std::string* settled = nullptr;
  for (const Request* wish : wishes) {
    if (settled && *settled == wish->setting.key) continue;
    PlannedSetting setting = decide(*wish, owners, inputs);
    if (auto it = struck.find(wish); it != struck.end() && setting.state == State::Pending) {
      setting.state = State::Refused;
      setting.reason = it->second;
    }
    if (setting.state == State::Pending) settled = &wish->setting.key;
    chosen.push_back(std::move(setting));
  }
  return chosen;
}

InForce inForce(const std::vector<PlannedSetting>& settings) {
  InForce in_force;
  for (const PlannedSetting& setting : settings) {
    if (setting.state == State::Pending) in_force.push_back(&setting);
  }
  return in_force;
}

const Request* wishOf(const Wishes& wishes, const Struck& struck, const PlannedSetting& setting) {
  for (const Request* wish : wishes) {
    if (!struck.contains(wish) && wish->setting.key == setting.request.setting.key &&
        wish->source.kind == setting.request.source.kind && wish->value == setting.request.value) {
      return wish;
    }
  }
  return nullptr;
}

// Strikes what contradicts until nothing does. Ends, since each round strikes at least one wish more.
std::vector<PlannedSetting> chooseConsistent(const Wishes& wishes, const Wishes& owners,
                                             const Inputs& inputs) {
  Struck struck;
  for (;;) {
    std::vector<PlannedSetting> chosen = choose(wishes, owners, inputs, struck);
    const size_t before = struck.size();
    for (Contradiction& found : findContradictions(inForce(chosen), inputs.container)) {
      if (const Request* wish = wishOf(wishes, struck, *found.loser))
        struck.emplace(wish, std::move(found.reason));
    }
    if (struck.size() == before) return chosen;
  }
}

// By the table's order, then the key; of one key the one in force first. Sorts indices: a setting is large to
// move about.
std::vector<PlannedSetting> sorted(std::vector<PlannedSetting> settings) {
  const auto rank = [&settings](size_t i) {
    const PlannedSetting& s = settings[i];
    return std::make_tuple(s.request.setting.spec, std::string_view(s.request.setting.key),
                           model::isDecidedAgainst(s.state), s.request.source.kind, i);
  };
  std::vector<size_t> order(settings.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto before = [&rank](size_t a, size_t b) { return rank(a) < rank(b); };
  if (std::is_sorted(order.begin(), order.end(), before)) return settings;
  std::sort(order.begin(), order.end(), before);
  std::vector<PlannedSetting> result;
  result.reserve(settings.size());
  for (size_t i : order) result.push_back(std::move(settings[i]));
  return result;
}

model::OnError onError(const Inputs& inputs, const ScopeIntent* own) {
  if (own && own->on_error) return *own->on_error;
  return inputs.intent.pod.on_error.value_or(inputs.policy.default_on_error);
}

std::string sentence(const Inputs& inputs, std::string_view key, std::string_view value,
                     std::string_view reason) {
  std::string text = "plimsoll: pod " + inputs.pod.ns + "/" + inputs.pod.name + ", container " +
                     inputs.container.name + ": ";
  text.append(key);
  if (!value.empty()) text.append(" = ").append(value);
  return text.append(": ").append(reason).append(" (on-error: reject)");
}

// With on-error: reject, the first thing the pod asked for that it will not get.
std::optional<std::string> rejection(const Plan& plan, const Inputs& inputs) {
  if (plan.on_error != model::OnError::Reject) return std::nullopt;
  for (const PlannedSetting& setting : plan.settings) {
    if (!isPods(setting.request.source.kind) || !model::isDecidedAgainst(setting.state)) continue;
    return sentence(inputs, setting.request.source.where, setting.request.raw, setting.reason);
  }
  if (plan.problems.empty()) return std::nullopt;
  // A problem's message quotes the value.
  const model::Problem& problem = plan.problems.front();
  return sentence(inputs, problem.key, "", problem.message);
}

bool sameWish(const PlannedSetting& a, const PlannedSetting& b) {
  return a.request.setting.key == b.request.setting.key &&
         model::isDecidedAgainst(a.state) == model::isDecidedAgainst(b.state);
}

// What was seen of the setting before stays known.
void keep(PlannedSetting& setting, const PlannedSetting& old) {
  if (model::isDecidedAgainst(setting.state)) {
    if (old.state == setting.state && old.reason == setting.reason) setting.changed_at = old.changed_at;
    return;
  }
  setting.found = old.found;
  if (setting.value != old.value) return;
  setting.state = old.state;
  setting.stage = old.stage;
  setting.reason = old.reason;
  setting.error_number = old.error_number;
  setting.actual = old.actual;
  setting.binding = old.binding;
  setting.changed_at = old.changed_at;
}

}  // namespace

bool isIgnored(const model::NodePolicy& policy, std::string_view pod_namespace) {
  const auto& patterns = policy.ignored_namespaces;
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return matchesPattern(p, pod_namespace); });
}

Wishes wishes(const PodIntent& intent, std::string_view container, const model::NodePolicy& policy) {
  Wishes all;
  const ScopeIntent* own = scopeOf(intent, container);
  if (own) append(all, own->requests);
  append(all, intent.pod.requests);
  if (own && own->class_name) appendClass(all, policy, *own->class_name);
  if (intent.pod.class_name) appendClass(all, policy, *intent.pod.class_name);
  if (policy.default_class) appendClass(all, policy, *policy.default_class);
  append(all, policy.defaults);
  sortWishes(all);
  return all;
}

Plan makePlan(const Inputs& inputs) {
  Plan plan;
  if (isIgnored(inputs.policy, inputs.pod.ns)) return plan;
  const ScopeIntent* own = scopeOf(inputs.intent, inputs.container.name);
  plan.on_error = onError(inputs, own);
  std::vector<PlannedSetting> settings;
  plan.class_name = chooseClass(inputs, own, settings);

  const Wishes owners = ownersWishes(inputs, plan.class_name);
  Wishes all;
  if (own) append(all, own->requests);
  append(all, inputs.intent.pod.requests);
  all.insert(all.end(), owners.begin(), owners.end());
  dropSilentTraffic(all, inputs.node);
  sortWishes(all);

  std::vector<PlannedSetting> chosen = chooseConsistent(all, owners, inputs);
  const InForce in_force = inForce(chosen);
  for (PlannedSetting& setting : chosen) {
    if (setting.state != State::Pending) continue;
    setting.stage = stageOf(setting, in_force, inputs.pod, inputs.container, inputs.node);
    setting.caveat = withoutEffect(setting, in_force, inputs.container);
  }
  if (!settings.empty()) {
    chosen.insert(chosen.end(), std::make_move_iterator(settings.begin()),
                  std::make_move_iterator(settings.end()));
  }
  plan.settings = sorted(std::move(chosen));
  for (const model::Problem& problem : inputs.intent.problems) {
    if (problem.container.empty() || problem.container == inputs.container.name)
      plan.problems.push_back(problem);
  }
  plan.rejection = rejection(plan, inputs);
  return plan;
}

Plan replan(const Plan& old, const Inputs& inputs) {
  Plan plan = makePlan(inputs);
  plan.rejection.reset();
  for (PlannedSetting& setting : plan.settings) {
    if (setting.stage == Stage::Create) setting.stage = Stage::Start;
    for (const PlannedSetting& before : old.settings) {
      if (!sameWish(setting, before)) continue;
      keep(setting, before);
      break;
    }
  }
  return plan;
}

}  // namespace plimsoll::policy
