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
#include "pkg/policy/baseline.h"
#include "pkg/policy/binding.h"

namespace plimsoll::control {
namespace {

using base::Result;
using base::Status;
using mechanism::Applied;
using model::ContainerReport;
using model::PlannedSetting;
using model::Stage;
using model::State;

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

void take(const Applied& applied, PlannedSetting& setting) {
  State before = setting.state;
  mechanism::record(applied, setting);
  if (setting.found) setting.found = base::trim(*setting.found);
  judgeBinding(setting, applied);
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

// What was carried in the creation request and arrived keeps that stage; what we wrote has ours.
void setStage(PlannedSetting& setting, const Applied& applied, Applier::When when) {
  if (!applied.written) return;
  setting.stage = when == Applier::When::Start ? Stage::Start : Stage::Late;
}

// Runtimes put the container's id into its cgroup's name.
bool namesContainer(std::string_view proc_cgroup, const model::ContainerFacts& container) {
  return !container.id.empty() && proc_cgroup.find(container.id) != std::string_view::npos;
}

// Files that the runtime writes whenever the kubelet resizes the container.
bool isKubelets(std::string_view file) {
  return file == "cpu.weight" || file == "cpu.max" || file == "memory.max" || file == "pids.max";
}

// What the file would hold without us: what was found before we wrote; for a value that travelled at creation
// what the kubelet gave, or else a new cgroup's default. nullopt: not known.
std::optional<model::Value> valueWithoutUs(const PlannedSetting& setting, const ContainerReport& report) {
  const std::string& file = setting.request.setting.file;
  auto parsed = [&setting](const std::string& text) -> std::optional<model::Value> {
    auto value = model::parseKernelText(specOf(setting), setting.value, text);
    return value ? std::optional(*std::move(value)) : std::nullopt;
  };
  if (setting.found) return parsed(*setting.found);
  const auto& unified = report.container.base.unified;
  if (auto it = unified.find(file); it != unified.end()) return parsed(it->second);
  if (isKubelets(file)) return policy::kubeletValue(setting.request.setting, report.pod, report.container);
  for (std::string_view zero :
       {"memory.min", "memory.low", "memory.oom.group", "cpu.idle", "cpu.max.burst"}) {
    if (file == zero) return parsed("0");
  }
  if (file == "memory.high") return parsed("max");
  return std::nullopt;
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

Applier::Outcome Applier::retry(const ContainerHandle& handle, ContainerReport& report) const {
  Accesses accesses(handle, roots_, report.container.pid);
  for (size_t i : cgroup::writeOrder(report.plan.settings, handle)) {
    PlannedSetting& setting = report.plan.settings[i];
    int error = setting.error_number;
    bool momentary = error == EBUSY || error == EAGAIN || error == EINTR;
    if (setting.state != State::Failed || !momentary) continue;
    Applied applied = mechanism::applySetting(accesses.of(setting), setting);
    if (applied.gone && handle.gone()) return Outcome::Gone;
    setStage(setting, applied, When::Late);
    take(applied, setting);
  }
  return Outcome::Done;
}

Applier::Outcome Applier::converge(const ContainerHandle& handle, ContainerReport& report, When when) const {
  Accesses accesses(handle, roots_, report.container.pid);
  for (size_t i : cgroup::writeOrder(report.plan.settings, handle)) {
    PlannedSetting& setting = report.plan.settings[i];
    Applied applied = mechanism::applySetting(accesses.of(setting), setting);
    // A process may end while its container goes on.
    if (applied.gone && handle.gone()) return Outcome::Gone;
    recogniseCarried(setting, applied);
    setStage(setting, applied, when);
    take(applied, setting);
  }
  return Outcome::Done;
}

Applier::Outcome Applier::observe(const ContainerHandle& handle, ContainerReport& report) const {
  if (handle.gone()) return Outcome::Gone;
  Accesses accesses(handle, roots_, report.container.pid);
  for (PlannedSetting& setting : report.plan.settings) {
    if (!isWritten(setting)) continue;
    Applied applied = mechanism::observeSetting(accesses.of(setting), setting);
    if (applied.gone) continue;
    take(applied, setting);
  }
  return Outcome::Done;
}

void Applier::forgetFoundBeforeResize(ContainerReport& report) {
  for (PlannedSetting& setting : report.plan.settings) {
    if (isKubelets(setting.request.setting.file)) setting.found.reset();
  }
}

void Applier::relaxForResize(const ContainerHandle& handle, const ContainerReport& report) const {
  // The runtime writes cpu.weight and cpu.max of its own; the kernel refuses the first while cpu.idle is 1
  // and the second below cpu.max.burst, and the kubelet's resize would fail.
  for (const PlannedSetting& setting : report.plan.settings) {
    const std::string& file = setting.request.setting.file;
    if (!isWritten(setting) || (file != "cpu.idle" && file != "cpu.max.burst")) continue;
    if (Status written = handle.write(file, {"0"}); !written && !written.error().isGone()) {
      base::log::warn("Could not make room for a resize",
                      {{"container", report.container.id}, {"err", written.error().message}});
    }
  }
}

void Applier::withdraw(const ContainerHandle& handle, const ContainerReport& report,
                       const PlannedSetting& setting) const {
  if (!isWritten(setting)) return;
  Accesses accesses(handle, roots_, report.container.pid);
  Applied now = mechanism::observeSetting(accesses.of(setting), setting);
  if (now.gone || (now.state != State::Applied && now.state != State::Adjusted)) return;
  auto value = valueWithoutUs(setting, report);
  std::string problem = "what it was before is not known";
  if (value) {
    PlannedSetting restored = setting;
    restored.value = *std::move(value);
    restored.state = State::Pending;
    Applied done = mechanism::applySetting(accesses.of(restored), restored);
    if (done.gone || done.state != State::Failed) return;
    problem = done.reason;
  }
  base::log::warn(
      "Could not put a value back",
      {{"container", report.container.id}, {"key", setting.request.setting.key}, {"err", problem}});
}

}  // namespace plimsoll::control
