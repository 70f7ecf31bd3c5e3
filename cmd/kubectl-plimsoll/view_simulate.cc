#include "cmd/kubectl-plimsoll/view_simulate.h"

#include <algorithm>

#include "cmd/kubectl-plimsoll/table.h"

namespace plimsoll::cli {
namespace {

bool isGranted(const pb::Setting& setting) { return setting.state() == pb::SETTING_STATE_PENDING; }

Cell verdictOf(const pb::Setting& setting) {
  if (isGranted(setting)) return {"Granted", Tone::Good};
  return {word(setting.state()), toneOf(setting.state())};
}

std::string containerText(const pb::Container& container, const View& view) {
  const std::string ns = container.pod().namespace_();
  std::string out =
      view.palette.paint(Tone::Strong, printable(container.pod().name() + " " + container.name())) +
      " in namespace " + printable(ns) + ", class " +
      (container.class_name().empty() ? "<none>" : printable(container.class_name())) + "\n";
  if (container.has_rejection())
    out +=
        "  " + view.palette.paint(Tone::Bad, "would not start: " + printable(container.rejection())) + "\n";
  Table table({"SETTING", "ASKED", "BY", "WOULD BE", "AT", "VERDICT"});
  for (const pb::Setting& setting : container.settings()) {
    const std::string stage = isGranted(setting) ? word(setting.stage()) : "-";
    std::vector<Cell> cells = {setting.key(), cli::quoted(setting.raw()), sourceForPeople(setting.source()),
                               setting.desired(), stage};
    cells.push_back(verdictOf(setting));
    table.add(std::move(cells));
    if (!setting.reason().empty()) table.note("why: " + printable(setting.reason()));
    if (!setting.rule().empty()) table.note("rule: " + printable(setting.rule()));
  }
  return out + (table.empty() ? "  nothing is asked for\n" : table.render(view.palette, true, "  "));
}

}  // namespace

std::string simulationText(std::span<const pb::Container> containers, const View& view) {
  std::string out;
  for (const pb::Container& container : containers) {
    if (!out.empty()) out += "\n";
    if (!container.node().empty()) out += "on node " + printable(container.node()) + ": ";
    out += containerText(container, view);
  }
  return out;
}

bool allGranted(std::span<const pb::Container> containers) {
  return std::all_of(containers.begin(), containers.end(), [](const pb::Container& container) {
    return !container.has_rejection() && container.problems().empty() &&
           std::all_of(container.settings().begin(), container.settings().end(), isGranted);
  });
}

JsonValue document(const pb::SimulateResponse& simulation) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "SimulationReport"}};
  const std::vector<pb::Container> containers(simulation.containers().begin(), simulation.containers().end());
  out["granted"] = allGranted(containers);
  out["items"] = JsonValue::array();
  for (const pb::Container& container : containers) out["items"].push_back(document(container));
  out["findings"] = document(simulation.lint())["findings"];
  return out;
}

}  // namespace plimsoll::cli
