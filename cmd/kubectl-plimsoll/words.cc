#include "cmd/kubectl-plimsoll/words.h"

#include <array>
#include <cctype>
#include <ctime>
#include <string_view>

namespace plimsoll::cli {
namespace {

constexpr const char* kUnknown = "Unknown";

// "SETTING_STATE_NOT_YET" with the prefix "SETTING_STATE_" gives "NotYet".
std::string camelCase(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return kUnknown;
  name.remove_prefix(prefix.size());
  if (name == "UNSPECIFIED") return kUnknown;
  std::string out;
  bool upper = true;
  for (char c : name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out += upper ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    upper = false;
  }
  return out;
}

// The more a state needs looking at, the higher.
int weight(pb::SettingState state) {
  constexpr std::array kOrder = {pb::SETTING_STATE_APPLIED,     pb::SETTING_STATE_ADJUSTED,
                                 pb::SETTING_STATE_MOOT,        pb::SETTING_STATE_PENDING,
                                 pb::SETTING_STATE_UNSUPPORTED, pb::SETTING_STATE_UNSPECIFIED,
                                 pb::SETTING_STATE_DRIFTED,     pb::SETTING_STATE_REFUSED,
                                 pb::SETTING_STATE_INVALID,     pb::SETTING_STATE_FAILED};
  for (size_t i = 0; i < kOrder.size(); ++i) {
    if (kOrder[i] == state) return static_cast<int>(i);
  }
  return weight(pb::SETTING_STATE_UNSPECIFIED);
}

bool inOrder(pb::SettingState state) {
  return state == pb::SETTING_STATE_APPLIED || state == pb::SETTING_STATE_ADJUSTED ||
         state == pb::SETTING_STATE_MOOT;
}

}  // namespace

std::string word(pb::SettingState state) { return camelCase(pb::SettingState_Name(state), "SETTING_STATE_"); }
std::string word(pb::Stage stage) { return camelCase(pb::Stage_Name(stage), "STAGE_"); }
std::string word(pb::SourceKind kind) { return camelCase(pb::SourceKind_Name(kind), "SOURCE_KIND_"); }
std::string word(pb::ContainerState state) {
  return camelCase(pb::ContainerState_Name(state), "CONTAINER_STATE_");
}
std::string word(pb::QosClass qos) { return camelCase(pb::QosClass_Name(qos), "QOS_CLASS_"); }
std::string word(pb::OnError on_error) { return camelCase(pb::OnError_Name(on_error), "ON_ERROR_"); }
std::string word(pb::EventType type) { return camelCase(pb::EventType_Name(type), "EVENT_TYPE_"); }
std::string word(pb::Severity severity) { return severity == pb::SEVERITY_WARNING ? "warning" : "error"; }

std::string sourceForPeople(const pb::Source& source) {
  switch (source.kind()) {
    case pb::SOURCE_KIND_CLASS:
      return source.where().starts_with("class") ? source.where() : "class " + source.where();
    case pb::SOURCE_KIND_NODE_DEFAULT:
      return "node default";
    default:
      return source.where();
  }
}

Tone toneOf(pb::SettingState state) {
  switch (state) {
    case pb::SETTING_STATE_APPLIED:
      return Tone::Good;
    case pb::SETTING_STATE_ADJUSTED:
    case pb::SETTING_STATE_MOOT:
    case pb::SETTING_STATE_PENDING:
    case pb::SETTING_STATE_UNSUPPORTED:
    case pb::SETTING_STATE_DRIFTED:
      return Tone::Warn;
    default:
      return Tone::Bad;
  }
}

Summary summarise(const pb::Container& container) {
  Summary out;
  out.settings = container.settings_size();
  const pb::Setting* worst = nullptr;
  for (const pb::Setting& setting : container.settings()) {
    if (inOrder(setting.state())) ++out.in_order;
    if (!worst || weight(setting.state()) > weight(worst->state())) worst = &setting;
  }
  if (worst) {
    out.state = word(worst->state());
    out.tone = toneOf(worst->state());
    out.reason = worst->reason().empty() ? "" : worst->key() + ": " + worst->reason();
  }
  const bool mistakes = container.problems_size() > 0;
  if (mistakes && (!worst || weight(worst->state()) < weight(pb::SETTING_STATE_INVALID))) {
    out.state = word(pb::SETTING_STATE_INVALID);
    out.tone = Tone::Bad;
    out.reason = container.problems(0).key() + ": " + container.problems(0).message();
  }
  if (container.has_rejection()) {
    out.state = "Rejected";
    out.tone = Tone::Bad;
    out.reason = container.rejection();
  }
  return out;
}

std::string ageOf(bool known, const google::protobuf::Timestamp& stamp, Clock::time_point now) {
  if (!known) return "<unknown>";
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return shortAge(std::chrono::seconds(seconds - stamp.seconds()));
}

std::string isoTime(bool known, const google::protobuf::Timestamp& stamp) {
  if (!known) return "";
  const std::time_t seconds = stamp.seconds();
  std::tm utc{};
  if (!gmtime_r(&seconds, &utc)) return "";
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return out;
}

}  // namespace plimsoll::cli
