// How pods come and go, and what has to be attached for them.
#include <algorithm>

#include "pkg/base/log.h"
#include "pkg/netqos/discovery.h"
#include "pkg/netqos/pods.h"
#include "pkg/netqos/sockets.h"

namespace plimsoll::netqos {

using base::ErrorCode;
using base::Result;
using base::Status;
using bpfobj::Program;
using Health = Hooks::Health;

// ---- entities ------------------------------------------------------------------------------------------

Result<PodState*> Pods::podFor(const Subject& subject) {
  auto known = pods_.find(subject.pod.id);
  if (known == pods_.end()) {
    if (!parts_.tree.exists(subject.pod))
      return base::error(ErrorCode::NotFound, "cgroup " + subject.pod.path + " is gone");
    ASSIGN_OR_RETURN(const uint32_t slot, parts_.traffic.putEntity(subject.pod.id, specOf({})));
    known = pods_.emplace(subject.pod.id, PodState{.cgroup = subject.pod, .slot = slot}).first;
  }
  PodState& pod = known->second;
  pod.name = subject.name.empty() ? subject.pod.path : subject.name;
  pod.host_network = subject.host_network;
  return &pod;
}

Result<ContainerState*> Pods::containerFor(PodState& pod, const CgroupRef& cgroup) {
  auto known = pod.containers.find(cgroup.id);
  if (known != pod.containers.end()) return &known->second;
  if (!parts_.tree.exists(cgroup))
    return base::error(ErrorCode::NotFound, "cgroup " + cgroup.path + " is gone");
  bpfobj::EntitySpec spec = specOf({});
  spec.parent = pod.slot;
  ASSIGN_OR_RETURN(const uint32_t slot, parts_.traffic.putEntity(cgroup.id, spec));
  pod_of_[cgroup.id] = pod.cgroup.id;
  ContainerState& made = pod.containers[cgroup.id];
  made = {cgroup, slot};
  storePodClass(pod);
  return &made;
}

Status Pods::store(PodState& pod, uint32_t slot, uint64_t cgroup_id, const Asked& asked) {
  bpfobj::EntitySpec spec = specOf(asked);
  if (slot != pod.slot) spec.parent = pod.slot;
  RETURN_IF_ERROR(parts_.traffic.putEntity(cgroup_id, spec));
  storePodClass(pod);
  return base::ok();
}

// Packets of the pod that no container is known for go with its least urgent one.
void Pods::storePodClass(PodState& pod) {
  Asked asked = askedAt(pod.slot);
  Class least = pod.containers.empty() ? Class::Normal : Class::System;
  for (const auto& [id, container] : pod.containers)
    least = std::max(least, askedAt(container.slot).traffic_class);
  if (asked.traffic_class == least) return;
  asked.traffic_class = least;
  (void)parts_.traffic.putEntity(pod.cgroup.id, specOf(asked));
}

bool Pods::allDefault(const PodState& pod) const {
  auto plain = [this](uint32_t slot) {
    Asked asked = askedAt(slot);
    return asked == Asked{};
  };
  Asked own = askedAt(pod.slot);
  own.traffic_class = Class::Normal;  // its containers'
  return own == Asked{} && std::all_of(pod.containers.begin(), pod.containers.end(),
                                       [&](const auto& entry) { return plain(entry.second.slot); });
}

// ---- where ---------------------------------------------------------------------------------------------

Status Pods::discover(PodState& pod, const Subject& subject) {
  if (!pod.devices.empty()) return base::ok();
  if (!pod.nsid || subject.host_network) {
    pod.nsid.reset();
    auto found = namespaceOf(parts_.rtnl, parts_.proc, subject, pod.reason);
    // The link cannot be found, but the cgroup is there.
    if (!found && !found.error().isGone()) pod.reason = found.error().message;
    if (!found && found.error().isGone()) return tl::make_unexpected(found.error());
    if (found) pod.nsid = *found;
  }
  if (!pod.nsid) return base::ok();
  PodLinks links = linksInto(parts_.table.all(), *pod.nsid);
  pod.devices = std::move(links.devices);
  pod.reason = links.reason;
  return base::ok();
}

// By whichever process is in one of its containers now.
void Pods::lookAgainForLink(PodState& pod) {
  if (!pod.devices.empty() || pod.host_network) return;
  for (const auto& [id, container] : pod.containers) {
    const std::vector<pid_t> all = parts_.tree.processes(container.cgroup);
    if (all.empty()) continue;
    auto nsid = parts_.rtnl.nsidOf(all.front());
    if (!nsid || !*nsid) return;
    PodLinks links = linksInto(parts_.table.all(), **nsid);
    if (links.devices.empty()) return;
    pod.nsid = **nsid;
    pod.devices = std::move(links.devices);
    pod.reason.clear();
    (void)settle(pod, nullptr);
    return;
  }
}

void Pods::devicesCame(const std::vector<rtnl::Device>& devices) {
  const bool any = std::any_of(devices.begin(), devices.end(), [](const rtnl::Device& device) {
    return device.link != 0 && device.nsid >= 0;
  });
  if (!any) return;
  for (auto& [id, pod] : pods_) lookAgainForLink(pod);
}

uint8_t Pods::levelOf(const PodState& pod) const {
  if (pod.containers.empty()) return CgroupTree::depth(pod.cgroup.path) + 1;
  return CgroupTree::depth(pod.containers.begin()->second.cgroup.path);
}

Status Pods::putLinks(const PodState& pod) {
  const uint8_t class_id = parts_.traffic.entity(pod.slot).class_id;
  for (const rtnl::Device& device : pod.devices)
    RETURN_IF_ERROR(parts_.traffic.putLink(device.ifindex,
                                           {pod.slot, class_id, levelOf(pod), kLinkPod | kLinkCountsOut}));
  return base::ok();
}

std::map<std::string, Place> Pods::wanted(const PodState& pod) const {
  std::map<std::string, Place> out;
  auto add = [&out](Place place) { out.emplace(place.pin(), std::move(place)); };
  // Attaching to a device waits for the kernel's grace period, so only where there is need.
  const bool limits_ingress = askedAt(pod.slot).ingress_bits != 0;
  if (pod.byLink()) {
    for (const rtnl::Device& device : pod.devices) {
      add({Program::PodOut, device.ifindex, {}});
      if (limits_ingress && !parts_.ingress_at_cgroup) add({Program::PodIn, device.ifindex, {}});
    }
  }
  for (const auto& [id, container] : pod.containers) {
    add({Program::SockOps, 0, container.cgroup});
    if (!pod.byLink()) add({Program::CgroupOut, 0, container.cgroup});
    // On the way in the link knows the pod only.
    add({Program::CgroupIn, 0, container.cgroup});
  }
  return out;
}

bool Pods::ingressAtCgroup(const PodState& pod) const {
  return !pod.byLink() || parts_.ingress_at_cgroup || !pod.ingress_refused.empty();
}

bool Pods::limitsIngress(const PodState& pod) const {
  return askedAt(pod.slot).ingress_bits != 0 ||
         std::any_of(pod.containers.begin(), pod.containers.end(),
                     [this](const auto& entry) { return askedAt(entry.second.slot).ingress_bits != 0; });
}

// A program learns from its cgroup's storage whose it is; attaching made the storage.
void Pods::tellCgroup(const PodState& pod, const ContainerState& container) {
  const uint32_t flags =
      (pod.byLink() ? 0 : kAttachHostNetwork) | (ingressAtCgroup(pod) ? 0 : kAttachOwnOnly);
  Status told = parts_.traffic.putAttached(container.cgroup.id, {container.slot, flags});
  if (!told && !told.error().isGone())
    base::log::warn("Could not tell a cgroup's programs whose it is",
                    {{"cgroup", container.cgroup.path}, {"error", told.error().message}});
}

// One round: attaches what is wanted and missing. An error: that of the pod's link, of what a limit needs, or
// the first where nothing at all could be attached.
Status Pods::settleOnce(PodState& pod, std::vector<const ContainerState*>& fresh) {
  const std::map<std::string, Place> want = wanted(pod);
  const bool limits_ingress = limitsIngress(pod);
  Status first = base::ok(), needed = base::ok();
  bool any = want.empty();
  for (const auto& [pin, place] : want) {
    const bool before = !parts_.hooks.howAttached(place).empty();
    Status attached = parts_.hooks.ensure(place);
    any = any || attached;
    pod.places[pin] = place;
    if (!before && attached && place.program == Program::SockOps)
      fresh.push_back(&pod.containers.at(place.cgroup.id));
    if (attached) continue;
    if (place.program == Program::PodOut) return attached;
    if (place.program == Program::PodIn) pod.ingress_refused = attached.error().message;
    if (place.program == Program::CgroupIn && limits_ingress && needed) needed = attached;
    if (first) first = std::move(attached);
  }
  for (auto it = pod.places.begin(); it != pod.places.end();) {
    if (!want.contains(it->first)) (void)parts_.hooks.remove(it->second);
    it = want.contains(it->first) ? std::next(it) : pod.places.erase(it);
  }
  for (const auto& [id, container] : pod.containers) tellCgroup(pod, container);
  if (!needed) return needed;
  return any ? base::ok() : first;
}

Status Pods::settle(PodState& pod, const Subject* subject) {
  std::vector<const ContainerState*> fresh;
  pod.link_refused.clear();
  pod.ingress_refused.clear();
  RETURN_IF_ERROR(putLinks(pod));
  Status settled = settleOnce(pod, fresh);
  if (!settled && pod.byLink()) {
    pod.link_refused = settled.error().message;
    for (const rtnl::Device& device : pod.devices) parts_.traffic.removeLink(device.ifindex);
    settled = settleOnce(pod, fresh);
  }
  repace(fresh, subject);
  return settled;
}

std::vector<std::string> Pods::settleAll() {
  std::vector<std::string> failed;
  for (auto& [id, pod] : pods_) {
    Status settled = settle(pod, nullptr);
    if (!settled) failed.push_back(pod.cgroup.path + ": " + settled.error().message);
  }
  return failed;
}

// Sockets from before the container was known to us. What fails here heals with each socket's next round
// trip, but for those that were established before.
void Pods::repace(const std::vector<const ContainerState*>& fresh, const Subject* subject) {
  for (const ContainerState* container : fresh) {
    pid_t pid = subject != nullptr && subject->container.id == container->cgroup.id ? subject->pid : 0;
    if (pid == 0) {
      const std::vector<pid_t> all = parts_.tree.processes(container->cgroup);
      if (!all.empty()) pid = all.front();
    }
    if (pid == 0 || socketsInUse(parts_.proc, pid) == 0) continue;
    Status paced = runOverSockets(parts_.traffic, Program::PaceAll, parts_.proc, pid);
    if (!paced && !paced.error().isGone())
      base::log::debug("Sockets that are open already are not paced",
                       {{"cgroup", container->cgroup.path}, {"reason", paced.error().message}});
  }
}

// ---- the end -------------------------------------------------------------------------------------------

void Pods::forgetContainer(PodState& pod, uint64_t id) {
  for (auto it = pod.places.begin(); it != pod.places.end();) {
    const bool its = !it->second.onDevice() && it->second.cgroup.id == id;
    if (its) (void)parts_.hooks.remove(it->second);
    it = its ? pod.places.erase(it) : std::next(it);
  }
  // The pod's counters go on.
  const uint32_t slot = pod.containers.at(id).slot;
  TrafficEntity entity = parts_.traffic.entity(slot);
  TrafficDetails details = parts_.traffic.details(slot);
  entity.egress.tat = details.ingress.tat = 0;  // the clocks are of its own limits
  parts_.traffic.addHistory(pod.slot, entity, details);
  parts_.traffic.removeEntity(id);
  pod.containers.erase(id);
  pod_of_.erase(id);
  storePodClass(pod);
}

void Pods::forget(uint64_t pod_id) {
  auto known = pods_.find(pod_id);
  if (known == pods_.end()) return;
  PodState& pod = known->second;
  while (!pod.containers.empty()) forgetContainer(pod, pod.containers.begin()->first);
  for (const auto& [pin, place] : pod.places) (void)parts_.hooks.remove(place);
  for (const rtnl::Device& device : pod.devices) parts_.traffic.removeLink(device.ifindex);
  parts_.traffic.removeEntity(pod_id);
  pods_.erase(known);
}

// All is as it was: sockets get back what they had, before nobody knows them any more.
void Pods::drop(PodState& pod, const Subject* subject) {
  pid_t pid = subject != nullptr ? subject->pid : 0;
  for (const auto& [id, container] : pod.containers) {
    const std::vector<pid_t> all = parts_.tree.processes(container.cgroup);
    if (pid == 0 && !all.empty()) pid = all.front();
    (void)parts_.hooks.remove({Program::SockOps, 0, container.cgroup});
  }
  if (pid != 0 && socketsInUse(parts_.proc, pid) != 0)
    (void)runOverSockets(parts_.traffic, Program::ReleaseAll, parts_.proc, pid);
  forget(pod.cgroup.id);
}

uint32_t Pods::forgetEnded(PodState& pod) {
  std::vector<uint64_t> ended;
  for (const auto& [id, container] : pod.containers)
    if (!parts_.tree.exists(container.cgroup)) ended.push_back(id);
  for (uint64_t id : ended) forgetContainer(pod, id);
  return ended.size();
}

void Pods::reconcile(uint64_t pod_id, Tally& tally) {
  auto known = pods_.find(pod_id);
  if (known == pods_.end()) return;
  PodState& pod = known->second;
  if (!parts_.tree.exists(pod.cgroup)) {
    tally.forgotten += 1 + pod.containers.size();
    forget(pod_id);
    return;
  }
  tally.forgotten += forgetEnded(pod);
  lookAgainForLink(pod);
  bool refused = false, ended = false;
  const std::map<std::string, Place> places = pod.places;
  for (const auto& [pin, place] : places) {
    const Health health = parts_.hooks.check(place);
    if (health == Health::Gone) {
      pod.places.erase(pin);
      if (place.onDevice()) deviceGone(place.ifindex);
      ended = true;
      ++tally.forgotten;
    }
    if (health == Health::Repaired && !place.onDevice()) tellCgroup(pod, pod.containers.at(place.cgroup.id));
    const bool by_link = place.program == Program::PodOut || place.program == Program::PodIn;
    refused = refused || (by_link && parts_.hooks.howAttached(place).empty());
    tally.repaired += health == Health::Repaired;
    tally.failed += health == Health::Failed;
  }
  const bool again = !pod.link_refused.empty() && !pod.devices.empty() &&
                     !parts_.hooks.standsBack({Program::PodOut, pod.devices.front().ifindex, {}});
  // Its link is new, or is left to somebody else: other places than before.
  if (refused || again || ended || wanted(pod).size() != pod.places.size()) (void)settle(pod, nullptr);
}

void Pods::deviceGone(uint32_t ifindex) {
  for (auto& [id, pod] : pods_) {
    auto device = std::find_if(pod.devices.begin(), pod.devices.end(),
                               [ifindex](const rtnl::Device& known) { return known.ifindex == ifindex; });
    if (device == pod.devices.end()) continue;
    pod.devices.erase(device);
    parts_.traffic.removeLink(ifindex);
    for (Program program : {Program::PodOut, Program::PodIn}) {
      const Place place{program, ifindex, {}};
      (void)parts_.hooks.remove(place);
      pod.places.erase(place.pin());
    }
    pod.reason = "the pod's link is gone";
    return;
  }
}

}  // namespace plimsoll::netqos
