#include "pkg/api/answers.h"

#include <string>

#include "pkg/annotation/lint.h"
#include "pkg/api/convert.h"
#include "pkg/api/utf8.h"
#include "pkg/model/explain.h"
#include "pkg/model/setting.h"

namespace plimsoll::api {

using base::Result;

namespace {

// "Deployment/web", or "Deployment/shop/web" where the manifest names a namespace.
std::string objectName(const annotation::Finding& finding) {
  if (finding.kind.empty()) return "";
  const std::string scope = finding.ns.empty() ? "" : finding.ns + "/";
  return validUtf8(finding.kind + "/" + scope + finding.name, 512);
}

}  // namespace

void describeNode(Source& source, pb::Node* out) {
  toProto(source.node(), out);
  int known = 0, with_problems = 0;
  for (const ReportPtr& report : source.containers()) {
    ++known;
    if (hasProblems(*report)) ++with_problems;
  }
  out->mutable_containers()->set_known(known);
  out->mutable_containers()->set_with_problems(with_problems);
  out->set_last_event(source.events().lastSequence());
  out->set_events_overwritten(source.events().overwritten());
}

Result<pb::ExplainResponse> explainSettings(std::string_view key) {
  pb::ExplainResponse response;
  const auto add = [&](const model::SettingSpec& spec, const model::Explanation& explanation) {
    pb::SettingInfo* info = response.add_settings();
    toProto(spec, info);
    info->set_key(explanation.key);
    info->set_text(explanation.toText());
  };
  if (key.empty()) {
    for (const model::SettingSpec& spec : model::settingsTable()) add(spec, model::explain(spec));
    return response;
  }
  ASSIGN_OR_RETURN(const model::Explanation explanation, model::explain(key));
  if (const auto found = model::findSetting(explanation.key)) {
    add(*found->spec, explanation);
    return response;
  }
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.key == explanation.key) add(spec, explanation);  // with its placeholder: "hugetlb.<size>.max"
  }
  return response;
}

Result<pb::LintResponse> lintText(std::string_view manifest) {
  const annotation::LintReport report = annotation::lintManifest(manifest);
  pb::LintResponse response;
  response.set_pods_checked(report.objects);
  response.set_objects_skipped(report.skipped);
  for (const annotation::Finding& finding : report.findings) {
    pb::Finding* out = response.add_findings();
    out->set_severity(finding.severity == annotation::Severity::Error ? pb::SEVERITY_ERROR
                                                                      : pb::SEVERITY_WARNING);
    out->set_object(objectName(finding));
    out->set_line(finding.line);
    toProto(finding.problem, out->mutable_problem());
  }
  return response;
}

}  // namespace plimsoll::api
