#include "tests/chart/generator/admission.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "pkg/model/setting.h"
#include "tests/chart/generator/grammar.h"

namespace plimsoll::deploy {
namespace {

using model::ActsIn;
using model::SettingKey;
using model::SettingSpec;

std::string celString(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A CEL map of a text for each concrete key that `of` gives one for, a line each.
std::string celMap(const std::function<std::string(const SettingSpec&)>& of) {
  std::string out;
  for (const SettingSpec& spec : model::settingsTable()) {
    const std::string text = of(spec);
    if (text.empty() || spec.free_name != nullptr) continue;
    for (const std::string& key : model::concreteKeys(spec))
      out += (out.empty() ? "  " : ",\n  ") + celString(key) + ": " + text;
  }
  return "{\n" + out + "\n}";
}

// Values repeat; each text stands once in a list, and the map gives its place.
struct Indexed {
  std::string list, map;
};
Indexed indexed(const std::function<std::string(const SettingSpec&)>& of) {
  std::vector<std::string> texts;
  const std::string map = celMap([&](const SettingSpec& spec) {
    const std::string text = celString(of(spec));
    auto found = std::find(texts.begin(), texts.end(), text);
    if (found == texts.end()) found = texts.insert(texts.end(), text);
    return std::to_string(found - texts.begin());
  });
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "  " : ",\n  ") + text;
  return {"[\n" + list + "\n]", map};
}

std::string rangeOf(const SettingSpec& spec) {
  if (!hasRange(spec)) return "";
  return "[" + std::to_string(spec.min) + ", " + std::to_string(spec.max) + "]";
}

// Keys of settings that act in one of `places`; those of sysctls by family, since any name may stand there.
std::string keysActingIn(const std::vector<ActsIn>& places) {
  std::vector<std::string> keys;
  std::string families;
  for (const SettingSpec& spec : model::settingsTable()) {
    for (const std::string& key : model::concreteKeys(spec)) {
      const auto setting = model::findSetting(key);
      if (std::find(places.begin(), places.end(), model::actsIn(*setting)) == places.end()) continue;
      if (spec.target != model::Target::Sysctl) {
        keys.push_back(key);
        continue;
      }
      const std::string family = "sysctl[.]" + key.substr(7, key.find('.', 7) - 7);
      if (families.find(family + "[") == std::string::npos) families += "|" + family + "[.].*";
    }
  }
  std::string pattern = anyOf(keys) + families;
  if (pattern.starts_with('|')) pattern.erase(0, 1);
  return "^(" + pattern + ")$";
}

struct Named {
  std::string name, expression;
};

std::vector<Named> wishVariables() {
  const Indexed patterns = indexed(valuePattern);
  const Indexed units = indexed([](const SettingSpec& spec) { return std::string(spec.unit); });
  return {
      {"keys", R"(variables.annotations.map(k, string(k)).filter(k, k.matches("(^|[.])plimsoll[.]dev/")))"},
      {"wishes", R"(variables.keys.map(k, {
  "key": k,
  "container": k.substring(0, k.indexOf("plimsoll.dev/")),
  "setting": k.substring(k.indexOf("/") + 1),
  "value": string(variables.annotations[k]).trim()
}))"},
      {"containers", R"(variables.spec.containers + variables.spec.?initContainers.orValue([]))"},
      {"names", R"(variables.containers.map(c, c.name + ".") +
  variables.spec.?ephemeralContainers.orValue([]).map(c, c.name + "."))"},
      {"patterns", patterns.list},
      {"patternOf", patterns.map},
      {"units", units.list},
      {"unitOf", units.map},
      {"rangeOf", celMap(rangeOf)},
      {"slips",
       "variables.annotations.map(k, string(k)).filter(k, k.matches(" + celString(slipPattern()) + "))"},
      {"unknown", "variables.wishes.filter(w, !(w.setting in variables.patternOf) && !w.setting.matches(" +
                      celString(otherSysctlPattern()) + "))"},
      {"wrong", R"(variables.wishes.filter(w, w.setting in variables.patternOf
  ? variables.patterns[variables.patternOf[w.setting]] != "" &&
    (w.value.size() > 1024 || !w.value.matches(variables.patterns[variables.patternOf[w.setting]]))
  : w.setting.startsWith("sysctl.") && !w.value.matches("^-?[0-9]{1,20}([[:space:]]+-?[0-9]{1,20}){0,3}$")))"},
      {"outside",
       R"(variables.wishes.filter(w, w.setting in variables.rangeOf && w.value.matches("^-?[0-9]{1,18}$") &&
  (int(w.value) < variables.rangeOf[w.setting][0] || int(w.value) > variables.rangeOf[w.setting][1])))"},
  };
}

// Those that need the pod's specification beside its annotations.
std::vector<Named> podVariables() {
  const std::string network = celString(keysActingIn({ActsIn::NetworkNamespace}));
  const std::string ipc = celString(keysActingIn({ActsIn::IpcNamespace}));
  const std::string pods =
      celString(keysActingIn({ActsIn::NetworkNamespace, ActsIn::IpcNamespace, ActsIn::PodTraffic}));
  return {
      {"strangers", R"(variables.wishes.filter(w, w.container != "" && !(w.container in variables.names)))"},
      {"podWide", R"(variables.wishes.filter(w, w.container != "" && w.setting.matches()" + pods + "))"},
      {"ofTheNode", R"(variables.wishes.filter(w,
  (variables.spec.?hostNetwork.orValue(false) && w.setting.matches()" +
                        network + R"()) ||
  (variables.spec.?hostIPC.orValue(false) && w.setting.matches()" +
                        ipc + ")))"},
      {"highs", R"(variables.wishes.filter(w, w.setting == "memory.high" && isQuantity(w.value)))"},
      {"tooHigh", R"(variables.containers.filter(c, has(c.resources) && has(c.resources.limits) &&
  "memory" in c.resources.limits && isQuantity(string(c.resources.limits["memory"])) &&
  variables.highs.exists(w,
    (w.container == c.name + "." ||
      (w.container == "" && !variables.wishes.exists(x, x.container == c.name + "." && x.setting == "memory.high"))) &&
    quantity(w.value).isGreaterThan(quantity(string(c.resources.limits["memory"])))))
  .map(c, c.name))"},
  };
}

struct Validation {
  std::string list;     // variable that must be empty
  std::string message;  // where the expression below gives none
  std::string each;     // of one element `w`, as text
  std::string tail;     // behind the last
};

std::vector<Validation> validations() {
  return {
      {"unknown", "an annotation of Plimsoll names no setting", "w.key",
       ": no such setting; docs/annotations.md and kubectl plimsoll explain list them all"},
      {"slips", "an annotation's domain looks like a slip of plimsoll.dev", "w",
       ": the domain looks like a slip of plimsoll.dev and is not read"},
      {"wrong", "an annotation of Plimsoll has a value that cannot be understood",
       R"cel(w.key + "=" + w.value + (w.setting in variables.unitOf ? " (" + variables.units[variables.unitOf[w.setting]] + ")" : ""))cel",
       ": the value cannot be understood"},
      {"outside", "an annotation of Plimsoll has a value out of range",
       R"cel(w.key + "=" + w.value + " (" + string(variables.rangeOf[w.setting][0]) + " to " + string(variables.rangeOf[w.setting][1]) + ")")cel",
       ": out of range"},
      {"strangers", "an annotation of Plimsoll names a container that the pod does not have", "w.key",
       ": the pod has no such container"},
      {"podWide", "a setting of the whole pod is asked for one container", "w.key",
       ": this is the whole pod's; write plimsoll.dev/ without a container"},
      {"ofTheNode", "a setting would reach the node, since the pod uses the node's network or IPC", "w.key",
       ": refused, since the pod uses the node's own namespace (hostNetwork, hostIPC)"},
      {"tooHigh", "memory.high above the container's memory limit never acts", "w",
       ": memory.high is above the container's memory limit, so it never acts"},
  };
}

std::string indented(const std::string& text, const std::string& by) {
  std::string out = by;
  for (char c : text) {
    out += c;
    if (c == '\n') out += by;
  }
  return out + "\n";
}

std::string messageExpression(const Validation& v) {
  return "variables." + v.list + ".map(w, " + v.each + R"().join(", ").replace("\n", " ") + )" +
         celString(v.tail);
}

struct Flavour {
  std::string_view name, annotations, spec;
};
constexpr Flavour kFlavours[] = {
    {"pods", "object.metadata.?annotations.orValue({})", "object.spec"},
    {"workloads", "object.spec.template.?metadata.?annotations.orValue({})", "object.spec.template.spec"},
    {"cronjobs", "object.spec.jobTemplate.spec.template.?metadata.?annotations.orValue({})",
     "object.spec.jobTemplate.spec.template.spec"},
};

}  // namespace

std::string admissionFile() {
  std::string text =
      "# Generated from pkg/model/settings_table.cc by plimsoll-deploygen; do not edit. `make docs` writes "
      "it anew.\n"
      "flavours:\n";
  for (const Flavour& flavour : kFlavours) {
    text += "  " + std::string(flavour.name) + ":\n";
    text += "    annotations: " + std::string(flavour.annotations) + "\n";
    text += "    spec: " + std::string(flavour.spec) + "\n";
  }
  text += "# Keys that are worth a look at all.\nours: |-\n" +
          indented("k.matches(" + celString("(^|[.])plimsoll[.]dev/|" + slipPattern()) + ")", "  ");
  text += "variables:\n";
  auto variables = wishVariables();
  for (Named& more : podVariables()) variables.push_back(std::move(more));
  for (const Named& variable : variables)
    text += "- name: " + variable.name + "\n  expression: |-\n" + indented(variable.expression, "    ");
  text += "validations:\n";
  for (const Validation& v : validations()) {
    text += "- expression: variables." + v.list + ".size() == 0\n";
    text += "  message: " + v.message + "\n";
    text += "  messageExpression: |-\n" + indented(messageExpression(v), "    ");
  }
  return text;
}

}  // namespace plimsoll::deploy
