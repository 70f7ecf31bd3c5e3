#include "pkg/bpfobj/traffic.h"

#include <atomic>
#include <bit>
#include <cstring>

#include "pkg/bpfobj/traffic_parts.h"

namespace plimsoll::bpfobj {
namespace {

// Running programs read the same word.
template <typename T, typename U>
void store(T& word, U value) {
  std::atomic_ref<T>(word).store(static_cast<T>(value), std::memory_order_relaxed);
}

using Word __attribute__((may_alias)) = uint64_t;  // several neighbouring fields as one store

uint64_t nanoseconds(uint64_t bytes, uint64_t cost) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bytes) * cost) >> kTrafficCostShift);
}

void storeRate(TrafficRate& rate, const Limit& limit) {
  uint64_t cost = costOf(limit.bytes_per_second);
  uint64_t burst = nanoseconds(limit.burst_bytes, cost);
  store(rate.mark_ns, burst + limit.mark.count());
  store(rate.drop_ns, burst + limit.drop.count());
  store(rate.cost, cost);
}

// parent, class_id, dscp and flags are one word, so that no packet sees the class of one and the limit of
// another.
void storeIdentity(TrafficEntity& entity, const EntitySpec& spec) {
  TrafficEntity wanted = {};
  wanted.parent = spec.parent;
  wanted.class_id = spec.class_id;
  wanted.dscp = spec.dscp;
  wanted.flags = spec.flags;
  Word word;
  std::memcpy(&word, &wanted.parent, sizeof(word));
  __atomic_store_n(reinterpret_cast<Word*>(&entity.parent), word, __ATOMIC_RELAXED);
}

void storeSpec(TrafficEntity& entity, const EntitySpec& spec) {
  storeRate(entity.egress, spec.egress);
  storeRate(entity.ingress, spec.ingress);
  if (entity.pace_cap != spec.pace_bytes_per_second) {
    store(entity.pace_fair, 0);  // what was learnt is not true of another limit
    store(entity.pace_cap, spec.pace_bytes_per_second);
  }
  storeIdentity(entity, spec);
}

TrafficCounts& operator+=(TrafficCounts& sum, const TrafficCounts& part) {
  sum.bytes += part.bytes;
  sum.packets += part.packets;
  sum.drop_bytes += part.drop_bytes;
  sum.drop_packets += part.drop_packets;
  sum.marks += part.marks;
  sum.delay_ns += part.delay_ns;
  sum.delayed += part.delayed;
  return sum;
}

// Any of our counter structs is an array of TrafficCounts.
template <typename T>
T sumOfCpus(const std::byte* values, size_t cpus) {
  T sum = {};
  auto* out = reinterpret_cast<TrafficCounts*>(&sum);
  for (size_t cpu = 0; cpu < cpus; ++cpu) {
    T part;
    std::memcpy(&part, values + cpu * sizeof(T), sizeof(T));
    for (size_t i = 0; i < sizeof(T) / sizeof(TrafficCounts); ++i)
      out[i] += reinterpret_cast<const TrafficCounts*>(&part)[i];
  }
  return sum;
}

template <typename T>
base::Result<T> readCounts(const Map& map, uint32_t index) {
  ASSIGN_OR_RETURN(uint32_t cpus, possibleCpus());
  std::vector<std::byte> values(cpus * sizeof(T));
  RETURN_IF_ERROR(map.read(&index, values));
  return sumOfCpus<T>(values.data(), cpus);
}

}  // namespace

uint64_t costOf(uint64_t bytes_per_second) {
  if (bytes_per_second == 0) return 0;
  uint64_t cost = (uint64_t{1000000000} << kTrafficCostShift) / bytes_per_second;
  return std::max<uint64_t>(cost, 1);
}

Traffic::Traffic(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Traffic::Traffic(Traffic&&) noexcept = default;
Traffic& Traffic::operator=(Traffic&&) noexcept = default;
Traffic::~Traffic() = default;

int Traffic::program(Program program) const {
  const auto& programs = parts_->devices->progs;
  switch (program) {
    case Program::PodOut:
      return bpf_program__fd(programs.plm_pod_out);
    case Program::PodIn:
      return bpf_program__fd(programs.plm_pod_in);
    case Program::UplinkOut:
      return bpf_program__fd(programs.plm_uplink_out);
  }
  return -1;
}

const std::string& Traffic::pinFolder() const { return parts_->pin_folder; }

base::Result<uint32_t> Traffic::putEntity(uint64_t cgroup_id, const EntitySpec& spec) {
  if (spec.class_id >= kTrafficClasses)
    return base::invalidArgument("no traffic class " + std::to_string(spec.class_id));
  if (auto slot = parts_->entity_table->find(cgroup_id)) {
    storeSpec(parts_->entityAt(*slot), spec);
    return *slot;
  }
  ASSIGN_OR_RETURN(uint32_t slot, parts_->entity_table->reserve(cgroup_id, KeyTable::Clock::now()));
  ASSIGN_OR_RETURN(uint32_t cpus, possibleCpus());
  std::vector<std::byte> zero(cpus * sizeof(TrafficEntityCounts));
  RETURN_IF_ERROR(parts_->counts->write(&slot, zero));
  TrafficEntity& entity = parts_->entityAt(slot);
  TrafficEntity fresh = {};
  fresh.generation = entity.generation + 1;
  entity = fresh;
  storeSpec(entity, spec);
  parts_->entity_table->publish(slot, cgroup_id);
  return slot;
}

bool Traffic::removeEntity(uint64_t cgroup_id) {
  return parts_->entity_table->erase(cgroup_id, KeyTable::Clock::now());
}

std::optional<uint32_t> Traffic::findEntity(uint64_t cgroup_id) const {
  return parts_->entity_table->find(cgroup_id);
}

std::vector<EntityRecord> Traffic::entities() const {
  std::vector<EntityRecord> out;
  for (const auto& entry : parts_->entity_table->entries())
    out.push_back({entry.key, entry.slot, parts_->entityAt(entry.slot).generation});
  return out;
}

TrafficEntity Traffic::entity(uint32_t slot) const { return parts_->entityAt(slot); }

base::Result<TrafficEntityCounts> Traffic::counts(uint32_t slot) const {
  return readCounts<TrafficEntityCounts>(*parts_->counts, slot);
}

base::Result<std::vector<TrafficEntityCounts>> Traffic::allCounts() const {
  ASSIGN_OR_RETURN(uint32_t cpus, possibleCpus());
  uint32_t slots = parts_->counts->info().max_entries;
  ASSIGN_OR_RETURN(std::vector<std::byte> values, parts_->counts->readArray(0, slots));
  std::vector<TrafficEntityCounts> out(slots);
  for (uint32_t slot = 0; slot < slots; ++slot)
    out[slot] =
        sumOfCpus<TrafficEntityCounts>(values.data() + slot * cpus * sizeof(TrafficEntityCounts), cpus);
  return out;
}

base::Status Traffic::putLink(uint32_t ifindex, const TrafficLink& link) {
  auto links = parts_->links.as<uint64_t>();
  static_assert(sizeof(TrafficLink) == sizeof(uint64_t));
  auto slot = parts_->link_table->find(ifindex);
  if (slot) {
    store(links[*slot], std::bit_cast<uint64_t>(link));
    return base::ok();
  }
  ASSIGN_OR_RETURN(uint32_t fresh, parts_->link_table->reserve(ifindex, KeyTable::Clock::now()));
  store(links[fresh], std::bit_cast<uint64_t>(link));
  parts_->link_table->publish(fresh, ifindex);
  return base::ok();
}

bool Traffic::removeLink(uint32_t ifindex) {
  return parts_->link_table->erase(ifindex, KeyTable::Clock::now());
}

std::vector<KeyTable::Entry> Traffic::links() const { return parts_->link_table->entries(); }

base::Status Traffic::putUplink(uint32_t index, const UplinkSpec& spec) {
  if (index >= kTrafficUplinks) {
    return base::error(base::ErrorCode::ResourceExhausted,
                       "more than " + std::to_string(kTrafficUplinks) + " uplinks");
  }
  constexpr uint64_t kClampNs = 50'000'000;
  TrafficUplink& uplink = parts_->uplinkAt(index);
  for (int i = 0; i < kTrafficClasses; ++i) {
    const UplinkClassSpec& wanted = spec.classes[i];
    TrafficUplinkClass& own = uplink.classes[i];
    store(own.mark_ns, wanted.mark.count());
    store(own.drop_ns, wanted.drop.count());
    uint64_t share_cost = costOf(wanted.share_bytes_per_second);
    store(own.share_burst_ns, nanoseconds(wanted.share_burst_bytes, share_cost));
    store(own.share_cost, share_cost);
    store(own.priority, wanted.priority);
    if (own.pace_cap != wanted.pace_bytes_per_second) store(own.pace_fair, 0);
    store(own.pace_cap, wanted.pace_bytes_per_second);
  }
  store(uplink.clamp_ns, kClampNs);
  store(uplink.flags, spec.flags);
  store(uplink.default_class, spec.default_class);
  store(uplink.host_class, spec.host_class);
  store(uplink.cost, costOf(spec.bytes_per_second));
  return base::ok();
}

TrafficUplink Traffic::uplink(uint32_t index) const { return parts_->uplinkAt(index); }

base::Result<TrafficUplinkCounts> Traffic::uplinkCounts(uint32_t index) const {
  return readCounts<TrafficUplinkCounts>(*parts_->uplink_counts, index);
}

void Traffic::configure(const TrafficConfig& config) {
  TrafficConfig& live = parts_->config.as<TrafficConfig>()[0];
  for (int i = 0; i < kTrafficHostLevels; ++i) store(live.host_levels[i], config.host_levels[i]);
  store(live.paced_uplink, config.paced_uplink);
}

}  // namespace plimsoll::bpfobj
