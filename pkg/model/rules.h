// What the node's owner allows: classes, defaults and rules, as plain values. pkg/config reads them from
// YAML, pkg/policy decides by them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/model/intent.h"

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

struct NodePolicy {
  std::map<std::string, ClassDef, std::less<>> classes;
  std::optional<std::string> default_class;
  std::vector<Request> defaults;  // source: NodeDefault
  std::vector<Rule> rules;
  OnError default_on_error = OnError::Ignore;
  std::vector<std::string> ignored_namespaces;  // pods there are left alone altogether
  int64_t generation = 0;                       // counts successful loads
};

}  // namespace plimsoll::model
