#include "pkg/control/ledger.h"

#include <utility>

#include "pkg/base/parse.h"

namespace plimsoll::control {
namespace {

using journal::Change;
using model::ContainerReport;
using model::PlannedSetting;

const model::SettingKey& keyOf(const PlannedSetting& setting) { return setting.request.setting; }

// A pod's namespaces outlive each of its containers: what is changed there is the sandbox's.
const std::string& ownerId(const ContainerReport& report, const PlannedSetting& setting) {
  return model::isPodWide(keyOf(setting)) ? report.pod.sandbox_id : report.container.id;
}

std::string joined(const std::vector<std::string>& writes) {
  std::string text;
  for (const std::string& each : writes) text.append(text.empty() ? "" : "\n").append(each);
  return text;
}

}  // namespace

const Change* Ledger::find(const ContainerReport& report, const PlannedSetting& setting) const {
  return journal_.find(ownerId(report, setting), keyOf(setting).spec->target, keyOf(setting).file);
}

std::vector<const Change*> Ledger::ofContainer(const ContainerReport& report) const {
  auto changes = journal_.ofContainer(report.container.id);
  auto shared = journal_.ofContainer(report.pod.sandbox_id);
  changes.insert(changes.end(), shared.begin(), shared.end());
  return changes;
}

Change Ledger::change(const ContainerReport& report, const PlannedSetting& setting, mechanism::Place place,
                      std::optional<std::string> found) const {
  Change change;
  change.owner = {report.pod.ns, report.pod.name, report.pod.uid, report.container.name,
                  ownerId(report, setting)};
  if (model::isPodWide(keyOf(setting))) change.owner.container.clear();
  change.target = keyOf(setting).spec->target;
  change.place = std::move(place.name);
  change.place_id = place.id;
  change.object = keyOf(setting).file;
  change.key = keyOf(setting).key;
  if (found) change.found = base::trim(*found);
  change.ours = joined(model::kernelWrites(*keyOf(setting).spec, setting.value));
  change.asked_by = setting.request.source.where;
  return change;
}

void Ledger::set(std::vector<Change> changes) {
  if (!changes.empty()) journal_.set(std::move(changes));
}

std::optional<Change> Ledger::outcome(const ContainerReport& report, const PlannedSetting& setting,
                                      const mechanism::Place& place, const mechanism::Applied& applied) {
  const Change* open = find(report, setting);
  if (!open || !applied.text) return std::nullopt;
  Change change = *open;
  change.ours = base::trim(*applied.text);
  change.place = place.name;
  change.place_id = place.id;
  const bool refused = applied.state == model::State::Failed || applied.state == model::State::Unsupported;
  if (refused && change.found == change.ours) {
    journal_.close(change, journal::Op::Restored, "the kernel refused the value: " + applied.reason);
    return std::nullopt;
  }
  change.settled = true;
  return change;
}

void Ledger::settled(std::vector<Change> changes) {
  if (!changes.empty()) journal_.settled(std::move(changes));
}

void Ledger::rebase(const ContainerReport& report, const PlannedSetting& setting, std::string found) {
  const Change* open = find(report, setting);
  if (!open || open->found == found) return;
  Change change = *open;
  change.found = std::move(found);
  journal_.rebase(change);
}

}  // namespace plimsoll::control
