#include "pkg/api/convert.h"

#include <algorithm>
#include <string>

#include "pkg/api/network.h"
#include "pkg/api/utf8.h"
#include "pkg/base/result.h"
#include "pkg/model/explain.h"

namespace plimsoll::api {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

constexpr size_t kValueLimit = 1024;  // an annotation may hold 256 KiB; a table cell need not

std::string clean(std::string_view text) { return validUtf8(text, kValueLimit); }

// The epoch stands for "never" in the model and stays unset here.
template <typename SetField>
void setTime(TimePoint time, SetField field) {
  if (time == TimePoint{}) return;
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  google::protobuf::Timestamp* stamp = field();
  stamp->set_seconds(nanos / 1'000'000'000);
  stamp->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

pb::SourceKind kindOf(model::SourceKind kind) {
  switch (kind) {
    case model::SourceKind::ContainerAnnotation:
      return pb::SOURCE_KIND_CONTAINER_ANNOTATION;
    case model::SourceKind::ContainerPolicy:
      return pb::SOURCE_KIND_CONTAINER_POLICY;
    case model::SourceKind::PodAnnotation:
      return pb::SOURCE_KIND_POD_ANNOTATION;
    case model::SourceKind::PodPolicy:
      return pb::SOURCE_KIND_POD_POLICY;
    case model::SourceKind::ForeignAnnotation:
      return pb::SOURCE_KIND_FOREIGN_ANNOTATION;
    case model::SourceKind::Class:
      return pb::SOURCE_KIND_CLASS;
    case model::SourceKind::NodeDefault:
      return pb::SOURCE_KIND_NODE_DEFAULT;
  }
  return pb::SOURCE_KIND_UNSPECIFIED;
}

pb::SettingState stateOf(model::State state) {
  switch (state) {
    case model::State::Pending:
      return pb::SETTING_STATE_PENDING;
    case model::State::Applied:
      return pb::SETTING_STATE_APPLIED;
    case model::State::Adjusted:
      return pb::SETTING_STATE_ADJUSTED;
    case model::State::Refused:
      return pb::SETTING_STATE_REFUSED;
    case model::State::Failed:
      return pb::SETTING_STATE_FAILED;
    case model::State::Unsupported:
      return pb::SETTING_STATE_UNSUPPORTED;
    case model::State::Moot:
      return pb::SETTING_STATE_MOOT;
    case model::State::Drifted:
      return pb::SETTING_STATE_DRIFTED;
    case model::State::Invalid:
      return pb::SETTING_STATE_INVALID;
  }
  return pb::SETTING_STATE_UNSPECIFIED;
}

pb::Stage stageOf(model::Stage stage) {
  switch (stage) {
    case model::Stage::Create:
      return pb::STAGE_CREATE;
    case model::Stage::Start:
      return pb::STAGE_START;
    case model::Stage::Late:
      return pb::STAGE_LATE;
  }
  return pb::STAGE_UNSPECIFIED;
}

pb::Target targetOf(model::Target target) {
  switch (target) {
    case model::Target::CgroupFile:
      return pb::TARGET_CGROUP_FILE;
    case model::Target::OomScoreAdj:
      return pb::TARGET_OOM_SCORE_ADJ;
    case model::Target::Rlimit:
      return pb::TARGET_RLIMIT;
    case model::Target::Plimsoll:
      return pb::TARGET_PLIMSOLL;
    case model::Target::Sysctl:
      return pb::TARGET_SYSCTL;
    case model::Target::Link:
      return pb::TARGET_LINK;
    case model::Target::IoPriority:
      return pb::TARGET_IO_PRIORITY;
    case model::Target::Scheduler:
      return pb::TARGET_SCHEDULER;
    case model::Target::Seccomp:
      return pb::TARGET_SECCOMP;
    case model::Target::Traffic:
      return pb::TARGET_TRAFFIC;
    case model::Target::Namespace:
      return pb::TARGET_NAMESPACE;
  }
  return pb::TARGET_UNSPECIFIED;
}

pb::ContainerState stateOf(model::ContainerState state) {
  switch (state) {
    case model::ContainerState::Unknown:
      return pb::CONTAINER_STATE_UNSPECIFIED;
    case model::ContainerState::Created:
      return pb::CONTAINER_STATE_CREATED;
    case model::ContainerState::Running:
      return pb::CONTAINER_STATE_RUNNING;
    case model::ContainerState::Paused:
      return pb::CONTAINER_STATE_PAUSED;
    case model::ContainerState::Stopped:
      return pb::CONTAINER_STATE_STOPPED;
  }
  return pb::CONTAINER_STATE_UNSPECIFIED;
}

pb::QosClass qosOf(model::QosClass qos) {
  switch (qos) {
    case model::QosClass::Guaranteed:
      return pb::QOS_CLASS_GUARANTEED;
    case model::QosClass::Burstable:
      return pb::QOS_CLASS_BURSTABLE;
    case model::QosClass::BestEffort:
      return pb::QOS_CLASS_BEST_EFFORT;
  }
  return pb::QOS_CLASS_UNSPECIFIED;
}

void toProto(const model::Source& source, pb::Source* out) {
  out->set_kind(kindOf(source.kind));
  out->set_where(clean(source.where));
}

// Where a setting goes, for people.
std::string fileOf(const model::SettingKey& setting) {
  if (!setting.spec || setting.spec->target != model::Target::OomScoreAdj || !setting.file.empty()) {
    return clean(setting.file);
  }
  return "oom_score_adj";
}

void toProto(const model::PlannedSetting& setting, pb::Setting* out) {
  const model::SettingSpec* spec = setting.request.setting.spec;
  out->set_key(clean(setting.request.setting.key));
  out->set_raw(clean(setting.request.raw));
  toProto(setting.request.source, out->mutable_source());
  if (spec && setting.state != model::State::Invalid)
    out->set_desired(clean(formatValue(*spec, setting.value)));
  if (setting.found) out->set_found(clean(*setting.found));
  if (setting.actual) out->set_actual(clean(*setting.actual));
  out->set_state(stateOf(setting.state));
  out->set_stage(stageOf(setting.stage));
  out->set_reason(clean(setting.reason));
  out->set_rule(clean(setting.rule));
  out->set_error_number(setting.error_number);
  if (setting.error_number != 0) out->set_error_name(base::errnoName(setting.error_number));
  out->set_binding(clean(setting.binding));
  setTime(setting.changed_at, [&] { return out->mutable_changed_at(); });
  out->set_file(fileOf(setting.request.setting));
  if (spec) {
    out->set_target(targetOf(spec->target));
    out->set_live(spec->live);
  }
}

void toProto(const model::PodFacts& pod, pb::Pod* out) {
  out->set_namespace_(clean(pod.ns));
  out->set_name(clean(pod.name));
  out->set_uid(clean(pod.uid));
  for (const auto& [key, value] : pod.labels) (*out->mutable_labels())[clean(key)] = clean(value);
  out->set_qos_class(qosOf(pod.qos));
  if (pod.service_account) out->set_service_account(clean(*pod.service_account));
}

}  // namespace

void toProto(const model::Problem& problem, pb::Problem* out) {
  out->set_container(clean(problem.container));
  out->set_key(clean(problem.key));
  out->set_value(clean(problem.value));
  out->set_message(clean(problem.message));
  out->set_suggestion(clean(problem.suggestion));
  toProto(problem.source, out->mutable_source());
}

void toProto(const model::ContainerReport& report, pb::Container* out) {
  out->set_id(clean(report.container.id));
  out->set_name(clean(report.container.name));
  toProto(report.pod, out->mutable_pod());
  out->set_state(stateOf(report.container.state));
  out->set_pid(report.container.pid);
  out->set_cgroup_path(clean(report.cgroup_path));
  out->set_class_name(clean(report.plan.class_name));
  out->set_on_error(report.plan.on_error == model::OnError::Reject ? pb::ON_ERROR_REJECT
                                                                   : pb::ON_ERROR_IGNORE);
  for (const auto& setting : report.plan.settings) toProto(setting, out->add_settings());
  for (const auto& problem : report.plan.problems) toProto(problem, out->add_problems());
  if (report.plan.rejection) out->set_rejection(clean(*report.plan.rejection));
  out->set_config_generation(report.config_generation);
  setTime(report.first_seen, [&] { return out->mutable_first_seen(); });
}

void toProto(const model::Event& event, pb::Event* out) {
  out->set_sequence(event.sequence);
  setTime(event.time, [&] { return out->mutable_time(); });
  out->set_type(event.type == model::Event::Type::Warning ? pb::EVENT_TYPE_WARNING : pb::EVENT_TYPE_NORMAL);
  out->set_reason(clean(event.reason));
  out->set_namespace_(clean(event.ns));
  out->set_pod(clean(event.pod));
  out->set_container(clean(event.container));
  out->set_key(clean(event.key));
  out->set_message(clean(event.message));
}

void toProto(const NodeInfo& node, pb::Node* out) {
  out->set_name(clean(node.name));
  out->set_agent_version(clean(node.agent_version));
  setTime(node.started_at, [&] { return out->mutable_started_at(); });
  out->set_kernel_release(clean(node.facts.kernel_release));
  pb::Runtime* runtime = out->mutable_runtime();
  runtime->set_connected(node.runtime_connected);
  runtime->set_name(clean(node.facts.runtime_name));
  runtime->set_version(clean(node.facts.runtime_version));
  runtime->set_nri_version(clean(node.facts.nri_version));
  runtime->set_problem(clean(node.runtime_problem));
  pb::Configuration* configuration = out->mutable_configuration();
  configuration->set_file(clean(node.config_file));
  configuration->set_generation(node.config_generation);
  configuration->set_problem(clean(node.config_problem));
  for (const auto& name : node.classes) configuration->add_classes(clean(name));
  configuration->set_rules(node.rules);
  for (const auto& name : node.facts.controllers) out->add_controllers(clean(name));
  for (const auto& [key, reason] : node.unsupported) {
    pb::UnsupportedSetting* row = out->add_unsupported();
    row->set_key(clean(key));
    row->set_reason(clean(reason));
  }
  out->set_online_cpus(node.facts.online_cpus.toString());
  out->set_online_nodes(node.facts.online_mems.toString());
  out->set_page_size_bytes(node.facts.page_size);
  toProto(node.network, out->mutable_network());
}

void toProto(const model::SettingSpec& spec, pb::SettingInfo* out) {
  out->set_key(std::string(spec.key));
  out->set_group(std::string(spec.group));
  out->set_type(model::typeText(spec));
  out->set_unit(std::string(spec.unit));
  out->set_file(std::string(spec.file));
  if (spec.since != model::KernelVersion{}) {
    out->set_since_kernel(std::to_string(spec.since.major) + "." + std::to_string(spec.since.minor));
  }
  out->set_live(spec.live);
  out->set_hurts(std::string(spec.hurts));
  out->set_permission(model::allowedText(spec));
  out->set_help(std::string(spec.help));
  out->set_example(std::string(spec.example));
  for (std::string_view word : spec.words) out->add_words(std::string(word));
  for (std::string_view instance : spec.instances) out->add_instances(std::string(instance));
  out->set_target(targetOf(spec.target));
}

bool hasProblems(const model::ContainerReport& report) {
  const auto wrong = [](const model::PlannedSetting& setting) {
    switch (setting.state) {
      case model::State::Refused:
      case model::State::Failed:
      case model::State::Unsupported:
      case model::State::Drifted:
      case model::State::Invalid:
        return true;
      default:
        return false;
    }
  };
  return !report.plan.problems.empty() || report.plan.rejection ||
         std::any_of(report.plan.settings.begin(), report.plan.settings.end(), wrong);
}

bool isManaged(const model::ContainerReport& report) {
  return !report.plan.class_name.empty() || !report.plan.settings.empty() || !report.plan.problems.empty() ||
         report.plan.rejection;
}

}  // namespace plimsoll::api
