// The "rules" of a node configuration.
#include <algorithm>

#include "pkg/config/reader.h"
#include "pkg/model/quantity.h"

namespace plimsoll::config {
namespace {

using annotation::yaml::kindName;
using model::Rule;
using model::RuleEffect;
using model::RuleSetting;
using model::SettingSpec;
using model::ValueType;

constexpr std::string_view kRuleKeys[] = {"name", "match", "effect", "settings"};
constexpr std::string_view kMatchKeys[] = {"namespaces", "serviceAccounts", "qosClasses", "podLabels"};
constexpr std::string_view kSettingKeys[] = {"key", "min", "max", "words"};
constexpr std::string_view kQosNames[] = {"Guaranteed", "Burstable", "BestEffort"};

std::vector<model::QosClass> readQos(const Entry& entry, Problems& problems) {
  std::vector<model::QosClass> classes;
  for (const std::string& name : readTexts(entry, problems)) {
    if (name == "Guaranteed") {
      classes.push_back(model::QosClass::Guaranteed);
    } else if (name == "Burstable") {
      classes.push_back(model::QosClass::Burstable);
    } else if (name == "BestEffort") {
      classes.push_back(model::QosClass::BestEffort);
    } else {
      problems.add(entry.line, "there is no QoS class " + model::inQuotes(name) + " (Guaranteed, Burstable," +
                                   " BestEffort)" + didYouMean(name, kQosNames));
    }
  }
  return classes;
}

std::map<std::string, std::string> readLabels(const Entry& entry, Problems& problems) {
  std::map<std::string, std::string> labels;
  if (!entry.value.isMap() || entry.value.entries.empty()) {
    problems.add(entry.line,
                 "podLabels wants a mapping of labels to values, not " + std::string(kindName(entry.value)));
  }
  for (const Entry& label : entry.value.entries) {
    if (label.value.isScalar()) {
      labels.emplace(label.key, label.value.text);
    } else {
      problems.add(label.line, "the label " + model::inQuotes(label.key) + " wants a text");
    }
  }
  return labels;
}

model::Selector readSelector(const Entry& entry, Problems& problems) {
  model::Selector selector;
  if (!checkMap(entry.value, entry.line, "match", kMatchKeys, problems)) return selector;
  for (const Entry& e : entry.value.entries) {
    if (e.key == "namespaces") selector.namespaces = readPatterns(e, problems);
    if (e.key == "serviceAccounts") selector.service_accounts = readPatterns(e, problems);
    if (e.key == "qosClasses") selector.qos_classes = readQos(e, problems);
    if (e.key == "podLabels") selector.pod_labels = readLabels(e, problems);
  }
  return selector;
}

bool matches(std::string_view pattern, std::string_view key) {
  if (!pattern.ends_with('*')) return pattern == key;
  return key.starts_with(pattern.substr(0, pattern.size() - 1));
}

// "sysctl.net.ipv6.*" of "sysctl.<name>".
bool matchesFreeName(std::string_view pattern, const SettingSpec& spec) {
  if (spec.free_name == nullptr || !pattern.ends_with('*')) return false;
  return pattern.starts_with(spec.key.substr(0, spec.key.find('<')));
}

}  // namespace

std::vector<const SettingSpec*> rowsOf(std::string_view pattern) {
  if (auto one = model::findSetting(pattern); one && one->spec->free_name != nullptr) return {one->spec};
  std::vector<const SettingSpec*> rows;
  for (const SettingSpec& spec : model::settingsTable()) {
    if (spec.target == model::Target::Plimsoll && spec.key != model::kClassKey) continue;
    const auto keys = model::concreteKeys(spec);
    const bool any =
        std::any_of(keys.begin(), keys.end(), [&](const std::string& k) { return matches(pattern, k); });
    if (any || matchesFreeName(pattern, spec)) rows.push_back(&spec);
  }
  return rows;
}

namespace {

bool isOrdered(ValueType type) {
  switch (type) {
    case ValueType::Integer:
    case ValueType::Bytes:
    case ValueType::CpuMax:
    case ValueType::Duration:
    case ValueType::Percent:
    case ValueType::CpuList:
    case ValueType::IoWeight:
    case ValueType::Rlimit:
    case ValueType::Integers:
    case ValueType::IoPriority:
    case ValueType::Scheduler:
    case ValueType::BitRate:
    case ValueType::Dscp:
      return true;
    default:
      return false;
  }
}

bool hasWords(ValueType type) {
  return type == ValueType::Word || type == ValueType::ClassName || type == ValueType::Flag ||
         type == ValueType::Profile;
}

// The row whose type the bounds have; nullptr (and a problem): the key stands for settings of several types.
const SettingSpec* boundedRow(const std::vector<const SettingSpec*>& rows, const std::string& key, int line,
                              Problems& problems) {
  for (const SettingSpec* row : rows) {
    if (row->type == rows.front()->type) continue;
    problems.add(line, key + " stands for settings of several kinds; give bounds for one setting each");
    return nullptr;
  }
  return rows.front();
}

std::optional<model::Value> readBound(const Entry& entry, const SettingSpec& spec, Problems& problems) {
  if (!isOrdered(spec.type)) {
    problems.add(entry.line, std::string(spec.key) + " has no order, so it takes no " + entry.key +
                                 (hasWords(spec.type) ? "; use words" : ""));
    return std::nullopt;
  }
  auto text = readText(entry, problems);
  if (!text) return std::nullopt;
  auto value = model::parseValue(spec, *text);
  if (value) return *std::move(value);
  problems.add(entry.line, entry.key + " of " + std::string(spec.key) + ": " + value.error().message);
  return std::nullopt;
}

std::vector<std::string> readWords(const Entry& entry, const SettingSpec& spec,
                                   const std::vector<std::string_view>& classes, Problems& problems) {
  std::vector<std::string> words;
  if (!hasWords(spec.type)) {
    problems.add(entry.line, std::string(spec.key) + " takes no words; use min and max");
    return words;
  }
  for (const std::string& word : readTexts(entry, problems)) {
    const bool is_class = spec.type == ValueType::ClassName;
    if (is_class && std::find(classes.begin(), classes.end(), word) == classes.end()) {
      problems.add(entry.line, "there is no class " + model::inQuotes(word) + didYouMean(word, classes));
      continue;
    }
    auto value = model::parseValue(spec, word);
    if (value) {
      words.push_back(model::formatValue(spec, *value));
    } else {
      problems.add(entry.line, "words of " + std::string(spec.key) + ": " + value.error().message);
    }
  }
  return words;
}

// min, max and words of a rule's setting.
void readBounds(const Node& node, const std::vector<const SettingSpec*>& rows, RuleEffect effect,
                const std::vector<std::string_view>& classes, RuleSetting& setting, Problems& problems) {
  for (const Entry& entry : node.entries) {
    const bool bound = entry.key == "min" || entry.key == "max";
    if (!bound && entry.key != "words") continue;
    if (bound && effect == RuleEffect::Refuse) {
      problems.add(entry.line, "a rule that refuses takes no " + entry.key +
                                   "; allow up to a bound instead, more is refused then");
      continue;
    }
    const SettingSpec* spec = boundedRow(rows, setting.key, entry.line, problems);
    if (!spec) return;
    if (entry.key == "min") setting.min = readBound(entry, *spec, problems);
    if (entry.key == "max") setting.max = readBound(entry, *spec, problems);
    if (entry.key == "words") setting.words = readWords(entry, *spec, classes, problems);
  }
  if (setting.min && setting.max && !(model::compareAmount(*setting.min, *setting.max) <= 0)) {
    problems.add(node.line, "min of " + setting.key + " is above its max, so nothing would be allowed");
  }
}

std::optional<RuleSetting> readRuleSetting(const Node& node, RuleEffect effect,
                                           const std::vector<std::string_view>& classes, Problems& problems) {
  if (!checkMap(node, node.line, "a rule's setting", kSettingKeys, problems)) return std::nullopt;
  const Node* key = node.find("key");
  if (!key || !key->isScalar() || key->text.empty()) {
    problems.add(node.line, "a rule's setting wants a key, such as memory.min or memory.*");
    return std::nullopt;
  }
  const auto rows = rowsOf(key->text);
  if (rows.empty()) {
    auto near = model::nearestSettingKey(key->text);
    problems.add(key->line, "no setting that rules speak of matches " + model::inQuotes(key->text) +
                                (near ? "; did you mean " + *near + "?" : ""));
    return std::nullopt;
  }
  RuleSetting setting;
  // A sysctl's other form is the same setting.
  const auto found = model::findSetting(key->text);
  setting.key = found ? found->key : key->text;
  readBounds(node, rows, effect, classes, setting, problems);
  return setting;
}

RuleEffect readEffect(const Node& rule, Problems& problems) {
  const Node* effect = rule.find("effect");
  if (!effect || effect->text == "allow") return RuleEffect::Allow;
  if (effect->text != "refuse") problems.add(effect->line, "effect wants allow or refuse");
  return RuleEffect::Refuse;
}

Rule readRule(const Node& node, const std::vector<std::string_view>& classes, Problems& problems) {
  Rule rule;
  if (!checkMap(node, node.line, "a rule", kRuleKeys, problems)) return rule;
  rule.effect = readEffect(node, problems);
  for (const Entry& entry : node.entries) {
    if (entry.key == "name") rule.name = readText(entry, problems).value_or("");
    if (entry.key == "match") rule.selector = readSelector(entry, problems);
  }
  if (!node.find("name")) problems.add(node.line, "a rule wants a name; it is shown where the rule decides");
  const Node* settings = node.find("settings");
  if (!settings || !settings->isSequence() || settings->items.empty()) {
    problems.add(settings ? settings->line : node.line, "a rule wants a list of settings that it speaks of");
    return rule;
  }
  for (const Node& item : settings->items) {
    auto setting = readRuleSetting(item, rule.effect, classes, problems);
    if (setting) rule.settings.push_back(*std::move(setting));
  }
  return rule;
}

}  // namespace

std::vector<Rule> readRules(const Entry& entry, const std::vector<std::string_view>& classes,
                            Problems& problems) {
  std::vector<Rule> rules;
  if (!entry.value.isSequence()) {
    problems.add(entry.line, "rules wants a list, not " + std::string(kindName(entry.value)));
    return rules;
  }
  for (const Node& item : entry.value.items) {
    Rule rule = readRule(item, classes, problems);
    const auto same = [&rule](const Rule& other) { return !rule.name.empty() && other.name == rule.name; };
    if (std::any_of(rules.begin(), rules.end(), same)) {
      problems.add(item.line, "a rule named " + model::inQuotes(rule.name) + " stands above already");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace plimsoll::config
