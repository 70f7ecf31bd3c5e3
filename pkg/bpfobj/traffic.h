// The traffic datapath as the agent sees it: the loaded programs (bpf/*.bpf.c), their maps as typed values,
// and pins that make both outlive the agent.
//
// Not for: where to attach, what a pod may ask, when to reconcile; those belong to its user. Values here are
// already decided: classes, bytes per second, slots.
//
//   ASSIGN_OR_RETURN(auto traffic, Traffic::load({.bpffs = "/sys/fs/bpf"}));
//   ASSIGN_OR_RETURN(uint32_t pod, traffic.putEntity(pod_cgroup_id, {.class_id = kClassHigh}));
//   RETURN_IF_ERROR(traffic.putLink(ifindex, {.target = pod, .container_level = 3, .flags = kLinkPod}));
//   ASSIGN_OR_RETURN(auto link, Link::attachTcx(traffic.program(Program::PodOut), ifindex,
//   Direction::Ingress));
//
// Errors: PermissionDenied without CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (CAP_SYS_ADMIN is not needed); a
// program that the verifier refuses gives its whole log. Threads: one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/traffic.h"
#include "bpf/abi/uplink.h"
#include "pkg/base/result.h"
#include "pkg/bpfobj/key_table.h"
#include "pkg/bpfobj/map.h"
#include "pkg/bpfobj/traffic_spec.h"

namespace plimsoll::bpfobj {

// bpf/traffic.bpf.c, bpf/cgroups.bpf.c, bpf/sockets.bpf.c say what each does.
enum class Program { PodOut, PodIn, UplinkOut, SockOps, CgroupOut, CgroupIn, PaceAll, ReleaseAll };

struct TrafficOptions {
  // Where bpffs is mounted; maps are kept below it as plimsoll/v<schema>/. Empty: nothing is pinned.
  std::string bpffs;
  // Containers and pods together, and devices. Rounded up to a power of two with room to spare: a table is
  // filled to a quarter at most. Where pinned maps exist, their size is kept.
  uint32_t entities = 1536;
  uint32_t links = 520;
  // Another layout's number only to test a change of layouts.
  uint32_t schema = kTrafficSchema;
};

struct EntityRecord {
  uint64_t cgroup_id;
  uint32_t slot;
  uint32_t generation;
};

// One uplink's counters of all CPUs; `uplink` is the entry beside them.
base::Result<TrafficUplinkCounts> sumUplinkCounts(const Map& counts, uint32_t index,
                                                  const TrafficUplink& uplink);

class Traffic {
 public:
  static base::Result<Traffic> load(const TrafficOptions& options);
  Traffic(Traffic&&) noexcept;
  Traffic& operator=(Traffic&&) noexcept;
  ~Traffic();

  // Unimplemented, with the reason, where this kernel did not take the family; those on devices are always
  // there.
  base::Result<int> program(Program program) const;
  // For other programs on the same maps (tests, benchmarks): descriptors by name, and sizes of the tables.
  const std::map<std::string, int>& mapDescriptors() const;
  uint32_t entityMask() const;
  uint32_t linkMask() const;
  // The folder of the pins; empty when nothing is pinned.
  const std::string& pinFolder() const;

  // Adds or changes. A change leaves clocks, counters and what was learnt alone. ResourceExhausted: no room.
  base::Result<uint32_t> putEntity(uint64_t cgroup_id, const EntitySpec& spec);
  // Nothing is charged to it from here on. False: it was not there.
  bool removeEntity(uint64_t cgroup_id);
  std::optional<uint32_t> findEntity(uint64_t cgroup_id) const;
  std::vector<EntityRecord> entities() const;
  // As they are now; no system call. A counter of another owner is never shown: each begins at 0.
  TrafficEntity entity(uint32_t slot) const;
  TrafficDetails details(uint32_t slot) const;

  // Adds the counters of another table's entry, and the later of both clocks.
  void addHistory(uint32_t slot, const TrafficEntity& entity, const TrafficDetails& details);

  // Tells the programs on a cgroup whose it is. NotFound until one of them is attached there.
  base::Status putAttached(uint64_t cgroup_id, const TrafficAttached& attached);

  // Whether sockets can be paced here: a socket's former rate has to be remembered with it. Linux 7 does not
  // give that memory on a processor without a 16-byte compare-and-exchange (seen under QEMU); then none is
  // paced.
  base::Status probePacing() const;

  base::Status putLink(uint32_t ifindex, const TrafficLink& link);
  bool removeLink(uint32_t ifindex);
  std::optional<TrafficLink> link(uint32_t ifindex) const;
  std::vector<KeyTable::Entry> links() const;  // key: ifindex

  base::Status putUplink(uint32_t index, const UplinkSpec& spec);
  TrafficUplink uplink(uint32_t index) const;
  base::Result<TrafficUplinkCounts> uplinkCounts(uint32_t index) const;
  // Adds what other maps had counted, but for delays and bytes dropped.
  void addUplinkHistory(uint32_t index, const TrafficUplinkCounts& counts);
  void configure(const TrafficConfig& config);

 private:
  struct Parts;
  explicit Traffic(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace plimsoll::bpfobj
