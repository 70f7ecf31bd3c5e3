#include "cmd/kubectl-plimsoll/document.h"

#include "cmd/kubectl-plimsoll/view_traffic.h"
#include "cmd/kubectl-plimsoll/words.h"

namespace plimsoll::cli {
namespace {

constexpr const char* kApiVersion = "plimsoll.dev/v1";

JsonValue head(const char* kind) { return {{"apiVersion", kApiVersion}, {"kind", kind}}; }

template <typename Item>
JsonValue list(const char* kind, std::span<const Item> items) {
  JsonValue out = head(kind);
  out["items"] = JsonValue::array();
  for (const Item& item : items) out["items"].push_back(document(item));
  return out;
}

JsonValue source(const pb::Source& source) {
  return {{"kind", word(source.kind())}, {"where", source.where()}};
}

void putText(JsonValue& out, const char* key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

JsonValue setting(const pb::Setting& setting) {
  JsonValue out = {{"key", setting.key()}, {"raw", setting.raw()}, {"source", source(setting.source())}};
  putText(out, "desired", setting.desired());
  out["found"] = setting.has_found() ? JsonValue(setting.found()) : JsonValue(nullptr);
  out["actual"] = setting.has_actual() ? JsonValue(setting.actual()) : JsonValue(nullptr);
  out["state"] = word(setting.state());
  out["stage"] = word(setting.stage());
  putText(out, "reason", setting.reason());
  putText(out, "rule", setting.rule());
  if (setting.error_number() != 0) {
    out["errno"] = setting.error_number();
    putText(out, "errnoName", setting.error_name());
  }
  putText(out, "binding", setting.binding());
  putText(out, "changedAt", isoTime(setting.has_changed_at(), setting.changed_at()));
  putText(out, "file", setting.file());
  out["live"] = setting.live();
  return out;
}

JsonValue problem(const pb::Problem& problem) {
  JsonValue out = JsonValue::object();
  putText(out, "container", problem.container());
  out["key"] = problem.key();
  out["value"] = problem.value();
  out["message"] = problem.message();
  putText(out, "suggestion", problem.suggestion());
  return out;
}

JsonValue status(const pb::Container& container) {
  const Summary summary = summarise(container);
  JsonValue out = {{"state", word(container.state())}, {"qosClass", word(container.pod().qos_class())}};
  putText(out, "class", container.class_name());
  out["onError"] = word(container.on_error());
  putText(out, "summary", summary.state);
  out["settingsInOrder"] = summary.in_order;
  out["pid"] = container.pid() == 0 ? JsonValue(nullptr) : JsonValue(container.pid());
  putText(out, "cgroupPath", container.cgroup_path());
  out["configGeneration"] = container.config_generation();
  putText(out, "firstSeen", isoTime(container.has_first_seen(), container.first_seen()));
  if (container.has_rejection()) out["rejection"] = container.rejection();
  out["settings"] = JsonValue::array();
  for (const auto& each : container.settings()) out["settings"].push_back(setting(each));
  out["problems"] = JsonValue::array();
  for (const auto& each : container.problems()) out["problems"].push_back(problem(each));
  return out;
}

}  // namespace

JsonValue document(const pb::Container& container) {
  JsonValue out = head("Container");
  JsonValue labels = JsonValue::object();
  // A protobuf map has no order of its own; output must not change from call to call.
  std::map<std::string, std::string> sorted(container.pod().labels().begin(), container.pod().labels().end());
  for (const auto& [key, value] : sorted) labels[key] = value;
  out["metadata"] = {{"namespace", container.pod().namespace_()},
                     {"pod", container.pod().name()},
                     {"name", container.name()},
                     {"podUid", container.pod().uid()},
                     {"id", container.id()},
                     {"labels", labels}};
  putText(out["metadata"], "node", container.node());
  out["status"] = status(container);
  return out;
}

JsonValue document(std::span<const pb::Container> containers) { return list("ContainerList", containers); }

JsonValue document(const pb::Node& node) {
  JsonValue out = head("Node");
  out["metadata"] = {{"name", node.name()}};
  JsonValue unsupported = JsonValue::array();
  for (const auto& row : node.unsupported())
    unsupported.push_back({{"key", row.key()}, {"reason", row.reason()}});
  JsonValue runtime = {{"connected", node.runtime().connected()},
                       {"name", node.runtime().name()},
                       {"version", node.runtime().version()},
                       {"nriVersion", node.runtime().nri_version()}};
  putText(runtime, "problem", node.runtime().problem());
  JsonValue configuration = {{"file", node.configuration().file()},
                             {"generation", node.configuration().generation()},
                             {"rules", node.configuration().rules()},
                             {"classes", std::vector<std::string>(node.configuration().classes().begin(),
                                                                  node.configuration().classes().end())}};
  putText(configuration, "problem", node.configuration().problem());
  out["status"] = {
      {"agentVersion", node.agent_version()},
      {"startedAt", isoTime(node.has_started_at(), node.started_at())},
      {"kernel", node.kernel_release()},
      {"runtime", runtime},
      {"configuration", configuration},
      {"controllers", std::vector<std::string>(node.controllers().begin(), node.controllers().end())},
      {"onlineCpus", node.online_cpus()},
      {"onlineNodes", node.online_nodes()},
      {"pageSizeBytes", node.page_size_bytes()},
      {"containers", node.containers().known()},
      {"containersWithProblems", node.containers().with_problems()},
      {"lastEvent", node.last_event()},
      {"eventsOverwritten", node.events_overwritten()},
      {"unsupported", unsupported},
      {"network", document(node.network())}};
  return out;
}

JsonValue document(std::span<const pb::Node> nodes) { return list("NodeList", nodes); }

JsonValue document(const pb::Event& event) {
  JsonValue out = head("Event");
  out["sequence"] = event.sequence();
  out["time"] = isoTime(event.has_time(), event.time());
  out["type"] = word(event.type());
  out["reason"] = event.reason();
  putText(out, "namespace", event.namespace_());
  putText(out, "pod", event.pod());
  putText(out, "container", event.container());
  putText(out, "key", event.key());
  putText(out, "node", event.node());
  out["message"] = event.message();
  return out;
}

JsonValue document(std::span<const pb::Event> events) { return list("EventList", events); }

JsonValue document(const pb::SettingInfo& setting) {
  JsonValue out = head("Setting");
  out["key"] = setting.key();
  out["group"] = setting.group();
  out["help"] = setting.help();
  out["type"] = setting.type();
  putText(out, "unit", setting.unit());
  if (setting.words_size() > 0)
    out["words"] = std::vector<std::string>(setting.words().begin(), setting.words().end());
  if (setting.instances_size() > 0) {
    out["instances"] = std::vector<std::string>(setting.instances().begin(), setting.instances().end());
  }
  putText(out, "file", setting.file());
  putText(out, "sinceKernel", setting.since_kernel());
  out["live"] = setting.live();
  out["permission"] = setting.permission();
  putText(out, "hurts", setting.hurts());
  putText(out, "example", setting.example());
  return out;
}

JsonValue document(std::span<const pb::SettingInfo> settings) { return list("SettingList", settings); }

JsonValue document(const pb::LintResponse& lint) {
  JsonValue out = head("LintReport");
  out["podsChecked"] = lint.pods_checked();
  out["findings"] = JsonValue::array();
  for (const pb::Finding& finding : lint.findings()) {
    JsonValue row = {{"severity", word(finding.severity())}, {"object", finding.object()}};
    if (finding.line() > 0) row["line"] = finding.line();
    row.update(problem(finding.problem()));
    out["findings"].push_back(row);
  }
  return out;
}

std::string toJson(const JsonValue& value, bool one_line) {
  return value.dump(one_line ? -1 : 2, ' ', true, JsonValue::error_handler_t::replace) + "\n";
}

}  // namespace plimsoll::cli
