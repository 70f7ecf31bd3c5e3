// The controller and other people's writes: noticing them, deciding what to do, and the records of what is no
// more.

#include <malloc.h>

#include <algorithm>
#include <string>
#include <utility>

#include "pkg/base/log.h"
#include "pkg/control/controller.h"
#include "pkg/control/release.h"
#include "pkg/netns/namespace.h"
#include "pkg/policy/drift.h"

namespace plimsoll::control {
namespace {

using Clock = sys::EventLoop::Clock;
using model::ContainerReport;
using model::DriftMode;
using model::PlannedSetting;
using model::State;

// The same setting before: only one of a key is ever in force.
const PlannedSetting* inForceBefore(const ContainerReport& report, const PlannedSetting& setting) {
  for (const PlannedSetting& each : report.plan.settings) {
    if (each.request.setting.key == setting.request.setting.key && !model::isDecidedAgainst(each.state))
      return &each;
  }
  return nullptr;
}

metrics::DriftOwner ownerOf(std::string_view writer) {
  return writer == "somebody" ? metrics::DriftOwner::Unknown : metrics::DriftOwner::Kubelet;
}

std::string stepped(const model::DriftRules& rules) {
  return "; it was written again " + std::to_string(rules.fight_rewrites) + " times within " +
         std::to_string(rules.fight_window.count() / 1000) +
         "s, so it is left as it is until the wish changes";
}

}  // namespace

void Controller::settleDrift(Entry& entry, ContainerReport& draft, const ContainerReport& before) {
  std::vector<size_t> again;
  for (size_t i = 0; i < draft.plan.settings.size(); ++i) {
    PlannedSetting& setting = draft.plan.settings[i];
    if (setting.state != State::Drifted) continue;
    const model::SettingKey& key = setting.request.setting;
    const PlannedSetting* old = inForceBefore(before, setting);
    const bool fresh =
        !old || old->state != State::Drifted || old->reason.empty() || old->actual != setting.actual;
    const std::string actual = setting.actual.value_or("<unknown>");
    const auto writer = policy::likelyWriter(setting, draft.pod, draft.container, actual);
    setting.reason = std::string(writer) + " wrote " + actual;
    if (fresh) metrics_.driftDetected(*key.spec, ownerOf(writer));
    switch (policy::driftMode(policy_.drift, key)) {
      case DriftMode::Warn:
        setting.reason += "; left as it is (drift: warn)";
        break;
      case DriftMode::Yield:
        if (fresh) applier_.yield(draft, setting);
        setting.reason += "; left to them (drift: yield)";
        break;
      case DriftMode::Enforce:
        switch (entry.fights.drifted(key.key, policy_.drift, Clock::now())) {
          case Fights::Verdict::Rewrite:
            again.push_back(i);
            break;
          case Fights::Verdict::StepBack:
            metrics_.driftFight(*key.spec);
            applier_.yield(draft, setting);
            [[fallthrough]];
          case Fights::Verdict::SteppedBack:
            setting.reason += stepped(policy_.drift);
            break;
        }
        break;
    }
  }
  if (again.empty()) return;
  std::vector<std::string> reasons;
  for (size_t i : again) reasons.push_back(draft.plan.settings[i].reason);
  (void)applier_.enforce(*entry.handle, draft, again);
  for (size_t n = 0; n < again.size(); ++n) {
    const PlannedSetting& setting = draft.plan.settings[again[n]];
    const bool back =
        setting.state == State::Applied || setting.state == State::Adjusted || setting.state == State::Moot;
    if (!back) continue;
    metrics_.driftReverted(*setting.request.setting.spec);
    narrator_.corrected(draft, setting, reasons[n]);
  }
}

void Controller::somebodyWrote(const std::string& id) {
  auto it = containers_.find(id);
  if (it == containers_.end() || it->second.written) return;
  it->second.written = true;
  written_.push_back(id);
  if (written_timer_.active()) return;
  written_timer_ = loop_.after(options_.drift_delay, [this] {
    written_timer_.cancel();
    std::vector<std::string> ids;
    ids.swap(written_);
    for (const std::string& each : ids) {
      auto entry = containers_.find(each);
      if (entry == containers_.end()) continue;
      entry->second.written = false;
      if (entry->second.handle) look(entry->second);
    }
  });
}

void Controller::watch(Entry& entry) {
  if (!file_watch_) return;
  std::vector<std::string> files;
  for (const PlannedSetting& setting : entry.report->plan.settings) {
    const bool in_place = setting.state == State::Applied || setting.state == State::Adjusted ||
                          setting.state == State::Moot || setting.state == State::Drifted;
    if (in_place && setting.request.setting.spec->target == model::Target::CgroupFile)
      files.push_back(setting.request.setting.file);
  }
  if (files == entry.watched) return;
  entry.watched = files;
  const std::string& id = entry.report->container.id;
  if (auto status = file_watch_->watch(id, *entry.handle, files); !status) {
    base::log::warn("Foreign changes are noticed by the periodic look only",
                    {{"container", id}, {"err", status.error().message}});
  }
}

void Controller::unwatch(Entry& entry) {
  if (entry.watched.empty()) return;
  entry.watched.clear();
  if (file_watch_) file_watch_->forget(entry.report->container.id);
}

void Controller::closeRecords() {
  journal::Journal& journal = applier_.journal();
  std::vector<std::string> gone;
  for (const journal::Change* change : journal.openChanges()) {
    const std::string& owner = change->owner.container_id;
    if (owner.empty() || containers_.contains(owner) || pods_.contains(owner)) continue;
    // One that was just made may not be known yet.
    if (std::chrono::system_clock::now() - change->time < options_.forget_after) continue;
    if (change->target == model::Target::Sysctl || change->target == model::Target::Link) {
      auto found = netns::Namespace::find(applier_.roots(), {change->place, change->place_id});
      if (!found && found.error().isGone()) gone.push_back(owner);
      continue;
    }
    auto cgroup = ContainerHandle::open(applier_.hierarchy(), change->place);
    const bool other = cgroup && change->place_id != 0 && cgroup->id() != change->place_id;
    if (other || (!cgroup && cgroup.error().isGone())) gone.push_back(owner);
  }
  std::sort(gone.begin(), gone.end());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  for (const std::string& owner : gone) journal.forgetContainer(owner);
  if (!journal.wantsCompaction()) return;
  journal.compact();
  // It took as much memory as the file is large, for a moment.
  malloc_trim(0);
}

}  // namespace plimsoll::control
