#include "pkg/netqos/uplinks.h"

#include <algorithm>
#include <set>

#include "pkg/base/log.h"

namespace plimsoll::netqos {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using bpfobj::Program;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// What pfifo_fast, fq (6.7), prio, ets and mqprio take for most to least urgent.
constexpr std::array<uint32_t, kClasses> kPriorities{7, 6, 0, 2};
constexpr uint64_t kGsoBytes = 65536;

}  // namespace

bpfobj::UplinkSpec specOf(const LineOptions& line) {
  bpfobj::UplinkSpec spec;
  spec.flags = kUplinkPriority | (line.ecn ? kUplinkEcn : 0);
  for (size_t i = 0; i < kClasses; ++i) spec.classes[i].priority = kPriorities[i];
  const double headroom = std::clamp(line.headroom, 0.0, 0.9);
  const auto bytes = static_cast<uint64_t>(static_cast<double>(line.bits_per_second / 8) * (1 - headroom));
  if (bytes == 0) return spec;
  spec.bytes_per_second = bytes;
  const nanoseconds gso(kGsoBytes * 1'000'000'000 / bytes);
  for (Class held : {Class::Normal, Class::BestEffort}) {
    bpfobj::UplinkClassSpec& own = spec.classes[static_cast<size_t>(held)];
    // Never less than what one sender hands over at once.
    own.mark = std::max<nanoseconds>(milliseconds(2), 2 * gso);
    own.drop = std::max<nanoseconds>(milliseconds(10), 3 * gso);
    own.share_bytes_per_second = static_cast<uint64_t>(
        static_cast<double>(bytes) * std::clamp(line.shares[static_cast<size_t>(held)], 0.0, 1.0));
    own.share_burst_bytes = own.share_bytes_per_second != 0 ? kGsoBytes : 0;
    own.pace_bytes_per_second = bytes;
  }
  return spec;
}

Result<std::vector<rtnl::Device>> Uplinks::find() const {
  std::set<uint32_t> wanted;
  if (line_.uplinks.empty()) {
    ASSIGN_OR_RETURN(const std::vector<uint32_t> routed, rtnl_.defaultRouteDevices());
    wanted.insert(routed.begin(), routed.end());
  }
  std::vector<rtnl::Device> devices;
  for (const auto& [ifindex, device] : table_.all()) {
    const bool named =
        std::find(line_.uplinks.begin(), line_.uplinks.end(), device.name) != line_.uplinks.end();
    if (named || wanted.contains(ifindex)) devices.push_back(device);
  }
  return devices;
}

Result<uint32_t> Uplinks::freeIndex() const {
  for (uint32_t index = 0; index < kTrafficUplinks; ++index) {
    const bool used = std::any_of(known_.begin(), known_.end(),
                                  [index](const auto& entry) { return entry.second.index == index; });
    if (!used) return index;
  }
  return base::error(ErrorCode::ResourceExhausted,
                     "more than " + std::to_string(kTrafficUplinks) + " uplinks");
}

Status Uplinks::add(const rtnl::Device& device) {
  auto known = known_.find(device.ifindex);
  if (known == known_.end()) {
    // Its clocks and counters go on where an earlier agent had it.
    auto before = traffic_.link(device.ifindex);
    const bool taken = before && (before->flags & kLinkUplink) &&
                       std::none_of(known_.begin(), known_.end(),
                                    [&](const auto& entry) { return entry.second.index == before->target; });
    uint32_t index = taken ? before->target : 0;
    if (!taken) {
      ASSIGN_OR_RETURN(index, freeIndex());
    }
    known = known_.emplace(device.ifindex, Uplink{index, device.name, device.queue}).first;
  }
  known->second.name = device.name;
  known->second.queue = device.queue;
  RETURN_IF_ERROR(traffic_.putUplink(known->second.index, specOf(line_)));
  RETURN_IF_ERROR(traffic_.putLink(device.ifindex, {known->second.index, 0, 0, kLinkUplink}));
  return hooks_.ensure({Program::UplinkOut, device.ifindex, {}});
}

void Uplinks::remove(uint32_t ifindex) {
  (void)hooks_.remove({Program::UplinkOut, ifindex, {}});
  traffic_.removeLink(ifindex);
  known_.erase(ifindex);
}

Status Uplinks::configure(const LineOptions& line) {
  line_ = line;
  ASSIGN_OR_RETURN(const std::vector<rtnl::Device> devices, find());
  std::set<uint32_t> wanted;
  for (const rtnl::Device& device : devices) wanted.insert(device.ifindex);
  // Those of an earlier agent, too.
  for (const auto& entry : traffic_.links()) {
    auto link = traffic_.link(entry.key);
    if (link && (link->flags & kLinkUplink) && !wanted.contains(entry.key)) remove(entry.key);
  }
  missing_.clear();
  for (const std::string& name : line.uplinks) missing_[name] = "there is no device of this name";
  if (devices.empty() && line.uplinks.empty()) missing_["(default route)"] = "the node has no default route";
  Status failed = base::ok();
  for (const rtnl::Device& device : devices) {
    missing_.erase(device.name);
    Status added = add(device);
    if (!added && failed) failed = std::move(added);
  }
  queues_.settle(line.manage_queue ? devices : std::vector<rtnl::Device>());
  return failed;
}

void Uplinks::reconcile(uint32_t& repaired, uint32_t& failed) {
  for (auto it = known_.begin(); it != known_.end();) {
    const uint32_t ifindex = it->first;
    ++it;
    const Hooks::Health health = hooks_.check({Program::UplinkOut, ifindex, {}});
    repaired += health == Hooks::Health::Repaired;
    failed += health == Hooks::Health::Failed;
    if (health == Hooks::Health::Gone) remove(ifindex);
  }
  const uint64_t queues = queues_.repairs();
  Status again = configure(line_);
  repaired += queues_.repairs() - queues;
  if (!again && again.error().code != ErrorCode::FailedPrecondition)
    base::log::warn("An uplink cannot be attached to", {{"error", again.error().message}});
}

std::vector<UplinkReport> Uplinks::report() const {
  std::vector<UplinkReport> out;
  for (const auto& [ifindex, uplink] : known_) {
    UplinkReport row{.device = uplink.name, .ifindex = ifindex, .queue = uplink.queue};
    const Place place{Program::UplinkOut, ifindex, {}};
    row.attached = hooks_.howAttached(place);
    row.problem = hooks_.problemOf(place);
    if (auto counts = traffic_.uplinkCounts(uplink.index)) {
      for (size_t i = 0; i < kClasses; ++i) {
        const TrafficCounts& from = counts->classes[i];
        row.classes[i] = {from.bytes,
                          from.packets,
                          from.events.marks,
                          from.events.drop_bytes,
                          from.events.drop_packets,
                          nanoseconds(from.events.delay_ns),
                          from.events.delayed};
      }
    }
    out.push_back(std::move(row));
  }
  for (const auto& [name, why] : missing_) out.push_back({.device = name, .problem = why});
  return out;
}

uint32_t Uplinks::paced() const {
  uint32_t lowest = kTrafficUplinks - 1;
  for (const auto& [ifindex, uplink] : known_) lowest = std::min(lowest, uplink.index);
  return known_.empty() ? 0 : lowest;
}

}  // namespace plimsoll::netqos
