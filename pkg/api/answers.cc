#include "pkg/api/answers.h"

#include <string>

#include "pkg/api/convert.h"
#include "pkg/api/utf8.h"
#include "pkg/model/setting.h"

namespace plimsoll::api {

using base::Result;

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
  if (key.empty()) {
    for (const model::SettingSpec& spec : model::settingsTable()) toProto(spec, response.add_settings());
    return response;
  }
  const std::string prefix = std::string(model::kAnnotationDomain) + "/";
  if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
  for (const model::SettingSpec& spec : model::settingsTable()) {
    if (spec.key != key) continue;  // with its placeholder: "hugetlb.<size>.max"
    toProto(spec, response.add_settings());
    return response;
  }
  if (const auto found = model::findSetting(key)) {
    toProto(*found->spec, response.add_settings());
    return response;
  }
  std::string message = "there is no setting \"" + validUtf8(key, 128) + "\"";
  if (const auto near = model::nearestSettingKey(key)) message += "; did you mean " + *near + "?";
  return base::error(base::ErrorCode::NotFound, message);
}

Result<pb::LintResponse> lintText(std::string_view) {
  return base::error(base::ErrorCode::Unimplemented, "lint is not served yet");
}

}  // namespace plimsoll::api
