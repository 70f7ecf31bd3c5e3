#include "pkg/netqos/pods.h"

#include <algorithm>
#include <set>

#include "pkg/netqos/sockets.h"

namespace plimsoll::netqos {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using bpfobj::Program;

FlowCounts countsFrom(const TrafficFlow& flow, const TrafficEvents& events) {
  return {.bytes = flow.bytes,
          .packets = flow.packets,
          .marks = events.marks,
          .drop_bytes = events.drop_bytes,
          .drop_packets = events.drop_packets,
          .delay = std::chrono::nanoseconds(events.delay_ns),
          .delayed = events.delayed};
}

void add(FlowCounts& sum, const FlowCounts& part) {
  sum.bytes += part.bytes;
  sum.packets += part.packets;
  sum.marks += part.marks;
  sum.drop_bytes += part.drop_bytes;
  sum.drop_packets += part.drop_packets;
  sum.delay += part.delay;
  sum.delayed += part.delayed;
}

Counts countsAt(const bpfobj::Traffic& traffic, uint32_t slot) {
  const TrafficEntity entity = traffic.entity(slot);
  const TrafficDetails details = traffic.details(slot);
  return {static_cast<Class>(entity.class_id % kClasses), countsFrom(entity.egress, details.egress_events),
          countsFrom(details.ingress, details.ingress_events)};
}

}  // namespace

// ---- what there is -------------------------------------------------------------------------------------

void Pods::adoptEntities(const Paths& paths, PodBySlot& pod_by_slot) {
  bpfobj::Traffic& traffic = parts_.traffic;
  const std::vector<bpfobj::EntityRecord> records = traffic.entities();
  for (const bpfobj::EntityRecord& record : records) {
    auto path = paths.find(record.cgroup_id);
    if (path == paths.end()) {
      traffic.removeEntity(record.cgroup_id);
    } else if (traffic.entity(record.slot).parent == 0) {
      pods_[record.cgroup_id] = {.cgroup = {path->second, record.cgroup_id},
                                 .slot = record.slot,
                                 .name = path->second,
                                 .reason = "as an earlier agent found it"};
      pod_by_slot[record.slot] = record.cgroup_id;
    }
  }
  for (const bpfobj::EntityRecord& record : records) {
    const uint32_t parent = traffic.entity(record.slot).parent;
    auto path = paths.find(record.cgroup_id);
    if (path == paths.end() || parent == 0) continue;
    auto pod = pod_by_slot.find(parent);
    if (pod == pod_by_slot.end()) {
      traffic.removeEntity(record.cgroup_id);
      continue;
    }
    pods_[pod->second].containers[record.cgroup_id] = {{path->second, record.cgroup_id}, record.slot};
    pod_of_[record.cgroup_id] = pod->second;
  }
}

void Pods::adoptLinks(const PodBySlot& pod_by_slot) {
  const std::map<uint32_t, rtnl::Device>& devices = parts_.table.all();
  for (const auto& entry : parts_.traffic.links()) {
    auto link = parts_.traffic.link(entry.key);
    if (!link || !(link->flags & kLinkPod)) continue;
    auto pod = pod_by_slot.find(link->target);
    auto device = devices.find(entry.key);
    if (pod == pod_by_slot.end() || device == devices.end()) {
      parts_.traffic.removeLink(entry.key);
      continue;
    }
    PodState& state = pods_[pod->second];
    state.devices.push_back(device->second);
    state.reason.clear();
  }
}

// The pod that a place belongs to; nullptr: none.
PodState* Pods::ownerOf(const Place& place, const PodBySlot& pod_by_slot) {
  uint64_t id = 0;
  if (place.onDevice()) {
    auto link = parts_.traffic.link(place.ifindex);
    auto pod = link ? pod_by_slot.find(link->target) : pod_by_slot.end();
    id = pod == pod_by_slot.end() ? 0 : pod->second;
  } else if (const PodState* known = find(place.cgroup.id)) {
    id = known->cgroup.id;
  }
  auto pod = pods_.find(id);
  return pod == pods_.end() ? nullptr : &pod->second;
}

void Pods::adopt(const std::vector<Place>& taken) {
  const Paths paths = parts_.tree.paths();
  PodBySlot pod_by_slot;
  adoptEntities(paths, pod_by_slot);
  adoptLinks(pod_by_slot);
  for (Place place : taken) {
    if (place.program == Program::UplinkOut) continue;
    if (auto path = paths.find(place.cgroup.id); path != paths.end()) place.cgroup.path = path->second;
    if (PodState* pod = ownerOf(place, pod_by_slot)) {
      pod->places[place.pin()] = place;
    } else {
      (void)parts_.hooks.remove(place);
    }
  }
}

const PodState* Pods::find(uint64_t cgroup_id) const {
  auto container = pod_of_.find(cgroup_id);
  auto pod = pods_.find(container == pod_of_.end() ? cgroup_id : container->second);
  return pod == pods_.end() ? nullptr : &pod->second;
}

std::optional<uint32_t> Pods::slotOf(uint64_t cgroup_id) const {
  const PodState* pod = find(cgroup_id);
  if (pod == nullptr) return std::nullopt;
  if (pod->cgroup.id == cgroup_id) return pod->slot;
  return pod->containers.at(cgroup_id).slot;
}

Asked Pods::askedAt(uint32_t slot) const {
  return askedOf(parts_.traffic.entity(slot), parts_.traffic.details(slot));
}

std::vector<uint64_t> Pods::ids() const {
  std::vector<uint64_t> out;
  for (const auto& [id, pod] : pods_) out.push_back(id);
  return out;
}

// ---- asking --------------------------------------------------------------------------------------------

// Nothing holds what somebody else keeps taking away, and saying so is all that can be done.
Status Pods::held(const PodState& pod) const {
  std::string problem = pod.link_refused;
  for (const auto& [pin, place] : pod.places) {
    if (!parts_.hooks.howAttached(place).empty()) return base::ok();
    if (problem.empty()) problem = parts_.hooks.problemOf(place);
  }
  return base::error(ErrorCode::FailedPrecondition,
                     problem.empty() ? "none of the traffic programs is attached" : problem);
}

Result<std::string> Pods::show(const CgroupRef& cgroup, Level level, std::string_view field) const {
  auto slot = slotOf(cgroup.id);
  if (!slot) return showField(Asked{}, level, field);
  RETURN_IF_ERROR(held(*find(cgroup.id)));
  return showField(askedAt(*slot), level, field);
}

Status Pods::set(const Subject& subject, Level level, std::string_view field, const std::string& text) {
  const CgroupRef& own = level == Level::Pod ? subject.pod : subject.container;
  auto known = slotOf(own.id);
  Asked asked = known ? askedAt(*known) : Asked{};
  const Asked before = asked;
  RETURN_IF_ERROR(setField(asked, level, field, text));
  if (!known && asked == before) return base::ok();
  ASSIGN_OR_RETURN(PodState * pod, podFor(subject));
  auto container = containerFor(*pod, subject.container);
  Status stored = container ? store(*pod, level == Level::Pod ? pod->slot : (*container)->slot, own.id, asked)
                            : Status(tl::make_unexpected(container.error()));
  if (stored) stored = discover(*pod, subject);
  if (stored) stored = settle(*pod, &subject);
  if (allDefault(*pod)) drop(*pod, &subject);
  return stored;
}

Status Pods::setKnown(const CgroupRef& cgroup, Level level, std::string_view field, const std::string& text) {
  auto slot = slotOf(cgroup.id);
  Asked asked = slot ? askedAt(*slot) : Asked{};
  const Asked before = asked;
  RETURN_IF_ERROR(setField(asked, level, field, text));
  if (asked == before) return base::ok();
  if (!slot)
    return base::error(ErrorCode::FailedPrecondition, "nothing is attached for cgroup " + cgroup.path);
  PodState& pod = pods_.at(find(cgroup.id)->cgroup.id);
  RETURN_IF_ERROR(store(pod, *slot, cgroup.id, asked));
  Status settled = settle(pod, nullptr);
  if (allDefault(pod)) drop(pod, nullptr);
  return settled;
}

Status Pods::join(const Subject& subject) {
  auto known = pods_.find(subject.pod.id);
  if (known == pods_.end()) return base::ok();
  PodState& pod = known->second;
  if (!subject.name.empty()) pod.name = subject.name;
  pod.host_network = subject.host_network;
  if (pod.containers.contains(subject.container.id)) return base::ok();
  RETURN_IF_ERROR(containerFor(pod, subject.container));
  RETURN_IF_ERROR(discover(pod, subject));
  return settle(pod, &subject);
}

std::vector<rtnl::Device> Pods::devices() const {
  std::vector<rtnl::Device> out;
  for (const auto& [id, pod] : pods_) out.insert(out.end(), pod.devices.begin(), pod.devices.end());
  return out;
}

// ---- seeing --------------------------------------------------------------------------------------------

std::optional<Counts> Pods::countsOf(uint64_t cgroup_id) const {
  const PodState* pod = find(cgroup_id);
  auto slot = slotOf(cgroup_id);
  if (!slot) return std::nullopt;
  Counts counts = countsAt(parts_.traffic, *slot);
  if (cgroup_id != pod->cgroup.id) return counts;
  for (const auto& [id, container] : pod->containers) {
    const Counts part = countsAt(parts_.traffic, container.slot);
    add(counts.egress, part.egress);
    add(counts.ingress, part.ingress);
  }
  return counts;
}

ModeReport Pods::modeOf(uint64_t cgroup_id) const {
  ModeReport report;
  const PodState* pod = find(cgroup_id);
  if (pod == nullptr) return report;
  bool packets = false, any = false;
  for (const auto& [pin, place] : pod->places) {
    if (!place.onDevice() && cgroup_id != pod->cgroup.id && place.cgroup.id != cgroup_id) continue;
    Attachment attachment{place.where(), place.program_name(), parts_.hooks.howAttached(place),
                          parts_.hooks.problemOf(place)};
    for (const rtnl::Device& device : pod->devices)
      if (place.ifindex == device.ifindex)
        attachment.where = attachment.where.substr(0, attachment.where.find(" of ")) + " of " + device.name;
    any = any || !attachment.how.empty();
    packets = packets || (!attachment.how.empty() && place.program != Program::SockOps);
    report.attached.push_back(std::move(attachment));
  }
  report.reason = pod->link_refused.empty() ? pod->reason : pod->link_refused;
  if (pod->byLink() && packets) {
    report.mode = parts_.hooks.tcx() ? Mode::LinkTcx : Mode::LinkClassic;
  } else if (packets) {
    report.mode = Mode::Cgroup;
  } else {
    report.mode = any ? Mode::SocketsOnly : Mode::SteppedBack;
    for (const Attachment& each : report.attached)
      if (!each.problem.empty()) report.reason = each.problem;
  }
  return report;
}

std::vector<uint8_t> Pods::hostLevels() const {
  std::set<uint8_t, std::greater<>> levels;
  for (const auto& [id, pod] : pods_)
    for (const auto& [container_id, container] : pod.containers)
      if (!pod.byLink()) levels.insert(CgroupTree::depth(container.cgroup.path));
  return {levels.begin(), levels.end()};
}

}  // namespace plimsoll::netqos
