#include "pkg/control/applier.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

#include "pkg/base/log.h"
#include "pkg/base/parse.h"
#include "pkg/cgroup/devices.h"
#include "pkg/cgroup/path.h"
#include "pkg/cgroup/write_order.h"
#include "pkg/control/accesses.h"
#include "pkg/control/release.h"
#include "pkg/policy/baseline.h"
#include "pkg/policy/binding.h"
#include "pkg/policy/drift.h"

namespace plimsoll::control {
namespace {

using base::Result;
using base::Status;
using mechanism::Applied;
using model::ContainerReport;
using model::PlannedSetting;
using model::Stage;
using model::State;

constexpr int64_t kDefaultWeight = 100;

const model::SettingSpec& specOf(const PlannedSetting& setting) { return *setting.request.setting.spec; }

// A value that is in place acts only as far as the ancestors let it.
void judgeBinding(PlannedSetting& setting, const Applied& applied) {
  setting.binding.clear();
  if (setting.state != State::Applied && setting.state != State::Adjusted) return;
  auto binding = policy::bindingAncestor(specOf(setting), setting.value, applied.ancestors);
  if (!binding) return;
  setting.state = State::Moot;
  setting.reason = "a parent cgroup binds";
  setting.binding = *binding;
}

// What travelled in the creation request and cannot be read back: a filter; a namespace and its sysctls where
// we may not look into it; what runtimes set only after StartContainer and we may not set ourselves. A
// runtime that cannot set it fails the container, so its start is taken for it.
bool isOnTheRuntimesWord(const Applied& applied, const PlannedSetting& setting) {
  if (setting.stage != Stage::Create || (setting.state != State::Pending && setting.state != State::Applied))
    return false;
  switch (specOf(setting).target) {
    case model::Target::Sysctl:
    case model::Target::Seccomp:
    case model::Target::Namespace:
      return applied.state == State::Unsupported && !applied.written;
    case model::Target::IoPriority:
    case model::Target::Scheduler:
      return applied.state == State::Failed &&
             (applied.error_number == EPERM || applied.error_number == EACCES);
    default:
      return false;
  }
}

void take(const Applied& applied, PlannedSetting& setting, const journal::Change* change) {
  State before = setting.state;
  const bool on_word = isOnTheRuntimesWord(applied, setting);
  mechanism::record(applied, setting);
  setting.found = change ? change->found : std::nullopt;
  judgeBinding(setting, applied);
  if (setting.state == State::Applied) setting.reason = setting.caveat;
  if (on_word) {
    setting.state = State::Applied;
    setting.reason = "set by the runtime and not read back: " + applied.reason;
  }
  if (setting.state != before) setting.changed_at = std::chrono::system_clock::now();
}

// A value that travelled at creation and that the kernel rounded reads back as another one: it was written
// again, and nothing changed. It is ours all the same, so what was there before us is not known.
void recogniseCarried(const PlannedSetting& setting, Applied& applied) {
  if (setting.state != State::Pending || setting.stage != Stage::Create) return;
  if (applied.state != State::Adjusted || !applied.written || !applied.found) return;
  if (model::compareWithKernel(specOf(setting), setting.value, *applied.found).actual != applied.actual)
    return;
  applied.written = false;
  applied.found.reset();
}

// What was carried in the creation request and arrived, or could not be written over, keeps that stage; what
// we wrote has ours.
void setStage(PlannedSetting& setting, const Applied& applied, Applier::When when) {
  if (!applied.written || applied.state == State::Failed) return;
  setting.stage = when == Applier::When::Start ? Stage::Start : Stage::Late;
}

// Runtimes put the container's id into its cgroup's name.
bool namesContainer(std::string_view proc_cgroup, const model::ContainerFacts& container) {
  return !container.id.empty() && proc_cgroup.find(container.id) != std::string_view::npos;
}

// The runtime writes these on a resize exactly as the kubelet gave them; what it gave nothing for stays.
bool isPassedOn(std::string_view file, const model::BaseResources& base) {
  if (file == "cpu.max") return base.cpu_quota_us.has_value();
  if (file == "memory.max") return base.memory_limit.has_value();
  return file == "pids.max" && base.pids_limit.has_value();
}

// Whether the plan still sets what the journal has. While a container is idle its weight is gone on purpose.
bool isAskedFor(const journal::Change& change, const ContainerReport& report) {
  const auto& settings = report.plan.settings;
  return std::any_of(settings.begin(), settings.end(), [&](const PlannedSetting& setting) {
    if (model::isDecidedAgainst(setting.state)) return false;
    const model::SettingKey& key = setting.request.setting;
    if (key.spec->target != change.target) return false;
    const bool idles = key.file == "cpu.idle" && setting.value != model::Value(model::Number{0});
    return key.file == change.object || (idles && change.object == "cpu.weight");
  });
}

// Our value was in place when an earlier agent looked last, and is still wanted: what is there now is
// somebody else's.
bool changedWhileAway(const PlannedSetting& setting, const mechanism::Looked& looked,
                      const journal::Change* open) {
  const bool untouched = setting.state == State::Pending || setting.state == State::Failed;
  if (!untouched || !open || !open->settled) return false;
  const auto now = base::trim(*looked.applied.found);
  if (now == open->ours || now == open->found) return false;
  return model::compareWithKernel(specOf(setting), setting.value, open->ours).outcome ==
         model::Comparison::Outcome::Equal;
}

// Neither ours nor what we replaced: somebody has written since, and where such are yielded to, his is what
// there is to go back to.
bool isYieldedTo(const PlannedSetting& setting, const mechanism::Looked& looked, const journal::Change* open,
                 const model::DriftRules* drift) {
  if (!drift || !open || !open->settled) return false;
  const auto now = base::trim(*looked.applied.found);
  return now != open->ours && now != open->found &&
         policy::driftMode(*drift, setting.request.setting) == model::DriftMode::Yield;
}

// With shares in its specification the runtime writes the weight on every resize, and nobody else knows by
// which formula: also where it happens to be ours, it is what there is to go back to.
bool isTheRuntimesWeight(const PlannedSetting& setting, const mechanism::Looked& looked,
                         const model::ContainerFacts& container) {
  const auto& found = looked.applied.found;
  return setting.request.setting.file == "cpu.weight" && container.base.cpu_shares && found &&
         base::trim(*found) != "0";
}

bool isRefusedForNow(const PlannedSetting& setting) {
  const int error = setting.error_number;
  return setting.state == State::Failed && (error == EBUSY || error == EAGAIN || error == EINTR);
}

bool isWritten(const PlannedSetting& setting) {
  return !model::isDecidedAgainst(setting.state) && setting.state != State::Pending &&
         setting.state != State::Failed;
}

}  // namespace

Result<ContainerHandle> Applier::open(const model::PodFacts& pod,
                                      const model::ContainerFacts& container) const {
  Result<ContainerHandle> opened = base::error(base::ErrorCode::NotFound, "the runtime names no cgroup");
  if (!container.cgroups_path.empty()) {
    ASSIGN_OR_RETURN(std::string path, cgroup::fromRuntime(container.cgroups_path, pod.cgroup_parent));
    opened = ContainerHandle::open(hierarchy_, std::move(path));
  }
  if (opened || container.pid <= 0 || !opened.error().isGone()) return opened;
  ASSIGN_OR_RETURN(std::string text,
                   sys::readFile(roots_.proc + "/" + std::to_string(container.pid) + "/cgroup"));
  // Another process may have the number by now.
  if (!namesContainer(text, container)) return opened;
  ASSIGN_OR_RETURN(std::string path, hierarchy_.locate(text));
  return ContainerHandle::open(hierarchy_, std::move(path));
}

bool Applier::processLives(const model::ContainerFacts& container) const {
  if (container.pid <= 0) return false;
  auto text = sys::readFile(roots_.proc + "/" + std::to_string(container.pid) + "/cgroup");
  return text && namesContainer(*text, container);
}

Applier::Devices Applier::resolveDevices(const std::vector<const model::Request*>& requests,
                                         const model::ContainerFacts& container) const {
  Devices resolved;
  for (const model::Request* request : requests) {
    for (model::DeviceRef& device : model::devicesOf(request->value)) {
      auto known = [&device](const auto& entry) { return entry.first == device; };
      if (std::any_of(resolved.begin(), resolved.end(), known)) continue;
      auto number = cgroup::resolveDevice(roots_, device, container);
      resolved.emplace_back(std::move(device), std::move(number));
    }
  }
  return resolved;
}

void Applier::carry(const ContainerReport& report) {
  std::vector<journal::Change> changes;
  changes.reserve(report.plan.settings.size());
  mechanism::Place place;
  if (auto path = cgroup::fromRuntime(report.container.cgroups_path, report.pod.cgroup_parent))
    place.name = *std::move(path);
  for (const PlannedSetting& setting : report.plan.settings) {
    if (setting.state != State::Pending || setting.stage != Stage::Create) continue;
    std::optional<std::string> found;
    if (auto without = policy::certainValue(setting, report.pod, report.container))
      found = model::kernelWrites(specOf(setting), *without).front();
    // A process's own, which ends with it: without a value to go back to there is nothing to record.
    const model::Target target = specOf(setting).target;
    if (!found && target != model::Target::CgroupFile && target != model::Target::Sysctl) continue;
    changes.push_back(ledger_.change(report, setting, place, std::move(found)));
  }
  ledger_.set(std::move(changes));
}

std::optional<journal::Change> Applier::put(const mechanism::Access& access, ContainerReport& report,
                                            Step step, When when) {
  PlannedSetting& setting = report.plan.settings[step.index];
  const bool tried = step.looked.must_write;
  const auto start = std::chrono::steady_clock::now();
  Applied applied = mechanism::put(access, setting, std::move(step.looked));
  recogniseCarried(setting, applied);
  setStage(setting, applied, when);
  auto outcome = ledger_.outcome(report, setting, access.place(), applied);
  take(applied, setting, ledger_.find(report, setting));
  const auto took = std::chrono::steady_clock::now() - start;
  if (tried || setting.state == State::Failed)
    metrics_.applied(specOf(setting), setting.state, took, setting.error_number);
  return outcome;
}

// An idle cgroup has no weight, and one that is idle no longer has the default: the weight that the runtime
// gave goes with cpu.idle, and has to come back after it.
void Applier::rememberWeight(const mechanism::Access& access, const ContainerReport& report,
                             const PlannedSetting& setting, std::vector<journal::Change>& changes) {
  if (setting.request.setting.file != "cpu.idle" || setting.value == model::Value(model::Number{0})) return;
  PlannedSetting weight;
  weight.request.setting = model::findSetting("cpu.weight").value();
  weight.request.source = setting.request.source;
  weight.value = model::Number{kDefaultWeight};
  auto text = access.read(weight);
  if (!text || base::trim(*text) == "0") return;
  if (const journal::Change* open = ledger_.find(report, weight)) {
    if (base::trim(*text) != open->ours) ledger_.rebase(report, weight, std::string(base::trim(*text)));
    return;
  }
  changes.push_back(ledger_.change(report, weight, access.place(), *std::move(text)));
}

Applier::Outcome Applier::write(const ContainerHandle& handle, ContainerReport& report,
                                const std::vector<size_t>& settings, const Circumstances& now) {
  const When when = now.when;
  Accesses accesses(handle, roots_, report.container.pid, {traffic_, &report.pod, TrafficUse::Change});
  std::vector<Step> steps;
  std::vector<journal::Change> changes;
  for (size_t i : settings) {
    const PlannedSetting& setting = report.plan.settings[i];
    const mechanism::Access& access = accesses.of(setting);
    mechanism::Looked looked = mechanism::look(access, setting);
    // A process may end while its container goes on.
    if (looked.applied.gone && handle.gone()) return Outcome::Gone;
    const journal::Change* open = ledger_.find(report, setting);
    if (looked.must_write && now.first && when != When::Resized && changedWhileAway(setting, looked, open)) {
      PlannedSetting& drifted = report.plan.settings[i];
      drifted.state = State::Drifted;
      drifted.actual = model::compareWithKernel(specOf(setting), setting.value, *looked.applied.found).actual;
      drifted.found = open->found;
      continue;
    }
    if (looked.must_write) {
      rememberWeight(access, report, setting, changes);
      std::string found(base::trim(*looked.applied.found));
      // The runtime has just written it: that is what there is to go back to now.
      const bool resized = when == When::Resized && policy::isKubelets(setting.request.setting.file);
      if (resized || isYieldedTo(setting, looked, open, now.drift)) ledger_.rebase(report, setting, found);
      changes.push_back(ledger_.change(report, setting, access.place(), std::move(found)));
    }
    if (!looked.must_write && when == When::Resized && isTheRuntimesWeight(setting, looked, report.container))
      ledger_.rebase(report, setting, std::string(base::trim(*looked.applied.found)));
    steps.push_back({i, std::move(looked)});
  }
  ledger_.set(std::move(changes));
  std::vector<journal::Change> outcomes;
  for (Step& step : steps) {
    const mechanism::Access& access = accesses.of(report.plan.settings[step.index]);
    if (auto outcome = put(access, report, std::move(step), when)) outcomes.push_back(*std::move(outcome));
  }
  ledger_.settled(std::move(outcomes));
  return handle.gone() ? Outcome::Gone : Outcome::Done;
}

Applier::Outcome Applier::converge(const ContainerHandle& handle, ContainerReport& report,
                                   const Circumstances& now) {
  std::vector<size_t> order = cgroup::writeOrder(report.plan.settings, handle);
  std::erase_if(order, [&](size_t i) { return report.plan.settings[i].state == State::Drifted; });
  return write(handle, report, order, now);
}

Applier::Outcome Applier::enforce(const ContainerHandle& handle, ContainerReport& report,
                                  const std::vector<size_t>& settings) {
  std::vector<size_t> order = cgroup::writeOrder(report.plan.settings, handle);
  std::erase_if(order,
                [&](size_t i) { return std::find(settings.begin(), settings.end(), i) == settings.end(); });
  return write(handle, report, order, {});
}

Applier::Outcome Applier::retry(const ContainerHandle& handle, ContainerReport& report) {
  std::vector<size_t> refused;
  for (size_t i = 0; i < report.plan.settings.size(); ++i) {
    if (isRefusedForNow(report.plan.settings[i])) refused.push_back(i);
  }
  return refused.empty() ? Outcome::Done : enforce(handle, report, refused);
}

Applier::Outcome Applier::observe(const ContainerHandle& handle, ContainerReport& report) const {
  if (handle.gone()) return Outcome::Gone;
  Accesses accesses(handle, roots_, report.container.pid, {traffic_, &report.pod, TrafficUse::Look});
  for (PlannedSetting& setting : report.plan.settings) {
    if (!isWritten(setting)) continue;
    const auto start = std::chrono::steady_clock::now();
    Applied applied = mechanism::observeSetting(accesses.of(setting), setting);
    metrics_.readBack(std::chrono::steady_clock::now() - start);
    if (applied.gone) continue;
    take(applied, setting, ledger_.find(report, setting));
  }
  return Outcome::Done;
}

void Applier::yield(const ContainerReport& report, const PlannedSetting& setting) {
  const journal::Change* open = ledger_.find(report, setting);
  if (!open) return;
  journal::Change left = *open;
  left.ours = setting.actual.value_or("");
  ledger_.close(left, journal::Op::Left, setting.reason);
}

void Applier::prepareResize(const std::optional<ContainerHandle>& handle, ContainerReport& report) {
  for (const PlannedSetting& setting : report.plan.settings) {
    if (!isWritten(setting)) continue;
    const std::string& file = setting.request.setting.file;
    if (isPassedOn(file, report.container.base)) {
      auto base = policy::kubeletValue(setting.request.setting, report.pod, report.container);
      ledger_.rebase(report, setting, model::kernelWrites(specOf(setting), base).front());
    }
    // The runtime writes cpu.weight and cpu.max of its own; the kernel refuses the first while cpu.idle is 1
    // and the second below cpu.max.burst, and the kubelet's resize would fail.
    if (!handle || (file != "cpu.idle" && file != "cpu.max.burst")) continue;
    if (Status written = handle->write(file, {"0"}); !written && !written.error().isGone()) {
      base::log::warn("Could not make room for a resize",
                      {{"container", report.container.id}, {"err", written.error().message}});
    }
  }
}

bool Applier::withdraw(const ContainerHandle& handle, const ContainerReport& report) {
  std::vector<journal::Change> changes;
  for (const journal::Change* change : ledger_.ofContainer(report)) {
    if (!isAskedFor(*change, report)) changes.push_back(*change);
  }
  // The newest first, as a value may stand on an earlier one.
  std::reverse(changes.begin(), changes.end());
  Accesses accesses(handle, roots_, report.container.pid, {traffic_, &report.pod, TrafficUse::Look});
  bool complete = true;
  for (const journal::Change& change : changes) {
    auto key = model::findSetting(change.key);
    if (!key) continue;  // of another version: a release tells of it
    const mechanism::Access& access = accesses.of(*key);
    ReleaseRow row = putBack(change, access, Mode::Restore);
    // Once more where it failed: somebody may have written between our writing and reading back.
    if (row.outcome == control::Outcome::Failed) row = putBack(change, access, Mode::Restore);
    if (recordOutcome(ledger_.journal(), row, "no longer asked for")) continue;
    complete = complete && row.outcome != control::Outcome::Failed;
    base::log::warn("Could not put a value back",
                    {{"container", report.container.id}, {"key", change.key}, {"err", row.reason}});
  }
  return complete;
}

}  // namespace plimsoll::control
