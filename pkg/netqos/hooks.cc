#include "pkg/netqos/hooks.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "pkg/base/log.h"
#include "pkg/netqos/place_files.h"

namespace plimsoll::netqos {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using bpfobj::Link;

constexpr std::string_view kNames = "plm_";

rtnl::Hook hookOf(const Place& place) {
  return directionOf(place.program) == bpfobj::Direction::Ingress ? rtnl::Hook::Ingress : rtnl::Hook::Egress;
}

// What is there by this name is dead.
Status pinAnew(const Link& link, const std::string& path) {
  unlink(path.c_str());
  return link.pin(path);
}

}  // namespace

bpfobj::ClassicFilter filterPlace(const Place& place) {
  return {.ifindex = place.ifindex, .direction = directionOf(place.program)};
}

Result<std::optional<FilterThere>> filterAt(const rtnl::Socket& rtnl, const Place& place) {
  const bpfobj::ClassicFilter wanted = filterPlace(place);
  ASSIGN_OR_RETURN(const std::vector<rtnl::Filter> all, rtnl.filters(place.ifindex, hookOf(place)));
  for (const rtnl::Filter& filter : all) {
    if (filter.priority != wanted.priority || filter.handle != wanted.handle) continue;
    return FilterThere{filter.kind == "bpf" && filter.name.starts_with(kNames), filter.program_id,
                       filter.name};
  }
  return std::nullopt;
}

Status removeOurClsact(const rtnl::Socket& rtnl, const std::string& folder, uint32_t ifindex) {
  const std::string marker = folder + "/" + clsactMarker(ifindex);
  if (folder.empty() || access(marker.c_str(), F_OK) != 0) return base::ok();
  for (rtnl::Hook hook : {rtnl::Hook::Ingress, rtnl::Hook::Egress}) {
    ASSIGN_OR_RETURN(const std::vector<rtnl::Filter> left, rtnl.filters(ifindex, hook));
    if (!left.empty()) return base::ok();
  }
  Status removed = rtnl.removeClsact(ifindex);
  // Somebody was quicker, or the device is gone.
  if (!removed && !removed.error().isGone() && removed.error().sys_errno != EINVAL) return removed;
  rmdir(marker.c_str());
  return base::ok();
}

std::vector<Place> Hooks::takeOver() {
  std::vector<Place> out;
  for (Place& place : pinnedPlaces(folder_)) {
    const std::string path = pathOf(place.pin());
    if (!usesLink(place)) {  // by a filter from now on
      (void)remove(place);
      unlink(path.c_str());
      continue;
    }
    auto link = Link::openPinned(path);
    auto info = link ? link->info() : Result<bpfobj::LinkInfo>(tl::make_unexpected(link.error()));
    if (!info || (info->ifindex == 0 && info->cgroup_id == 0)) {
      unlink(path.c_str());
      continue;
    }
    auto program = traffic_.program(place.program);
    Status updated = program ? link->update(*program) : Status(tl::make_unexpected(program.error()));
    State& state = states_[place.pin()];
    state.place = place;
    state.attached = true;
    // It goes on with the program that it has.
    if (!updated) state.problem = updated.error().message;
    out.push_back(std::move(place));
  }
  return out;
}

Result<Hooks::Found> Hooks::lookForFilter(const Place& place) const {
  auto there = filterAt(rtnl_, place);
  if (!there && there.error().isGone()) return Found::Gone;
  if (!there) return tl::make_unexpected(there.error());
  if (!*there) return rtnl_.device(place.ifindex) ? Found::Missing : Found::Gone;
  if (!(*there)->ours) {
    return base::error(ErrorCode::FailedPrecondition,
                       "the filter at " + place.where() + " in our place is another's: " + (*there)->name);
  }
  return Found::Attached;
}

Result<Hooks::Found> Hooks::look(const State& state) const {
  const Place& place = state.place;
  if (!usesLink(place)) return lookForFilter(place);
  Result<bpfobj::LinkInfo> info = base::error(ErrorCode::NotFound, "not attached");
  if (state.held) {
    info = state.held->info();
  } else if (!folder_.empty()) {
    auto link = Link::openPinned(pathOf(place.pin()));
    info = link ? link->info() : Result<bpfobj::LinkInfo>(tl::make_unexpected(link.error()));
  }
  if (!info && !info.error().isGone()) return tl::make_unexpected(info.error());
  if (info && (info->ifindex != 0 || info->cgroup_id != 0)) return Found::Attached;
  const bool exists = place.onDevice() ? rtnl_.device(place.ifindex).has_value() : tree_.exists(place.cgroup);
  return exists ? Found::Missing : Found::Gone;
}

Result<Link> Hooks::makeLink(const Place& place, int program) const {
  if (place.onDevice()) return Link::attachTcx(program, place.ifindex, directionOf(place.program));
  ASSIGN_OR_RETURN(const base::UniqueFd cgroup, tree_.open(place.cgroup));
  return Link::attachCgroup(program, cgroup.get(), cgroupHookOf(place.program));
}

Status Hooks::attachFilter(const Place& place, int program) {
  auto there = filterAt(rtnl_, place);
  if (there && *there && !(*there)->ours) return lookForFilter(place).map([](Found) {});
  ASSIGN_OR_RETURN(const std::vector<rtnl::Filter> all, rtnl_.filters(place.ifindex, hookOf(place)));
  for (const rtnl::Filter& filter : all) {
    if (filter.kind != "bpf" || filter.priority >= filterPlace(place).priority) continue;
    return base::error(ErrorCode::FailedPrecondition, "the filter " + filter.name + " at " + place.where() +
                                                          " stands before ours and may end the chain");
  }
  ASSIGN_OR_RETURN(const bool made, bpfobj::ensureClsact(place.ifindex));
  if (made && !folder_.empty()) mkdir(pathOf(clsactMarker(place.ifindex)).c_str(), 0700);
  const std::vector<rtnl::Queue> queues =
      made ? std::vector<rtnl::Queue>() : rtnl_.queues().value_or(std::vector<rtnl::Queue>());
  const bool ingress_only = std::any_of(queues.begin(), queues.end(), [&](const rtnl::Queue& queue) {
    return queue.ifindex == place.ifindex && queue.kind == "ingress";
  });
  // That qdisc would take an egress filter for one of its own direction.
  if (ingress_only && directionOf(place.program) == bpfobj::Direction::Egress) {
    return base::error(ErrorCode::FailedPrecondition,
                       place.where() + " has an ingress qdisc of another, which leaves no room for clsact");
  }
  return bpfobj::attachClassic(filterPlace(place), program);
}

Status Hooks::attach(State& state) {
  const Place& place = state.place;
  ASSIGN_OR_RETURN(const int program, traffic_.program(place.program));
  if (!usesLink(place)) return attachFilter(place, program);
  ASSIGN_OR_RETURN(Link link, makeLink(place, program));
  if (folder_.empty()) {
    state.held = std::move(link);
    return base::ok();
  }
  return pinAnew(link, pathOf(place.pin()));
}

void Hooks::prepare(const Place& place) {
  if (!place.onDevice() || !tcx_ || folder_.empty()) return;  // nothing of these waits, or nothing is kept
  State& state = states_[place.pin()];
  if (state.attached || state.pending.valid() || state.repairs.standsBack(Clock::now())) return;
  auto program = traffic_.program(place.program);
  if (!program) return;
  const auto attach = [place, fd = *program, path = pathOf(place.pin())]() -> Status {
    ASSIGN_OR_RETURN(const Link link, Link::attachTcx(fd, place.ifindex, directionOf(place.program)));
    return pinAnew(link, path);
  };
  state.place = place;
  try {
    state.pending = std::async(std::launch::async, attach);
  } catch (const std::system_error& error) {
    base::log::warn("No thread to attach ahead; the first setting will", {{"error", error.what()}});
    return;
  }
  state.prepared = Clock::now();
}

void Hooks::finish(State& state) {
  if (!state.pending.valid()) return;
  Status done = state.pending.get();
  state.attached = done.has_value();
  state.problem = done ? std::string() : done.error().message;
}

void Hooks::dropUnclaimed(Clock::time_point now) {
  std::vector<Place> unclaimed;
  for (const auto& [pin, state] : states_)
    if (state.prepared != Clock::time_point{} && now - state.prepared > kUnclaimed)
      unclaimed.push_back(state.place);
  for (const Place& place : unclaimed) (void)remove(place);
}

Status Hooks::ensure(const Place& place) {
  State& state = states_[place.pin()];
  state.place = place;
  finish(state);
  state.prepared = {};
  if (state.repairs.standsBack(Clock::now()))
    return base::error(ErrorCode::FailedPrecondition, state.problem);
  ASSIGN_OR_RETURN(const Found found, look(state));
  if (found == Found::Gone) {
    states_.erase(place.pin());
    return base::error(ErrorCode::NotFound, place.where() + " is gone");
  }
  Status attached = found == Found::Attached && state.attached ? base::ok() : attach(state);
  state.attached = attached.has_value();
  state.problem = attached ? std::string() : attached.error().message;
  return attached;
}

bool Hooks::mayRepair(State& state) {
  const Repairs::Verdict verdict = state.repairs.ask(Clock::now());
  if (verdict != Repairs::Verdict::StepBack) return verdict == Repairs::Verdict::Repair;
  state.attached = false;
  state.problem = "somebody else took " + state.place.program_name() + " away from " + state.place.where() +
                  " " + Repairs::why();
  base::log::warn("Stepped back from a place that somebody else claims",
                  {{"place", state.place.where()}, {"program", state.place.program_name()}});
  return false;
}

Hooks::Health Hooks::check(const Place& place) {
  auto known = states_.find(place.pin());
  if (known == states_.end()) return ensure(place) ? Health::Repaired : Health::Failed;
  State& state = known->second;
  finish(state);
  auto found = look(state);
  if (!found) {
    state.problem = found.error().message;
    // Not known, unless another's filter is where ours was.
    if (found.error().code == ErrorCode::FailedPrecondition) state.attached = false;
    return Health::Failed;
  }
  if (*found == Found::Gone) {
    (void)remove(place);
    return Health::Gone;
  }
  if (*found == Found::Attached) {
    state.problem.clear();
    return Health::Fine;
  }
  if (!mayRepair(state)) return Health::SteppedBack;
  Status attached = attach(state);
  state.attached = attached.has_value();
  state.problem = attached ? std::string() : attached.error().message;
  repaired_ += attached.has_value();
  return attached ? Health::Repaired : Health::Failed;
}

Status Hooks::removeFilter(const Place& place) {
  auto there = filterAt(rtnl_, place);
  if (!there) return there.error().isGone() ? base::ok() : Status(tl::make_unexpected(there.error()));
  if (*there && (*there)->ours)
    RETURN_IF_ERROR(bpfobj::detachClassic(filterPlace(place), (*there)->program_id));
  return removeOurClsact(rtnl_, folder_, place.ifindex);
}

Status Hooks::remove(const Place& place) {
  // Whom a place was left to is remembered, also while nothing is wanted there.
  if (auto known = states_.find(place.pin()); known != states_.end()) {
    finish(known->second);
    known->second.prepared = {};
    known->second.attached = false;
    known->second.held.reset();
    if (!known->second.repairs.standsBack(Clock::now())) states_.erase(known);
  }
  if (!usesLink(place)) return removeFilter(place);
  if (folder_.empty()) return base::ok();
  const std::string path = pathOf(place.pin());
  auto link = Link::openPinned(path);
  if (!link) return link.error().isGone() ? base::ok() : Status(tl::make_unexpected(link.error()));
  // Ends at once, even if somebody else holds it; one whose device is gone cannot be detached any more.
  (void)link->detach();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return base::errnoError(errno, "remove the pin " + path);
  return base::ok();
}

Status Hooks::move(const Place& place, const std::string& path) {
  if (!usesLink(place)) return ensure(place);
  ASSIGN_OR_RETURN(const Link link, Link::openPinned(path));
  ASSIGN_OR_RETURN(const bpfobj::LinkInfo info, link.info());
  if (info.ifindex == 0) return base::error(ErrorCode::NotFound, "the device is gone");
  ASSIGN_OR_RETURN(const int program, traffic_.program(place.program));
  RETURN_IF_ERROR(link.update(program));
  RETURN_IF_ERROR(link.pin(pathOf(place.pin())));
  State& state = states_[place.pin()];
  state.place = place;
  state.attached = true;
  return base::ok();
}

std::string Hooks::howAttached(const Place& place) const {
  auto known = states_.find(place.pin());
  if (known == states_.end() || !known->second.attached) return {};
  if (!place.onDevice()) return "cgroup link";
  return tcx_ ? "tcx" : "classic";
}

std::string Hooks::problemOf(const Place& place) const {
  auto known = states_.find(place.pin());
  return known == states_.end() ? std::string() : known->second.problem;
}

bool Hooks::hasFilter(const Place& place) const {
  auto there = filterAt(rtnl_, place);
  return there && *there && (*there)->ours;
}

bool Hooks::standsBack(const Place& place) const {
  auto known = states_.find(place.pin());
  return known != states_.end() && known->second.repairs.standsBack(Clock::now());
}

uint64_t Hooks::steppedBack() const {
  const auto now = Clock::now();
  return std::count_if(states_.begin(), states_.end(),
                       [now](const auto& entry) { return entry.second.repairs.standsBack(now); });
}

void Hooks::forgive(Clock::time_point now) {
  std::erase_if(states_, [now](const auto& entry) {
    const State& state = entry.second;
    return !state.attached && state.repairs.isOver(now);
  });
}

}  // namespace plimsoll::netqos
