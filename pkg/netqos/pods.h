// Pods and containers with traffic settings: their entities in the maps, and which programs belong where for
// them. The maps are the truth; what is kept here beside them can be found again (adopt()).
//
// A pod is known from the first setting of it or of one of its containers until all are back at their
// defaults. Internal to pkg/netqos. One thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/cgroup_tree.h"
#include "pkg/netqos/device_table.h"
#include "pkg/netqos/fields.h"
#include "pkg/netqos/hooks.h"
#include "pkg/netqos/types.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

struct ContainerState {
  CgroupRef cgroup;
  uint32_t slot = 0;
};

struct PodState {
  CgroupRef cgroup;
  uint32_t slot = 0;
  std::string name;
  bool host_network = false;
  std::optional<int> nsid;  // of its network namespace
  std::vector<rtnl::Device> devices;
  std::string reason;           // why it is not reached by its link
  std::string link_refused;     // its link is there, but a program could not be attached
  std::string ingress_refused;  // the same, of the way into the pod only
  std::map<uint64_t, ContainerState> containers;
  std::map<std::string, Place> places;  // by pin

  bool byLink() const { return !devices.empty() && link_refused.empty(); }
};

class Pods {
 public:
  struct Parts {
    bpfobj::Traffic& traffic;
    Hooks& hooks;
    const rtnl::Socket& rtnl;
    const DeviceTable& table;
    const CgroupTree& tree;
    std::string proc;
    bool ingress_at_cgroup = false;  // links are not passed on the way in
  };
  explicit Pods(Parts parts) : parts_(std::move(parts)) {}

  // What an earlier agent left in the maps; `taken` is what it attached.
  void adopt(const std::vector<Place>& taken);
  // Attaches what is missing for all of them; gives what could not be.
  std::vector<std::string> settleAll();

  base::Result<std::string> show(const CgroupRef& cgroup, Level level, std::string_view field) const;
  base::Status set(const Subject& subject, Level level, std::string_view field, const std::string& text);
  // Only of what is known already; the default is right for all else.
  base::Status setKnown(const CgroupRef& cgroup, Level level, std::string_view field,
                        const std::string& text);
  // A container of a pod that is known already belongs to it from here on.
  base::Status join(const Subject& subject);

  struct Tally {
    uint32_t repaired = 0, failed = 0, forgotten = 0;
  };
  void reconcile(uint64_t pod_id, Tally& tally);
  std::vector<uint64_t> ids() const;
  void deviceGone(uint32_t ifindex);
  // Perhaps the links of pods that had none.
  void devicesCame(const std::vector<rtnl::Device>& devices);

  std::vector<rtnl::Device> devices() const;

  // By pod or container.
  const PodState* find(uint64_t cgroup_id) const;
  std::optional<Counts> countsOf(uint64_t cgroup_id) const;
  ModeReport modeOf(uint64_t cgroup_id) const;
  uint64_t containers() const { return pod_of_.size(); }
  // Depths of containers without a link, the deepest first.
  std::vector<uint8_t> hostLevels() const;

 private:
  using Paths = std::map<uint64_t, std::string>;  // of cgroups, by id
  using PodBySlot = std::map<uint32_t, uint64_t>;
  void adoptEntities(const Paths& paths, PodBySlot& pod_by_slot);
  void adoptLinks(const PodBySlot& pod_by_slot);
  PodState* ownerOf(const Place& place, const PodBySlot& pod_by_slot);

  Asked askedAt(uint32_t slot) const;
  base::Result<PodState*> podFor(const Subject& subject);
  base::Result<ContainerState*> containerFor(PodState& pod, const CgroupRef& cgroup);
  base::Status store(PodState& pod, uint32_t slot, uint64_t cgroup_id, const Asked& asked);
  void storePodClass(PodState& pod);
  bool allDefault(const PodState& pod) const;
  base::Status discover(PodState& pod, const Subject& subject);
  void lookAgainForLink(PodState& pod);
  base::Status settle(PodState& pod, const Subject* subject);
  base::Status settleOnce(PodState& pod, std::vector<const ContainerState*>& fresh);
  std::map<std::string, Place> wanted(const PodState& pod) const;
  base::Status putLinks(const PodState& pod);
  void tellCgroup(const PodState& pod, const ContainerState& container);
  void repace(const std::vector<const ContainerState*>& fresh, const Subject* subject);
  uint32_t forgetEnded(PodState& pod);
  void forgetContainer(PodState& pod, uint64_t id);
  void forget(uint64_t pod_id);
  void drop(PodState& pod, const Subject* subject);
  uint8_t levelOf(const PodState& pod) const;
  std::optional<uint32_t> slotOf(uint64_t cgroup_id) const;
  base::Status held(const PodState& pod) const;
  bool ingressAtCgroup(const PodState& pod) const;
  bool limitsIngress(const PodState& pod) const;

  Parts parts_;
  std::map<uint64_t, PodState> pods_;
  std::map<uint64_t, uint64_t> pod_of_;  // by container
};

}  // namespace plimsoll::netqos
