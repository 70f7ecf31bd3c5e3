// `describe`: each setting's journey from the annotation to the kernel.
#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {
namespace {

std::string field(const std::string& name, const std::string& value, const std::string& indent = "") {
  constexpr size_t kColumn = 14;
  const std::string label = name + ":";
  const size_t gap = label.size() < kColumn ? kColumn - label.size() : 1;
  return indent + label + std::string(gap, ' ') + (value.empty() ? "<none>" : printable(value)) + "\n";
}

std::string unknownOr(bool known, const std::string& text) { return known ? text : "<unknown>"; }

std::string whyText(const pb::Setting& setting) {
  std::string why = setting.reason();
  if (why.empty() && setting.state() == pb::SETTING_STATE_ADJUSTED) {
    why = "the kernel keeps " + unknownOr(setting.has_actual(), setting.actual()) + " where " +
          setting.desired() + " was asked: it rounds, or limits the value";
  }
  if (why.empty() && setting.state() == pb::SETTING_STATE_DRIFTED)
    why = "somebody else wrote this value later";
  const bool names_errno = why.find(setting.error_name()) != why.npos;
  if (!setting.error_name().empty() && !names_errno)
    why += (why.empty() ? "" : " ") + ("(" + setting.error_name() + ")");
  return why;
}

void addNotes(const pb::Setting& setting, Table& table) {
  if (const std::string why = whyText(setting); !why.empty()) table.note("why: " + printable(why));
  if (!setting.binding().empty()) table.note("binds instead: " + printable(setting.binding()));
  if (!setting.rule().empty()) table.note("rule: " + printable(setting.rule()));
  if (setting.stage() == pb::STAGE_LATE && setting.has_actual()) {
    table.note("late: the container already ran when this was written");
  }
}

std::string settingsSection(const pb::Container& container, const View& view) {
  if (container.settings_size() == 0) return field("Settings", "", "  ");
  std::vector<std::string> headers = {"SETTING", "ASKED", "BY", "DESIRED", "BEFORE", "KERNEL HAS", "STATE"};
  if (view.wide) headers.insert(headers.end(), {"STAGE", "FILE", "CHANGED"});
  Table table(headers);
  for (const pb::Setting& setting : container.settings()) {
    std::vector<Cell> cells = {setting.key(),
                               quoted(setting.raw()),
                               sourceForPeople(setting.source()),
                               setting.desired(),
                               {unknownOr(setting.has_found(), setting.found()), Tone::Faint},
                               unknownOr(setting.has_actual(), setting.actual()),
                               {word(setting.state()), toneOf(setting.state())}};
    if (view.wide) {
      cells.insert(cells.end(), {word(setting.stage()), setting.file(),
                                 ageOf(setting.has_changed_at(), setting.changed_at(), view.now)});
    }
    table.add(std::move(cells));
    addNotes(setting, table);
  }
  return "  Settings:\n" + table.render(view.palette, true, "    ");
}

std::string problemsSection(const pb::Container& container, const View& view) {
  if (container.problems_size() == 0) return "";
  std::string out = "  Problems:\n";
  for (const pb::Problem& problem : container.problems()) {
    out += "    " + view.palette.paint(Tone::Bad, printable(problem.key()));
    if (!problem.value().empty()) out += " = " + quoted(problem.value());
    out += "\n      " + printable(problem.message()) + "\n";
    const bool named = problem.message().find(problem.suggestion()) != std::string::npos;
    if (!named) out += "      did you mean " + printable(problem.suggestion()) + "?\n";
  }
  return out;
}

std::string containerSection(const pb::Container& container, const View& view, const TrafficById& traffic) {
  std::string out = field("Container", container.name());
  out += field("ID", container.id(), "  ");
  out += field("State", word(container.state()), "  ");
  out += field("PID", container.pid() == 0 ? "<unknown>" : std::to_string(container.pid()), "  ");
  out += field("Cgroup", container.cgroup_path().empty() ? "<unknown>" : container.cgroup_path(), "  ");
  out += field("Class", container.class_name(), "  ");
  out += field("On Error", word(container.on_error()), "  ");
  if (container.has_rejection()) {
    out += "  Rejected:   " + view.palette.paint(Tone::Bad, printable(container.rejection())) + "\n";
  }
  out += settingsSection(container, view);
  if (auto it = traffic.find(container.id()); it != traffic.end()) out += trafficSection(it->second, view);
  return out + problemsSection(container, view);
}

std::string podHead(const pb::Container& container) {
  const pb::Pod& pod = container.pod();
  std::string out = field("Pod", pod.name()) + field("Namespace", pod.namespace_()) + field("UID", pod.uid());
  if (!container.node().empty()) out += field("Node", container.node());
  out += field("QoS Class", word(pod.qos_class()));
  if (pod.has_service_account()) out += field("Account", pod.service_account());
  return out;
}

std::string eventsSection(const pb::Pod& pod, std::span<const pb::Event> events, const View& view) {
  Table table({"AGE", "TYPE", "REASON", "CONTAINER", "MESSAGE"});
  for (const pb::Event& event : events) {
    if (event.namespace_() != pod.namespace_() || event.pod() != pod.name()) continue;
    const Tone tone = event.type() == pb::EVENT_TYPE_WARNING ? Tone::Warn : Tone::Plain;
    table.add({ageOf(event.has_time(), event.time(), view.now),
               {word(event.type()), tone},
               event.reason(),
               event.container(),
               event.message()});
  }
  return table.empty() ? field("Events", "") : "Events:\n" + table.render(view.palette, true, "  ");
}

bool samePod(const pb::Container& a, const pb::Container& b) {
  return a.pod().namespace_() == b.pod().namespace_() && a.pod().name() == b.pod().name() &&
         a.pod().uid() == b.pod().uid();
}

}  // namespace

std::string describeContainers(std::span<const pb::Container> containers, std::span<const pb::Event> events,
                               const View& view, const TrafficById& traffic) {
  std::string out;
  for (size_t i = 0; i < containers.size(); ++i) {
    const pb::Container& container = containers[i];
    const bool first_of_pod = i == 0 || !samePod(containers[i - 1], container);
    if (first_of_pod) out += (i == 0 ? "" : "\n\n") + podHead(container);
    out += containerSection(container, view, traffic);
    const bool last_of_pod = i + 1 == containers.size() || !samePod(container, containers[i + 1]);
    if (last_of_pod) out += eventsSection(container.pod(), events, view);
  }
  return out;
}

}  // namespace plimsoll::cli
