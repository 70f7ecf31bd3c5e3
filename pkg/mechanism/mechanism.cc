#include "pkg/mechanism/mechanism.h"

#include <cerrno>
#include <string_view>
#include <utility>

namespace plimsoll::mechanism {
namespace {

using base::ErrorCode;
using model::Comparison;
using model::PlannedSetting;
using model::State;

const model::SettingSpec& specOf(const PlannedSetting& setting) { return *setting.request.setting.spec; }

Comparison compare(const PlannedSetting& setting, std::string_view text) {
  return model::compareWithKernel(specOf(setting), setting.value, text);
}

// What the kernel made of our value before, and still holds: writing again would change nothing.
bool isAsAdjusted(const PlannedSetting& setting, const Comparison& seen) {
  const bool was_ours = setting.state == State::Adjusted || setting.state == State::Moot;
  return was_ours && setting.actual && *setting.actual == seen.actual;
}

void setFailed(Applied& applied, const base::Error& error, const PlannedSetting& setting) {
  applied.state = error.code == ErrorCode::Unimplemented ? State::Unsupported : State::Failed;
  applied.gone = error.isGone();
  applied.error_number = error.sys_errno;
  applied.reason = error.message;
  const std::string_view controller = specOf(setting).controller;
  if (error.sys_errno == ENOENT && applied.state == State::Unsupported && !controller.empty()) {
    applied.reason +=
        ": the kernel lacks it, or the controller " + std::string(controller) + " is not enabled there";
  }
}

// Fills in what the kernel shows. `otherwise` is the state of a value that is not the wanted one.
void judge(Applied& applied, const Comparison& seen, State otherwise) {
  applied.actual = seen.actual;
  applied.state = seen.outcome == Comparison::Outcome::Equal ? State::Applied : otherwise;
  if (applied.state == State::Applied) return;
  if (seen.outcome == Comparison::Outcome::Invalid) {
    applied.reason = "the kernel took it and marked it invalid: " + seen.reason;
  } else if (otherwise == State::Drifted) {
    applied.reason = "somebody else wrote " + seen.actual;
  } else if (!seen.reason.empty()) {
    applied.reason = seen.reason;
  } else {
    applied.reason = "the kernel keeps " + seen.actual;
  }
}

void finish(Applied& applied, const Access& access, const PlannedSetting& setting, std::string text,
            const Comparison& seen, State otherwise) {
  applied.text = std::move(text);
  judge(applied, seen, otherwise);
  applied.ancestors = access.ancestors(setting);
}

}  // namespace

Looked look(const Access& access, const PlannedSetting& setting) {
  Looked looked;
  auto text = access.read(setting);
  if (!text) {
    setFailed(looked.applied, text.error(), setting);
    return looked;
  }
  const Comparison seen = compare(setting, *text);
  looked.applied.found = *text;
  looked.must_write = seen.outcome != Comparison::Outcome::Equal && !isAsAdjusted(setting, seen);
  if (!looked.must_write) finish(looked.applied, access, setting, *std::move(text), seen, State::Adjusted);
  return looked;
}

Applied put(const Access& access, const PlannedSetting& setting, Looked looked) {
  Applied applied = std::move(looked.applied);
  if (!looked.must_write) return applied;
  applied.written = true;
  base::Status written = access.write(setting);
  auto text = access.read(setting);
  if (!written) {
    setFailed(applied, written.error(), setting);
    // What it holds now is shown, since the kernel may have taken a part.
    if (!applied.gone && text) {
      applied.actual = compare(setting, *text).actual;
      applied.text = *std::move(text);
    }
    return applied;
  }
  if (!text) {
    setFailed(applied, text.error(), setting);
    return applied;
  }
  const Comparison seen = compare(setting, *text);
  finish(applied, access, setting, *std::move(text), seen, State::Adjusted);
  return applied;
}

Applied applySetting(const Access& access, const PlannedSetting& setting) {
  return put(access, setting, look(access, setting));
}

Applied observeSetting(const Access& access, const PlannedSetting& setting) {
  Applied applied;
  auto text = access.read(setting);
  if (!text) {
    setFailed(applied, text.error(), setting);
    return applied;
  }
  const Comparison seen = compare(setting, *text);
  applied.found = *text;
  const bool never_applied = setting.state == State::Pending || setting.state == State::Failed ||
                             setting.state == State::Unsupported;
  finish(applied, access, setting, *std::move(text), seen,
         never_applied || isAsAdjusted(setting, seen) ? State::Adjusted : State::Drifted);
  return applied;
}

void record(const Applied& applied, PlannedSetting& setting) {
  setting.state = applied.state;
  setting.reason = applied.reason;
  setting.error_number = applied.error_number;
  setting.actual = applied.actual;
  if (!setting.found && applied.written) setting.found = applied.found;
}

}  // namespace plimsoll::mechanism
