// Places where a program of ours belongs, and keeping it there: by a bpf_link (TCX, cgroup), pinned so that
// it outlives the agent, or by a classic filter of ours where the kernel has no TCX.
//
// One who takes a program away gets it put back kMostRepairs times within kWindow; then the place is left to
// him for kStandBack. No filter or qdisc of another is ever replaced or removed.
//
// Not for: which places (pods.h, uplinks.h). Internal to pkg/netqos. One thread at a time.
#pragma once

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/cgroup_tree.h"
#include "pkg/netqos/repairs.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

// On a device or a cgroup; which of both follows from the program.
struct Place {
  bpfobj::Program program = bpfobj::Program::PodOut;
  uint32_t ifindex = 0;
  CgroupRef cgroup;

  bool onDevice() const { return ifindex != 0; }
  std::string pin() const;    // file name of its pin, "device-12-pod_out"; also its key
  std::string where() const;  // "ingress of device 12", "cgroup /kubepods/pod1/c1"
  std::string program_name() const;
  // From a pin's file name; a cgroup comes without its path. nullopt: not one of ours.
  static std::optional<Place> fromPin(const std::string& name);
};

class Hooks {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kUnclaimed{1};

  // All outlive this. `tcx`: the kernel has it and it may be used. `folder`: of the pins; empty: links end
  // with this object.
  Hooks(const bpfobj::Traffic& traffic, const rtnl::Socket& rtnl, const CgroupTree& tree, bool tcx,
        std::string folder)
      : traffic_(traffic), rtnl_(rtnl), tree_(tree), tcx_(tcx), folder_(std::move(folder)) {}

  // Takes over what an earlier agent pinned in `folder` (of this or another layout), each link's program
  // exchanged for ours at once. Those whose device or cgroup ended are removed.
  std::vector<Place> takeOver();

  enum class Health { Fine, Repaired, SteppedBack, Gone, Failed };
  // Attached when this returns; nothing happens where it is so already.
  base::Status ensure(const Place& place);
  // Begins with what ensure() does, on a thread of its own: attaching to a device by TCX waits for the
  // kernel's grace period, which passes beside what the caller does meanwhile. Whoever asks for the place
  // next waits for the rest. A place that nobody asks for is taken back by dropUnclaimed().
  void prepare(const Place& place);
  void dropUnclaimed(Clock::time_point now);
  // Looks whether it still is, and puts it back. Gone: the device or cgroup is.
  Health check(const Place& place);
  base::Status remove(const Place& place);
  // A device's link that another version pinned as `path`: its program exchanged, its pin moved to ours.
  base::Status move(const Place& place, const std::string& path);

  // "tcx", "classic", "cgroup link"; empty: not attached.
  std::string howAttached(const Place& place) const;
  std::string problemOf(const Place& place) const;  // empty: none known
  bool standsBack(const Place& place) const;
  bool hasFilter(const Place& place) const;  // one of ours, of whichever agent
  bool tcx() const { return tcx_; }
  uint64_t repairs() const { return repaired_; }
  uint64_t steppedBack() const;
  // Places that were left to somebody else long enough.
  void forgive(Clock::time_point now);

 private:
  struct State {
    Place place;
    bool attached = false;
    std::string problem;
    Repairs repairs;
    std::optional<bpfobj::Link> held;   // where nothing is pinned
    std::future<base::Status> pending;  // prepare() is not done
    Clock::time_point prepared{};       // and nobody asked for it since
  };
  static void finish(State& state);
  enum class Found { Attached, Missing, Gone };

  bool usesLink(const Place& place) const { return !place.onDevice() || tcx_; }
  base::Result<Found> look(const State& state) const;
  base::Result<Found> lookForFilter(const Place& place) const;
  base::Status attach(State& state);
  base::Result<bpfobj::Link> makeLink(const Place& place, int program) const;
  base::Status attachFilter(const Place& place, int program);
  base::Status removeFilter(const Place& place);
  bool mayRepair(State& state);
  std::string pathOf(const std::string& pin) const { return folder_ + "/" + pin; }

  const bpfobj::Traffic& traffic_;
  const rtnl::Socket& rtnl_;
  const CgroupTree& tree_;
  bool tcx_;
  std::string folder_;
  std::map<std::string, State> states_;
  uint64_t repaired_ = 0;
};

// A classic filter's place for a program of ours.
bpfobj::ClassicFilter filterPlace(const Place& place);
// Whether a filter stands where ours would; `ours`: and is one.
struct FilterThere {
  bool ours = false;
  uint32_t program_id = 0;
  std::string name;
};
base::Result<std::optional<FilterThere>> filterAt(const rtnl::Socket& rtnl, const Place& place);
// Removes a clsact qdisc that `folder` remembers as made by us, if nothing is in it any more.
base::Status removeOurClsact(const rtnl::Socket& rtnl, const std::string& folder, uint32_t ifindex);

}  // namespace plimsoll::netqos
