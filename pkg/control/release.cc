#include "pkg/control/release.h"

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "pkg/base/parse.h"
#include "pkg/cgroup/container_cgroup.h"
#include "pkg/control/accesses.h"
#include "pkg/model/device_number.h"
#include "pkg/model/setting.h"
#include "pkg/model/value.h"
#include "pkg/netns/access.h"

namespace plimsoll::control {
namespace {

using base::ErrorCode;
using base::Result;
using journal::Change;
using model::PlannedSetting;
using model::Value;
using model::ValueType;

// A container's cgroup with what works on it.
class OwnedAccess final : public mechanism::Access {
 public:
  OwnedAccess(cgroup::ContainerCgroup cgroup, const sys::HostRoots& roots)
      : cgroup_(std::move(cgroup)), accesses_(cgroup_, roots, 0) {}
  mechanism::Place place() const override { return {cgroup_.path(), cgroup_.id()}; }
  bool gone() const override { return cgroup_.gone(); }
  Result<std::string> read(const PlannedSetting& setting) const override {
    return accesses_.of(setting).read(setting);
  }
  base::Status write(const PlannedSetting& setting) const override {
    return accesses_.of(setting).write(setting);
  }

 private:
  cgroup::ContainerCgroup cgroup_;
  Accesses accesses_;
};

// The devices that the kernel's lines begin with.
std::vector<model::DeviceRef> devicesIn(std::string_view text) {
  std::vector<model::DeviceRef> devices;
  for (std::string_view line : base::split(text, '\n')) {
    const auto words = base::splitWords(line);
    const auto number = words.empty() ? std::nullopt : model::parseDeviceNumber(words.front());
    if (number) devices.push_back({model::DeviceRef::Kind::Number, *number, {}});
  }
  return devices;
}

// The part of a file with a line for each device that we had to do with: every field of every device that our
// own text names.
Value shapeOf(ValueType type, std::string_view ours) {
  model::IoWeight weight{.default_weight = 0};
  model::IoMax limits;
  model::IoLatency latency;
  for (const model::DeviceRef& device : devicesIn(ours)) {
    weight.devices.push_back({device, 0});
    limits.devices.push_back({device, 0, 0, 0, 0});
    latency.devices.push_back({device, 0});
  }
  if (type == ValueType::IoWeight) return weight;
  if (type == ValueType::IoMax) return limits;
  if (type == ValueType::IoLatency) return latency;
  return model::Number{};
}

// A kernel text of the change's setting as something an Access can write or compare with.
Result<PlannedSetting> planned(const Change& change, std::string_view text) {
  auto key = model::findSetting(change.key);
  if (!key)
    return base::error(ErrorCode::Unimplemented, "this version knows no setting \"" + change.key + "\"");
  PlannedSetting setting;
  ASSIGN_OR_RETURN(setting.value,
                   model::parseKernelText(*key->spec, shapeOf(key->spec->type, change.ours), text));
  setting.request.setting = *std::move(key);
  return setting;
}

bool isText(const Change& change, std::string_view a, std::string_view b) {
  if (base::trim(a) == base::trim(b)) return true;
  auto left = planned(change, a), right = planned(change, b);
  return left && right && left->value == right->value;
}

// We may have ended between a write and its reading back: the kernel rounds memory down to pages, and huge
// pages to their size.
bool isRounded(const Change& change, std::string_view now) {
  auto wanted = planned(change, change.ours), is = planned(change, now);
  if (change.settled || !wanted || !is) return false;
  const auto* a = std::get_if<model::Number>(&wanted->value);
  const auto* b = std::get_if<model::Number>(&is->value);
  if (!a || !b || wanted->request.setting.spec->type != ValueType::Bytes) return false;
  const int64_t page = change.key.starts_with("hugetlb.") ? int64_t{1} << 30 : int64_t{64} << 10;
  return b->value <= a->value && a->value - b->value < page && b->value % 4096 == 0;
}

ReleaseRow failedRow(ReleaseRow row, const base::Error& error) {
  row.outcome = error.isGone() ? Outcome::Gone : Outcome::Failed;
  row.reason = error.message;
  return row;
}

// A device that had no weight of its own has none again: the number would leave a line in the file.
void dropNewWeights(PlannedSetting& back, std::string_view found) {
  auto* weight = std::get_if<model::IoWeight>(&back.value);
  if (!weight) return;
  const auto before = devicesIn(found);
  for (model::IoValueEntry& entry : weight->devices) {
    if (std::find(before.begin(), before.end(), entry.device) == before.end()) entry.value = 0;
  }
}

// A change that travelled in a creation request and was never seen in place has only its name, which holds
// the container's id. A place without a name could not be reached, and reading tells why.
bool isAnother(const Change& change, const mechanism::Place& place) {
  return change.place_id != 0 && !place.name.empty() && change.place_id != place.id;
}

base::Status writeBack(const Change& change, const mechanism::Access& access) {
  ASSIGN_OR_RETURN(PlannedSetting back, planned(change, *change.found));
  dropNewWeights(back, *change.found);
  RETURN_IF_ERROR(access.write(back));
  ASSIGN_OR_RETURN(const std::string text, access.read(back));
  if (isText(change, text, *change.found)) return base::ok();
  return base::error(ErrorCode::Aborted, "the kernel keeps " + std::string(base::trim(text)));
}

// Several containers share a namespace, and each may have changed the same object: a dry run has to remember
// what it would have put back.
class DryRun {
 public:
  void tell(const ReleaseRow& row) {
    if (row.outcome == Outcome::WouldRestore) texts_[keyOf(row.change)] = *row.change.found;
  }
  std::optional<std::string> text(const Change& change) const {
    auto it = texts_.find(keyOf(change));
    return it == texts_.end() ? std::nullopt : std::optional(it->second);
  }

 private:
  using Key = std::tuple<model::Target, std::string, std::string>;
  static Key keyOf(const Change& change) { return {change.target, change.place, change.object}; }
  std::map<Key, std::string> texts_;
};

// What to do about a value that holds `now`; Restored: nothing.
ReleaseRow judge(const Change& change, std::string now) {
  ReleaseRow row{change, std::move(now), Outcome::WouldRestore, {}};
  if (!change.found) {
    row.outcome = Outcome::NothingKnown;
    row.reason = "what was there before is not known";
  } else if (isText(change, *row.now, *change.found)) {
    row.outcome = Outcome::Restored;
  } else if (!isText(change, *row.now, change.ours) && !isRounded(change, *row.now)) {
    row.outcome = Outcome::Left;
  }
  return row;
}

class Release {
 public:
  Release(journal::Journal& journal, const Mechanisms& mechanisms, Mode mode)
      : journal_(journal), mechanisms_(mechanisms), mode_(mode) {}

  ReleaseReport run() {
    ReleaseReport report;
    // Copies: closing a change ends what the journal's pointers point to.
    for (const Change* change : journal_.openChanges()) report.rows.push_back({*change, {}, {}, {}});
    std::reverse(report.rows.begin(), report.rows.end());
    std::vector<ReleaseRow*> left;
    for (ReleaseRow& row : report.rows) left.push_back(&row);
    // Each round that puts something back may make room for what was refused before.
    for (bool progress = true; progress && !left.empty();) {
      progress = false;
      std::vector<ReleaseRow*> refused;
      for (ReleaseRow* row : left) {
        *row = one(row->change);
        if (row->outcome == Outcome::Failed)
          refused.push_back(row);
        else
          progress = true;
      }
      left = std::move(refused);
    }
    return report;
  }

 private:
  ReleaseRow one(const Change& change) {
    ReleaseRow row = reach(change);
    dry_run_.tell(row);
    if (mode_ == Mode::Restore) recordOutcome(journal_, row, "release");
    return row;
  }

  ReleaseRow reach(const Change& change) {
    if (auto text = dry_run_.text(change)) return judge(change, *std::move(text));
    ReleaseRow row{change, {}, {}, {}};
    auto open = mechanisms_.find(change.target);
    if (open == mechanisms_.end()) {
      return failedRow(std::move(row), {ErrorCode::Unimplemented, "this version cannot reach it", 0});
    }
    auto access = open->second(change);
    if (!access) return failedRow(std::move(row), access.error());
    return putBack(change, **access, mode_);
  }

  journal::Journal& journal_;
  const Mechanisms& mechanisms_;
  const Mode mode_;
  DryRun dry_run_;
};

}  // namespace

Mechanisms cgroupMechanisms(const cgroup::Hierarchy& hierarchy, const sys::HostRoots& roots) {
  OpenAccess open = [&hierarchy, &roots](const Change& change) -> Result<std::unique_ptr<mechanism::Access>> {
    ASSIGN_OR_RETURN(auto cgroup, cgroup::ContainerCgroup::open(hierarchy, change.place));
    return std::make_unique<OwnedAccess>(std::move(cgroup), roots);
  };
  OpenAccess in_namespace = [&roots](const Change& change) {
    return netns::openAccess(roots, mechanism::Place{change.place, change.place_id});
  };
  return {{model::Target::CgroupFile, open},  {model::Target::OomScoreAdj, open},
          {model::Target::Rlimit, open},      {model::Target::IoPriority, open},
          {model::Target::Scheduler, open},   {model::Target::Sysctl, in_namespace},
          {model::Target::Link, in_namespace}};
}

std::string_view outcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::Restored:
      return "Restored";
    case Outcome::WouldRestore:
      return "WouldRestore";
    case Outcome::Left:
      return "Left";
    case Outcome::Gone:
      return "Gone";
    case Outcome::Failed:
      return "Failed";
    case Outcome::NothingKnown:
      return "NothingKnown";
  }
  return "Unknown";
}

std::optional<journal::Op> closingOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::Restored:
      return journal::Op::Restored;
    case Outcome::Left:
      return journal::Op::Left;
    case Outcome::Gone:
      return journal::Op::Forgotten;
    case Outcome::WouldRestore:
    case Outcome::Failed:
    case Outcome::NothingKnown:
      break;
  }
  return std::nullopt;
}

size_t ReleaseReport::count(Outcome outcome) const {
  return static_cast<size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const ReleaseRow& row) { return row.outcome == outcome; }));
}

bool recordOutcome(journal::Journal& journal, const ReleaseRow& row, const std::string& note) {
  const auto op = closingOf(row.outcome);
  if (!op) return false;
  Change closed = row.change;
  if (row.outcome == Outcome::Left) closed.ours = row.now.value_or("");
  journal.close(closed, *op, note);
  return true;
}

ReleaseRow putBack(const Change& change, const mechanism::Access& access, Mode mode) {
  ReleaseRow row{change, {}, {}, {}};
  if (isAnother(change, access.place()))
    return failedRow(std::move(row), {ErrorCode::NotFound, "another one is in its place by now", 0});
  auto ours = planned(change, change.ours);
  if (!ours) return failedRow(std::move(row), ours.error());
  auto now = access.read(*ours);
  // The controller was taken from the cgroup, and our value went with its files.
  if (!now && now.error().sys_errno == ENOENT) now.error().code = ErrorCode::NotFound;
  if (!now) return failedRow(std::move(row), now.error());
  row = judge(change, *std::move(now));
  if (row.outcome != Outcome::WouldRestore || mode == Mode::DryRun) return row;
  base::Status written = writeBack(change, access);
  if (!written) return failedRow(std::move(row), written.error());
  row.outcome = Outcome::Restored;
  return row;
}

ReleaseReport releaseAll(journal::Journal& journal, const Mechanisms& mechanisms, Mode mode) {
  return Release(journal, mechanisms, mode).run();
}

}  // namespace plimsoll::control
