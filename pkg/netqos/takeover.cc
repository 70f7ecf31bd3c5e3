#include "pkg/netqos/takeover.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "pkg/base/log.h"
#include "pkg/netqos/fields.h"
#include "pkg/netqos/place_files.h"
#include "pkg/netqos/queues.h"

namespace plimsoll::netqos {
namespace {

using base::Result;
using base::Status;

// The other version's tables, mapped.
struct Former {
  bpfobj::MappedArray entities, details, links, uplinks;
  std::optional<bpfobj::Map> attached, uplink_counts;

  std::span<const TrafficEntity> allEntities() const { return entities.as<TrafficEntity>(); }
  const TrafficDetails& detailsAt(size_t slot) const { return details.as<TrafficDetails>()[slot]; }
};

Result<bpfobj::MappedArray> mapped(const std::string& folder, const char* name, uint32_t value_size) {
  ASSIGN_OR_RETURN(const bpfobj::Map map, bpfobj::Map::openPinned(folder + "/" + name));
  if (map.info().value_size != value_size)
    return base::error(base::ErrorCode::Unimplemented, folder + "/" + name + " has a layout not known here");
  return bpfobj::MappedArray::map(map);
}

Result<Former> openFormer(const std::string& folder) {
  Former out;
  ASSIGN_OR_RETURN(out.entities, mapped(folder, "plm_entities", sizeof(TrafficEntityBucket)));
  ASSIGN_OR_RETURN(out.details, mapped(folder, "plm_details", sizeof(TrafficDetails)));
  ASSIGN_OR_RETURN(out.links, mapped(folder, "plm_links", sizeof(TrafficLinkBucket)));
  ASSIGN_OR_RETURN(out.uplinks, mapped(folder, "plm_uplinks", sizeof(TrafficUplink)));
  ASSIGN_OR_RETURN(out.uplink_counts, bpfobj::Map::openPinned(folder + "/plm_up_counts"));
  ASSIGN_OR_RETURN(out.attached, bpfobj::Map::openPinned(folder + "/plm_attached"));
  return out;
}

using Slots = std::map<uint32_t, uint32_t>;  // former to ours

Status carryEntities(const Former& former, bpfobj::Traffic& traffic, Slots& slots) {
  const auto all = former.allEntities();
  for (const bool pods : {true, false}) {
    for (size_t slot = 1; slot < all.size(); ++slot) {
      const TrafficEntity& entity = all[slot];
      if (entity.key == 0 || (entity.parent == 0) != pods) continue;
      bpfobj::EntitySpec spec = specOf(askedOf(entity, former.detailsAt(slot)));
      spec.parent = pods ? 0 : slots[entity.parent];
      ASSIGN_OR_RETURN(slots[slot], traffic.putEntity(entity.key, spec));
    }
  }
  for (const TrafficLink& link : former.links.as<TrafficLink>()) {
    if (link.key == 0) continue;
    TrafficLink ours = link;
    if (link.flags & kLinkPod) ours.target = slots[link.target];
    RETURN_IF_ERROR(traffic.putLink(link.key, ours));
  }
  return base::ok();
}

// Filters have no pins; the same place holds ours afterwards.
void moveFilters(const Former& former, Hooks& hooks) {
  using bpfobj::Program;
  if (hooks.tcx()) return;
  for (const TrafficLink& link : former.links.as<TrafficLink>()) {
    if (link.key == 0) continue;
    const auto ifindex = static_cast<uint32_t>(link.key);
    const bool uplink = link.flags & kLinkUplink;
    for (Program program :
         uplink ? std::vector{Program::UplinkOut} : std::vector{Program::PodOut, Program::PodIn})
      if (hooks.hasFilter({program, ifindex, {}})) (void)hooks.ensure({program, ifindex, {}});
  }
}

void carryCounters(const Former& former, const Slots& slots, bpfobj::Traffic& traffic) {
  for (const auto& [from, to] : slots)
    traffic.addHistory(to, former.allEntities()[from], former.detailsAt(from));
  for (const TrafficLink& link : former.links.as<TrafficLink>()) {
    if (link.key == 0 || !(link.flags & kLinkUplink) || link.target >= kTrafficUplinks) continue;
    auto counts = bpfobj::sumUplinkCounts(*former.uplink_counts, link.target,
                                          former.uplinks.as<TrafficUplink>()[link.target]);
    if (counts) traffic.addUplinkHistory(link.target, *counts);
  }
}

// A cgroup's program finds its entity in storage that belongs to the maps it was attached with, so its link
// is not exchanged but followed by another.
Status movePlace(const Place& place, const std::string& folder, const Former& former, const Slots& slots,
                 bpfobj::Traffic& traffic, Hooks& hooks) {
  const std::string path = folder + "/" + place.pin();
  if (place.onDevice()) return hooks.move(place, path);
  ASSIGN_OR_RETURN(const bpfobj::Link link, bpfobj::Link::openPinned(path));
  RETURN_IF_ERROR(hooks.ensure(place));
  TrafficAttached attached = {};
  RETURN_IF_ERROR(former.attached->read(&place.cgroup.id, std::as_writable_bytes(std::span(&attached, 1))));
  auto slot = slots.find(attached.slot);
  attached.slot = slot == slots.end() ? 0 : slot->second;
  RETURN_IF_ERROR(traffic.putAttached(place.cgroup.id, attached));
  RETURN_IF_ERROR(link.detach());
  unlink(path.c_str());
  return base::ok();
}

}  // namespace

std::vector<std::string> formerFolders(const std::string& folder) {
  std::vector<std::string> out;
  const size_t slash = folder.rfind('/');
  if (slash == std::string::npos) return out;
  for (const std::string& name : layoutsIn(folder.substr(0, slash)))
    if (name != folder.substr(slash + 1)) out.push_back(folder.substr(0, slash + 1) + name);
  return out;
}

Status takeOverLayout(const std::string& folder, bpfobj::Traffic& traffic, Hooks& hooks,
                      const CgroupTree& tree) {
  ASSIGN_OR_RETURN(const Former former, openFormer(folder));
  Slots slots;
  RETURN_IF_ERROR(carryEntities(former, traffic, slots));
  moveFilters(former, hooks);
  const std::map<uint64_t, std::string> paths = tree.paths();
  for (Place& place : pinnedPlaces(folder)) {
    if (auto path = paths.find(place.cgroup.id); path != paths.end()) place.cgroup.path = path->second;
    Status moved = movePlace(place, folder, former, slots, traffic, hooks);
    // Its device or cgroup ended; anything else is put right by the next look at what is wanted.
    if (!moved && !moved.error().isGone())
      base::log::warn("A program of another version could not be taken over",
                      {{"place", place.where()}, {"error", moved.error().message}});
    unlink((folder + "/" + place.pin()).c_str());
  }
  for (uint32_t ifindex : clsactMarkers(folder)) {
    mkdir((traffic.pinFolder() + "/" + clsactMarker(ifindex)).c_str(), 0700);
    rmdir((folder + "/" + clsactMarker(ifindex)).c_str());
  }
  for (const QueueMarker& marker : queueMarkers(folder)) {
    mkdir((traffic.pinFolder() + "/" + marker.name).c_str(), 0700);
    rmdir((folder + "/" + marker.name).c_str());
  }
  // Packets that were within the former programs a moment ago have been counted when this is over.
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  carryCounters(former, slots, traffic);
  for (const std::string& name : namesIn(folder)) unlink((folder + "/" + name).c_str());
  if (rmdir(folder.c_str()) != 0) return base::errnoError(errno, "remove " + folder);
  return base::ok();
}

}  // namespace plimsoll::netqos
