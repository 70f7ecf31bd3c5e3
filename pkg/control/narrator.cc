#include "pkg/control/narrator.h"

#include <utility>

namespace plimsoll::control {
namespace {

using model::ContainerReport;
using model::Event;
using model::PlannedSetting;
using model::State;

// The same wish in another report: one key may have several, from different sources.
const PlannedSetting* findWish(const ContainerReport& report, const PlannedSetting& wish) {
  for (const PlannedSetting& setting : report.plan.settings) {
    if (setting.request.setting.key == wish.request.setting.key &&
        setting.request.source.kind == wish.request.source.kind) {
      return &setting;
    }
  }
  return nullptr;
}

std::string wanted(const PlannedSetting& setting) {
  return model::formatValue(*setting.request.setting.spec, setting.value);
}

std::string transition(const PlannedSetting& setting) {
  std::string key = setting.request.setting.key;
  std::string actual = setting.actual.value_or("<unknown>");
  switch (setting.state) {
    case State::Adjusted:
      return key + ": asked for " + wanted(setting) + ", the kernel keeps " + actual;
    case State::Failed:
      return key + " = " + wanted(setting) + ": " + setting.reason;
    case State::Moot:
      return key + " = " + wanted(setting) + " is set, but " + setting.binding + " binds";
    case State::Drifted:
      return key + " was " + wanted(setting) + " and is now " + actual + ": " + setting.reason;
    default:
      return key + ": " + setting.reason;
  }
}

struct Told {
  Event::Type type;
  std::string_view reason;
};

// nullptr reason: not worth an event.
Told toldOf(State state) {
  switch (state) {
    case State::Adjusted:
      return {Event::Type::Normal, "SettingAdjusted"};
    case State::Moot:
      return {Event::Type::Normal, "SettingMoot"};
    case State::Failed:
      return {Event::Type::Warning, "SettingFailed"};
    case State::Drifted:
      return {Event::Type::Warning, "SettingDrifted"};
    case State::Refused:
      return {Event::Type::Warning, "SettingRefused"};
    case State::Unsupported:
      return {Event::Type::Warning, "SettingUnsupported"};
    case State::Invalid:
      return {Event::Type::Warning, "AnnotationInvalid"};
    case State::Pending:
    case State::Applied:
      break;
  }
  return {Event::Type::Normal, {}};
}

}  // namespace

void Narrator::planMade(const ContainerReport& report) {
  for (const model::Problem& problem : report.plan.problems) {
    tell(Event::Type::Warning, "AnnotationInvalid", report, problem.key, problem.message);
  }
  for (const PlannedSetting& setting : report.plan.settings) {
    Told told = toldOf(setting.state);
    if (told.reason.empty() || setting.state == State::Adjusted || setting.state == State::Moot) continue;
    tell(told.type, told.reason, report, setting.request.setting.key, transition(setting));
  }
  if (report.plan.rejection) {
    tell(Event::Type::Warning, "ContainerRejected", report, {}, *report.plan.rejection);
  }
}

void Narrator::settled(const ContainerReport& before, const ContainerReport& after) {
  size_t applied = 0;
  for (const PlannedSetting& setting : after.plan.settings) {
    const PlannedSetting* old = findWish(before, setting);
    if (old && old->state == setting.state && old->reason == setting.reason) continue;
    if (setting.state == State::Applied) ++applied;
    Told told = toldOf(setting.state);
    if (!told.reason.empty()) {
      tell(told.type, told.reason, after, setting.request.setting.key, transition(setting));
    }
  }
  if (applied > 0) {
    std::string message =
        applied == 1 ? "1 setting is in place" : std::to_string(applied) + " settings are in place";
    tell(Event::Type::Normal, "SettingsApplied", after, {}, std::move(message));
  }
}

void Narrator::corrected(const ContainerReport& report, const PlannedSetting& setting,
                         const std::string& what) {
  tell(Event::Type::Normal, "DriftCorrected", report, setting.request.setting.key,
       setting.request.setting.key + ": " + what + "; " + wanted(setting) + " is back");
}

void Narrator::gone(const ContainerReport& report) {
  tell(Event::Type::Normal, "ContainerGone", report, {},
       "The container went away without a word of the runtime");
}

void Narrator::tell(Event::Type type, std::string_view reason, const ContainerReport& report,
                    std::string_view key, std::string message) {
  if (!sink_) return;
  Event event;
  event.type = type;
  event.reason = reason;
  event.ns = report.pod.ns;
  event.pod = report.pod.name;
  event.container = report.container.name;
  event.key = key;
  event.message = std::move(message);
  sink_(std::move(event));
}

}  // namespace plimsoll::control
