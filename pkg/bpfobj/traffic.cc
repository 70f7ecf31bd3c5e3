#include "pkg/bpfobj/traffic.h"

#include <sys/socket.h>

#include <atomic>
#include <bit>
#include <cerrno>
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

uint32_t storedTime(uint64_t ns) { return std::min<uint64_t>(ns >> kTrafficTimeShift, UINT32_MAX); }

void storeLimit(TrafficFlow& flow, const Limit& limit) {
  uint64_t cost = costOf(limit.bytes_per_second);
  uint64_t burst = nanoseconds(limit.burst_bytes, cost);
  store(flow.mark, storedTime(burst + limit.mark.count()));
  store(flow.drop, storedTime(burst + limit.drop.count()));
  store(flow.cost, cost);
}

// parent, class_id, dscp and flags are one word, so that no packet sees the class of one and the limit of
// another.
void storeIdentity(TrafficEntity& entity, const EntitySpec& spec) {
  TrafficEntity wanted = {};
  wanted.parent = spec.parent;
  wanted.class_id = spec.class_id;
  wanted.dscp = spec.dscp;
  wanted.flags = spec.flags | (spec.pace_bytes_per_second != 0 ? kEntityPaced : 0);
  Word word;
  std::memcpy(&word, &wanted.parent, sizeof(word));
  __atomic_store_n(reinterpret_cast<Word*>(&entity.parent), word, __ATOMIC_RELAXED);
}

void storeSpec(TrafficEntity& entity, TrafficDetails& details, const EntitySpec& spec) {
  storeLimit(entity.egress, spec.egress);
  storeLimit(details.ingress, spec.ingress);
  if (details.pace_cap != spec.pace_bytes_per_second) {
    store(details.pace_fair, 0);  // what was learnt is not true of another limit
    store(details.pace_cap, spec.pace_bytes_per_second);
  }
  store(details.weight, spec.weight);
  store(details.asked_egress_bits, spec.asked_egress_bits);
  store(details.asked_ingress_bits, spec.asked_ingress_bits);
  store(details.asked_burst_bytes, spec.asked_burst_bytes);
  storeIdentity(entity, spec);
}

// Programs count on meanwhile.
void addTo(__u64& word, __u64 amount) {
  std::atomic_ref<__u64>(word).fetch_add(amount, std::memory_order_relaxed);
}

void addFlow(TrafficFlow& own, const TrafficFlow& more) {
  addTo(own.bytes, more.bytes);
  addTo(own.packets, more.packets);
  std::atomic_ref<__u64> tat(own.tat);
  for (__u64 seen = tat.load(); seen < more.tat && !tat.compare_exchange_weak(seen, more.tat);) {
  }
}

void addEvents(TrafficEvents& own, const TrafficEvents& more) {
  addTo(own.drop_bytes, more.drop_bytes);
  addTo(own.drop_packets, more.drop_packets);
  addTo(own.marks, more.marks);
  addTo(own.delay_ns, more.delay_ns);
  addTo(own.delayed, more.delayed);
}

TrafficCounts& operator+=(TrafficCounts& sum, const TrafficCounts& part) {
  sum.bytes += part.bytes;
  sum.packets += part.packets;
  sum.events.drop_bytes += part.events.drop_bytes;
  sum.events.drop_packets += part.events.drop_packets;
  sum.events.marks += part.events.marks;
  sum.events.delay_ns += part.events.delay_ns;
  sum.events.delayed += part.events.delayed;
  return sum;
}

// All but the key as one word, so that no packet sees the target of one and the flags of another.
void storeLink(TrafficLink& live, const TrafficLink& link) {
  Word word;
  static_assert(offsetof(TrafficLink, key) == sizeof(word));
  std::memcpy(&word, &link, sizeof(word));
  __atomic_store_n(reinterpret_cast<Word*>(&live), word, __ATOMIC_RELAXED);
}

using Cgroups = decltype(cgroups_bpf::progs);
using Sockets = decltype(sockets_bpf::progs);

template <typename Family, typename Programs>
base::Result<int> descriptor(const base::Result<Skeleton<Family>>& family, bpf_program* Programs::*which) {
  if (!family) return base::error(base::ErrorCode::Unimplemented, family.error().message);
  return bpf_program__fd((*family)->progs.*which);
}

}  // namespace

uint64_t costOf(uint64_t bytes_per_second) {
  if (bytes_per_second == 0) return 0;
  uint64_t cost = (uint64_t{1000000000} << kTrafficCostShift) / bytes_per_second;
  return std::max<uint64_t>(cost, 1);
}

Limit limitFor(uint64_t bytes_per_second, uint64_t burst_bytes) {
  // Never less than a few packets, even at a slow rate; GSO packets of full size only as long as they are no
  // long delay: a paced socket does not send them.
  constexpr uint64_t kPacket = 1514, kGso = 65536, kMs = 1'000'000;
  uint64_t cost = costOf(bytes_per_second);
  uint64_t packet = nanoseconds(kPacket, cost), gso = nanoseconds(kGso, cost);
  uint64_t mark = std::max({kMs, 3 * packet, std::min(2 * gso, 5 * kMs)});
  uint64_t drop = std::max({10 * kMs, 10 * packet, std::min(4 * gso, 50 * kMs)});
  return {bytes_per_second, burst_bytes, std::chrono::nanoseconds(mark), std::chrono::nanoseconds(drop)};
}

Traffic::Traffic(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Traffic::Traffic(Traffic&&) noexcept = default;
Traffic& Traffic::operator=(Traffic&&) noexcept = default;
Traffic::~Traffic() = default;

base::Result<int> Traffic::program(Program program) const {
  const auto& devices = parts_->devices->progs;
  switch (program) {
    case Program::PodOut:
      return bpf_program__fd(devices.plm_pod_out);
    case Program::PodIn:
      return bpf_program__fd(devices.plm_pod_in);
    case Program::UplinkOut:
      return bpf_program__fd(devices.plm_uplink_out);
    case Program::SockOps:
      return descriptor(parts_->cgroups, &Cgroups::plm_sockops);
    case Program::CgroupOut:
      return descriptor(parts_->cgroups, &Cgroups::plm_cg_out);
    case Program::CgroupIn:
      return descriptor(parts_->cgroups, &Cgroups::plm_cg_in);
    case Program::PaceAll:
      return descriptor(parts_->sockets, &Sockets::plm_pace_all);
    case Program::ReleaseAll:
      return descriptor(parts_->sockets, &Sockets::plm_release_all);
  }
  return base::error(base::ErrorCode::Internal, "no such program");
}

const std::map<std::string, int>& Traffic::mapDescriptors() const { return parts_->plan.shared; }
uint32_t Traffic::entityMask() const { return parts_->entity_table->capacity() / kTrafficBucketSlots - 1; }
uint32_t Traffic::linkMask() const { return parts_->link_table->capacity() / kTrafficBucketSlots - 1; }

const std::string& Traffic::pinFolder() const { return parts_->plan.pin_folder; }

base::Result<uint32_t> Traffic::putEntity(uint64_t cgroup_id, const EntitySpec& spec) {
  if (spec.class_id >= kTrafficClasses)
    return base::invalidArgument("no traffic class " + std::to_string(spec.class_id));
  if (auto slot = parts_->entity_table->find(cgroup_id)) {
    storeSpec(parts_->entityAt(*slot), parts_->detailsAt(*slot), spec);
    return *slot;
  }
  ASSIGN_OR_RETURN(uint32_t slot, parts_->entity_table->reserve(cgroup_id, KeyTable::Clock::now()));
  TrafficDetails& details = parts_->detailsAt(slot);
  uint32_t generation = details.generation + 1;
  parts_->entityAt(slot) = {};
  details = {};
  details.generation = generation;
  storeSpec(parts_->entityAt(slot), details, spec);
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
    out.push_back({entry.key, entry.slot, parts_->detailsAt(entry.slot).generation});
  return out;
}

TrafficEntity Traffic::entity(uint32_t slot) const { return parts_->entityAt(slot); }

TrafficDetails Traffic::details(uint32_t slot) const { return parts_->detailsAt(slot); }

void Traffic::addHistory(uint32_t slot, const TrafficEntity& entity, const TrafficDetails& details) {
  TrafficEntity& own = parts_->entityAt(slot);
  TrafficDetails& more = parts_->detailsAt(slot);
  addFlow(own.egress, entity.egress);
  addFlow(more.ingress, details.ingress);
  addEvents(more.egress_events, details.egress_events);
  addEvents(more.ingress_events, details.ingress_events);
}

base::Status Traffic::putAttached(uint64_t cgroup_id, const TrafficAttached& attached) {
  return parts_->attached->write(&cgroup_id, std::as_bytes(std::span(&attached, 1)));
}

base::Status Traffic::probePacing() const {
  RETURN_IF_ERROR(program(Program::SockOps));
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return base::errnoError(errno, "make a socket");
  ASSIGN_OR_RETURN(Map sockets, Map::duplicate(parts_->plan.shared.at("plm_sockets")));
  int key = socket.get();
  TrafficSocket nothing = {};
  auto kept = sockets.write(&key, std::as_bytes(std::span(&nothing, 1)));
  if (kept) return sockets.erase(&key);
  return base::error(base::ErrorCode::Unimplemented,
                     "this kernel keeps nothing with a socket: " + kept.error().message);
}

base::Status Traffic::putLink(uint32_t ifindex, const TrafficLink& link) {
  auto links = parts_->links.as<TrafficLink>();
  if (auto slot = parts_->link_table->find(ifindex)) {
    storeLink(links[*slot], link);
    return base::ok();
  }
  ASSIGN_OR_RETURN(uint32_t fresh, parts_->link_table->reserve(ifindex, KeyTable::Clock::now()));
  storeLink(links[fresh], link);
  parts_->link_table->publish(fresh, ifindex);
  return base::ok();
}

bool Traffic::removeLink(uint32_t ifindex) {
  return parts_->link_table->erase(ifindex, KeyTable::Clock::now());
}

std::optional<TrafficLink> Traffic::link(uint32_t ifindex) const {
  auto slot = parts_->link_table->find(ifindex);
  if (!slot) return std::nullopt;
  return parts_->links.as<TrafficLink>()[*slot];
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

base::Result<TrafficUplinkCounts> sumUplinkCounts(const Map& counts, uint32_t index,
                                                  const TrafficUplink& uplink) {
  ASSIGN_OR_RETURN(uint32_t cpus, possibleCpus());
  std::vector<TrafficUplinkCounts> values(cpus);
  RETURN_IF_ERROR(counts.read(&index, std::as_writable_bytes(std::span(values))));
  TrafficUplinkCounts sum = {};
  for (int i = 0; i < kTrafficClasses; ++i) {
    const TrafficUplinkClass& own = uplink.classes[i];
    sum.classes[i].bytes = own.carried_bytes;
    sum.classes[i].packets = own.carried_packets;
    sum.classes[i].events.marks = own.carried_marks;
    sum.classes[i].events.drop_packets = own.carried_drop_packets;
    for (const TrafficUplinkCounts& cpu : values) sum.classes[i] += cpu.classes[i];
  }
  return sum;
}

base::Result<TrafficUplinkCounts> Traffic::uplinkCounts(uint32_t index) const {
  return sumUplinkCounts(*parts_->uplink_counts, index, parts_->uplinkAt(index));
}

void Traffic::addUplinkHistory(uint32_t index, const TrafficUplinkCounts& counts) {
  for (int i = 0; i < kTrafficClasses; ++i) {
    TrafficUplinkClass& own = parts_->uplinkAt(index).classes[i];
    own.carried_bytes += counts.classes[i].bytes;
    own.carried_packets += counts.classes[i].packets;
    own.carried_marks += counts.classes[i].events.marks;
    own.carried_drop_packets += counts.classes[i].events.drop_packets;
  }
}

void Traffic::configure(const TrafficConfig& config) {
  TrafficConfig& live = parts_->config.as<TrafficConfig>()[0];
  for (int i = 0; i < kTrafficHostLevels; ++i) store(live.host_levels[i], config.host_levels[i]);
  store(live.paced_uplink, config.paced_uplink);
}

}  // namespace plimsoll::bpfobj
