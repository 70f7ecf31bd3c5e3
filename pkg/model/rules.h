// What the node's owner allows: classes, defaults and rules, as plain values. pkg/config reads them from
// YAML, pkg/policy decides by them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/model/intent.h"
#include "pkg/model/seccomp.h"

namespace plimsoll::model {

enum class QosClass { Guaranteed, Burstable, BestEffort };

// Whom a rule speaks of; every non-empty list must match. Namespaces and service accounts take a trailing
// "*".
struct Selector {
  std::vector<std::string> namespaces;
  std::vector<std::string> service_accounts;  // matches only where the service account is known
  std::vector<QosClass> qos_classes;
  std::map<std::string, std::string> pod_labels;
};

enum class RuleEffect { Allow, Refuse };

// One setting (or a group by trailing "*": "memory.*") within a rule, with bounds for it.
struct RuleSetting {
  std::string key;
  std::optional<Value> min, max;   // ordered types only
  std::vector<std::string> words;  // allowed words or class names; empty: any
};

// Rules are looked at in order and the first that matches pod and setting decides.
struct Rule {
  std::string name;
  Selector selector;
  RuleEffect effect = RuleEffect::Allow;
  std::vector<RuleSetting> settings;
};

struct ClassDef {
  std::string name;
  std::string description;
  std::vector<Request> settings;  // source: Class
};

// What happens when somebody else changes what we set.
enum class DriftMode {
  Enforce,  // written again
  Warn,     // shown and told, left as it is
  Yield,    // as Warn; and from now on it is theirs: nothing is put back at the end
};
std::string_view driftModeName(DriftMode mode);  // "enforce", as written in the node's configuration

struct DriftRules {
  // The first whose pattern ("cpu.max", "memory.*") matches decides; none: `otherwise`.
  std::vector<std::pair<std::string, DriftMode>> settings;
  // nullopt: Yield for the files that the kubelet owns, Enforce for the rest.
  std::optional<DriftMode> otherwise;
  // A value that was written again so often within the window is a fight, and we step back.
  int fight_rewrites = 5;
  std::chrono::milliseconds fight_window{60'000};
};

struct NodePolicy {
  std::map<std::string, ClassDef, std::less<>> classes;
  std::optional<std::string> default_class;
  std::vector<Request> defaults;  // source: NodeDefault
  std::vector<Rule> rules;
  SeccompProfiles seccomp_profiles;
  OnError default_on_error = OnError::Ignore;
  std::vector<std::string> ignored_namespaces;  // pods there are left alone altogether
  DriftRules drift;
  int64_t generation = 0;  // counts successful loads
};

}  // namespace plimsoll::model
