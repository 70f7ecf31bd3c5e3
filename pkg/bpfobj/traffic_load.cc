#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bit>
#include <cerrno>

#include "pkg/bpfobj/traffic_parts.h"

namespace plimsoll::bpfobj {
namespace {

// Four times the room: then both buckets of a key being full is out of the question (key_table_test.cc).
uint32_t bucketsFor(uint32_t entries) {
  return std::bit_ceil(std::max(4 * entries, 2u * kTrafficBucketSlots) / kTrafficBucketSlots);
}

base::Status makeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return base::ok();
  return base::errnoError(errno, "make " + path);
}

base::Result<std::string> makePinFolder(const std::string& bpffs, uint32_t schema) {
  if (bpffs.empty()) return std::string();
  struct statfs info = {};
  if (statfs(bpffs.c_str(), &info) != 0 || info.f_type != BPF_FS_MAGIC)
    return base::error(base::ErrorCode::FailedPrecondition, "no bpffs is mounted at " + bpffs);
  std::string folder = bpffs + "/plimsoll";
  RETURN_IF_ERROR(makeFolder(folder));
  folder += "/v" + std::to_string(schema);
  RETURN_IF_ERROR(makeFolder(folder));
  return folder;
}

// An earlier agent may have been given another size; what runs keeps it.
uint32_t bucketsOf(const std::string& pin_folder, const char* map, uint32_t entries) {
  if (!pin_folder.empty())
    if (auto pinned = Map::openPinned(pin_folder + "/" + map)) return pinned->info().max_entries;
  return bucketsFor(entries);
}

base::Result<MappedArray> mapped(const MapPlan& plan, const char* name) {
  ASSIGN_OR_RETURN(Map map, Map::duplicate(plan.shared.at(name)));
  return MappedArray::map(map);
}

template <typename T>
base::Result<Skeleton<T>> loadFamily(const char* name, MapPlan& plan, uint32_t entity_buckets,
                                     uint32_t link_buckets) {
  ASSIGN_OR_RETURN(Skeleton<T> family, openSkeleton<T>(name));
  family->rodata->entity_mask = entity_buckets - 1;
  family->rodata->link_mask = link_buckets - 1;
  RETURN_IF_ERROR(loadSkeleton(name, family, plan));
  return family;
}

}  // namespace

base::Result<Traffic> Traffic::load(const TrafficOptions& options) {
  auto parts = std::make_unique<Parts>();
  MapPlan& plan = parts->plan;
  ASSIGN_OR_RETURN(plan.pin_folder, makePinFolder(options.bpffs, options.schema));
  uint32_t entity_buckets = bucketsOf(plan.pin_folder, "plm_entities", options.entities);
  uint32_t link_buckets = bucketsOf(plan.pin_folder, "plm_links", options.links);
  plan.sizes = {{"plm_entities", entity_buckets},
                {"plm_details", entity_buckets * kTrafficBucketSlots},
                {"plm_links", link_buckets}};

  ASSIGN_OR_RETURN(parts->devices, loadFamily<traffic_bpf>("devices", plan, entity_buckets, link_buckets));
  parts->cgroups = loadFamily<cgroups_bpf>("cgroups", plan, entity_buckets, link_buckets);
  parts->sockets = loadFamily<sockets_bpf>("sockets", plan, entity_buckets, link_buckets);

  ASSIGN_OR_RETURN(parts->config, mapped(plan, "plm_config"));
  ASSIGN_OR_RETURN(parts->entities, mapped(plan, "plm_entities"));
  ASSIGN_OR_RETURN(parts->details, mapped(plan, "plm_details"));
  ASSIGN_OR_RETURN(parts->links, mapped(plan, "plm_links"));
  ASSIGN_OR_RETURN(parts->uplinks, mapped(plan, "plm_uplinks"));
  ASSIGN_OR_RETURN(parts->uplink_counts, Map::duplicate(plan.shared.at("plm_up_counts")));
  ASSIGN_OR_RETURN(parts->attached, Map::duplicate(plan.shared.at("plm_attached")));
  parts->entity_table.emplace(parts->entities.as<TrafficEntity>());
  parts->link_table.emplace(parts->links.as<TrafficLink>());
  parts->config.as<TrafficConfig>()[0].schema = options.schema;
  return Traffic(std::move(parts));
}

}  // namespace plimsoll::bpfobj
