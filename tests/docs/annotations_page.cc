#include "tests/docs/annotations_page.h"

#include <algorithm>

#include "pkg/model/explain.h"
#include "pkg/model/setting.h"

namespace plimsoll::docs {
namespace {

using model::Permission;
using model::SettingSpec;

constexpr const char* kHead =
    R"(<!-- Generated from pkg/model/settings_table.cc by plimsoll-docgen; do not edit. `make docs` writes it anew. -->
# Annotations

A pod says what it wants from the kernel in its annotations. Two forms of key:

| key | meaning |
|---|---|
| `plimsoll.dev/<setting>` | for every container of the pod |
| `<container>.plimsoll.dev/<setting>` | for one container, by its name |

Values are text, so write numbers in quotes. In a Deployment, StatefulSet, Job, ... the annotations belong to the pod template
(`spec.template.metadata.annotations`), not to the workload itself.

Of two wishes for one setting the more specific wins, in this order: the container's annotation, the container's part of a policy
document, the pod-wide annotation, the pod-wide part of the document, the class, the node's default. A setting given in the same
scope both as an annotation and in the document with different values is reported; the annotation counts.

Limits of traffic are the exception: `plimsoll.dev/net.egress.rate` is what the pod's containers may send together, and
`<container>.plimsoll.dev/net.egress.rate` what one of them may send within that, so both hold. The same goes for
`net.egress.burst` and `net.ingress.rate`; in classes, defaults, rules and reports the pod's are `net.pod.egress.rate` and so on.
`kubernetes.io/egress-bandwidth` and `kubernetes.io/ingress-bandwidth` are read as the pod's rates where the pod says nothing of ours
and the node has traffic control (`network.enabled`).

## Values

| kind | how to write it |
|---|---|
| quantity | as in Kubernetes: `512Mi`, `1.5Gi`, `100M`, `1e3`; CPUs as `1500m` or `1.5` |
| duration | `20ms`, `1.5s`, `100us`, `1m30s`; never without a unit |
| percentage | `12.5%`, at most two decimals |
| list | `0-3,8` |
| device | `path:/data` (what is mounted there), `volume:scratch` (a volume of the pod), or the number `8:0` |
| no limit | `max`, for rlimits `unlimited` |

Refused with a reason, since two readers might take them differently: leading zeroes (`010`), hexadecimal, signs, `1_000`, `yes` and
`on`, fractions of a byte (`512m`). A value has at most 256 bytes; a list of devices or CPUs 1024.

## Policy documents

`plimsoll.dev/policy` takes the same settings as one YAML document. Nested mappings are joined by dots.

```yaml
)";

constexpr const char* kAfterExample = R"(```

In `<container>.plimsoll.dev/policy` stands the same for one container, without `containers`. Refused as a whole, with the line:
duplicate keys, anchors and aliases, tags, more than one document, bytes that are not UTF-8, more than 64 KiB, more than 32 levels.

## Mistakes

A wrong key, value, unit or container name costs only that setting. It is told with the key, the value, what would be right and the
nearest known key: in `kubectl plimsoll describe`, as an event, and before anything is applied by `kubectl plimsoll lint -f FILE`. With
`plimsoll.dev/on-error: reject` the container does not start instead. A domain that looks like a slip (`plimsol.dev/`,
`plimsoll.io/`) is told too; annotations of others are not read, but for the two above.

## Settings
)";

std::string_view shortPermission(Permission permission) {
  switch (permission) {
    case Permission::Free:
      return "yes";
    case Permission::LowerOnly:
      return "lower only";
    case Permission::RaiseOnly:
      return "higher only";
    case Permission::RuleOnly:
      return "no";
  }
  return "";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string settingSection(const SettingSpec& spec) {
  const model::Explanation explanation = model::explain(spec);
  std::string out = "\n#### `" + explanation.key + "`\n\n" + explanation.help + "\n\n";
  for (const auto& [label, text] : explanation.fields) {
    const bool code = label == "Example";
    out += "- " + label + ": " + (code ? "`" : "") + text + (code ? "`" : "") + "\n";
  }
  return out;
}

}  // namespace

const char* const kExampleDocument = R"(class: latency-critical
on-error: reject
settings:
  memory.high: 512Mi
  cpu:
    max: 1500m 50ms
containers:
  sidecar:
    class: batch
    settings:
      cpu.weight: 50
      io.max: path:/data rbps=10M wbps=10M
)";

std::string annotationsPage() {
  std::string page = std::string(kHead) + kExampleDocument + kAfterExample;
  std::string_view group;
  for (const SettingSpec& spec : model::settingsTable()) {
    if (spec.group != group) {
      group = spec.group;
      page += "\n### " + std::string(group) + "\n";
    }
    page += settingSection(spec);
  }
  return page;
}

namespace {

// "yes, but not system"
std::string exceptionsOf(const SettingSpec& spec) {
  std::string out = "yes, but not";
  for (std::string_view word : spec.words) {
    if (std::find(spec.free_words.begin(), spec.free_words.end(), word) == spec.free_words.end())
      out += " " + std::string(word);
  }
  return out;
}

}  // namespace

std::string permissionOf(const SettingSpec& spec) {
  if (!spec.free_words.empty()) return exceptionsOf(spec);
  return spec.free_name != nullptr ? "the safe ones" : std::string(shortPermission(spec.permission));
}

std::string readmeTable() {
  std::string out = "| setting | what it does | example | without a rule |\n|---|---|---|---|\n";
  for (const SettingSpec& spec : model::settingsTable()) {
    // The one row that takes any name stands for all of them.
    if (spec.target == model::Target::Sysctl && spec.free_name == nullptr) continue;
    out += "| `" + std::string(spec.key) + "` | " + escaped(spec.help) + " | `" + escaped(spec.example) +
           "` | " + permissionOf(spec) + " |\n";
  }
  return out;
}

}  // namespace plimsoll::docs
