// Manifests to pods: where each kind keeps its pod template, and which lines findings belong to.
#include "pkg/annotation/annotation.h"
#include "pkg/annotation/collector.h"
#include "pkg/annotation/lint.h"
#include "pkg/annotation/manifest_kinds.h"
#include "pkg/annotation/strict_yaml.h"
#include "pkg/base/parse.h"
#include "pkg/model/quantity.h"

namespace plimsoll::annotation {
namespace {

using yaml::Node;

void addContainers(const Node& spec, std::string_view list, PodToLint& pod) {
  const Node* containers = spec.find(list);
  if (containers == nullptr) return;
  for (const Node& container : containers->items) {
    ContainerToLint entry{textAt(container, {"name"}), std::nullopt};
    const Node* limit = container.at({"resources", "limits", "memory"});
    if (limit != nullptr) {
      if (auto bytes = model::parseBytes(limit->text)) entry.memory_limit = *bytes;
    }
    if (!entry.name.empty()) pod.containers.push_back(std::move(entry));
  }
}

class ManifestLinter {
 public:
  explicit ManifestLinter(LintReport& report) : report_(report) {}

  void lintObject(const Node& object, int document, int depth) {
    const std::string kind = textAt(object, {"kind"});
    switch (holds(kind)) {
      case Holds::Pod:
        return lintTemplate(object, object, document);
      case Holds::Template:
      case Holds::CronTemplate:
        return lintWorkload(object, podIn(object, kind), document);
      case Holds::Objects:
        if (const Node* items = object.find("items"); items != nullptr && depth < kDeepestList) {
          for (const Node& item : items->items) lintObject(item, document, depth + 1);
        }
        return;
      case Holds::Nothing:
        break;
    }
    if (!object.isNull()) ++report_.skipped;
  }

 private:
  void add(Finding finding, const Node& object, int document, int line) {
    finding.document = document;
    finding.line = line;
    finding.kind = textAt(object, {"kind"});
    finding.name = textAt(object, {"metadata", "name"});
    if (finding.name.empty()) finding.name = textAt(object, {"metadata", "generateName"});
    finding.ns = textAt(object, {"metadata", "namespace"});
    report_.findings.push_back(std::move(finding));
  }

  // Annotations on the workload itself never reach its pods.
  void lintWorkload(const Node& object, const Node* pod_template, int document) {
    if (const Node* annotations = object.at({"metadata", "annotations"})) {
      for (const yaml::Entry& entry : annotations->entries) {
        if (parsePod({{entry.key, entry.value.text}}).empty()) continue;
        Finding finding;
        finding.severity = Severity::Warning;
        finding.problem.key = finding.problem.source.where = plainText(entry.key);
        finding.problem.value = plainText(entry.value.text);
        finding.problem.message =
            "stands on the " + textAt(object, {"kind"}) +
            " itself and reaches no pod; put it under the pod template's metadata.annotations";
        add(std::move(finding), object, document, entry.line);
      }
    }
    if (pod_template != nullptr) lintTemplate(object, *pod_template, document);
  }

  void lintTemplate(const Node& object, const Node& pod_template, int document) {
    ++report_.objects;
    PodToLint pod;
    pod.name = textAt(object, {"metadata", "name"});
    pod.ns = textAt(object, {"metadata", "namespace"});
    const Node* annotations = pod_template.at({"metadata", "annotations"});
    if (annotations == nullptr) return;
    for (const yaml::Entry& entry : annotations->entries) {
      if (!checkText(entry, object, document)) continue;
      pod.annotations.emplace(entry.key, entry.value.text);
    }
    if (const Node* spec = pod_template.find("spec")) {
      for (std::string_view list : {"initContainers", "containers", "ephemeralContainers"}) {
        addContainers(*spec, list, pod);
      }
    }
    for (Finding& finding : lintPod(pod)) {
      const int line = lineOf(*annotations, finding.problem);
      add(std::move(finding), object, document, line);
    }
  }

  // The API server takes only strings: plimsoll.dev/cpu.weight: 200 without quotes is refused by it.
  bool checkText(const yaml::Entry& entry, const Node& object, int document) {
    const yaml::Node& value = entry.value;
    if (value.isScalar() && (value.quoted || !looksTyped(value.text))) return true;
    if (parsePod({{entry.key, value.text}}).empty()) return false;
    Finding finding;
    finding.problem.key = finding.problem.source.where = plainText(entry.key);
    finding.problem.value = plainText(value.text);
    finding.problem.message =
        value.isScalar() ? "Kubernetes takes only text in annotations; write it in quotes: \"" +
                               finding.problem.value + "\""
                         : "holds " + std::string(yaml::kindName(value)) + " where text should stand";
    add(std::move(finding), object, document, entry.line);
    return value.isScalar();
  }

  // What YAML 1.1 readers take for a number or a boolean.
  static bool looksTyped(std::string_view text) {
    for (std::string_view word :
         {"true", "false", "yes",   "no",  "on", "off", "True", "False", "Yes", "No", "On",
          "Off",  "TRUE",  "FALSE", "YES", "NO", "ON",  "OFF",  "y",     "n",   "Y",  "N"}) {
      if (text == word) return true;
    }
    return !text.empty() && text.find_first_not_of("0123456789.+-eE_") == std::string_view::npos &&
           text.find_first_of("0123456789") != std::string_view::npos &&
           text.find('-', 1) == std::string_view::npos;
  }

  // The manifest's line of the annotation; for a policy document plus the line within it, where its text is a
  // block scalar, which begins in the line after the key.
  static int lineOf(const Node& annotations, const model::Problem& problem) {
    std::string_view where = problem.source.where;
    int within = 0;
    const size_t colon = where.rfind(':');
    if (colon != std::string_view::npos && where.substr(0, colon).ends_with("/policy")) {
      within = base::parseInt<int>(where.substr(colon + 1)).value_or(0);
      where = where.substr(0, colon);
    }
    for (const yaml::Entry& entry : annotations.entries) {
      if (plainText(entry.key) != where) continue;
      const bool block = within > 0 && entry.value.text.find('\n') != std::string::npos;
      return entry.line + (block ? within : 0);
    }
    return annotations.line;
  }

  LintReport& report_;
};

}  // namespace

LintReport lintManifest(std::string_view text, size_t max_bytes) {
  LintReport report;
  auto documents = yaml::parseAll(text, manifestOptions(max_bytes));
  if (!documents) {
    Finding finding;
    finding.problem.message = documents.error().message;
    report.findings.push_back(std::move(finding));
    return report;
  }
  ManifestLinter linter(report);
  for (size_t i = 0; i < documents->size(); ++i)
    linter.lintObject((*documents)[i], static_cast<int>(i) + 1, 0);
  return report;
}

}  // namespace plimsoll::annotation
