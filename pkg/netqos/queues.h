// The root queue of an uplink, where the node's owner gives it into our hands: in the place of the kernel's
// default one that serves the classes in their order, and the default again when it is over.
//
// Only the kernel's own default is ever replaced, which the kernel itself checks, and only what is still as
// we made it is ever taken away. Who puts another in our place keeps it. Who takes ours away gets it put back
// as Hooks does with programs, then no more for a while.
//
// What was found is written down before it is changed: an empty folder "queue-<ifindex>-<kind>" beside the
// pins. It ends with the machine, as the queue does. A queue of ours is known by its handle, kind and
// options, so nothing is lost with that folder but the former's name.
//
// Not for: clsact (hooks.h), other queues than an uplink's. Internal to pkg/netqos. One thread at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pkg/netqos/repairs.h"
#include "pkg/netqos/types.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {

// "PL"; a queue of ours has the handle "504c:", those within a device's several ones follow.
constexpr uint32_t kOurQueue = 0x504c0000;

class Queues {
 public:
  // `folder`: of the pins; empty: nothing is written down. `kinds`: by preference, of queue_kinds.h.
  Queues(const rtnl::Socket& rtnl, std::string folder, std::vector<std::string> kinds)
      : rtnl_(rtnl), folder_(std::move(folder)), kinds_(std::move(kinds)) {}

  // These devices have ours if they may; on all others it goes back.
  void settle(const std::vector<rtnl::Device>& wanted);

  // How each managed uplink stands, and what was left alone and why.
  std::vector<Finding> findings() const;
  uint64_t repairs() const { return repaired_; }

 private:
  struct State {
    std::string device, kind, former;
    bool ours = false;
    std::string problem;
    Repairs repairs;
  };
  void settleOne(State& state, uint32_t ifindex, const std::vector<rtnl::Queue>& all);
  void keep(State& state, const rtnl::Queue& root, const std::vector<rtnl::Queue>& all);
  void take(State& state, const rtnl::Queue& root);
  bool mayRepair(State& state);
  base::Status fillRoot(State& state, const rtnl::Queue& root);
  base::Status fillLeaves(State& state, uint32_t ifindex);
  base::Status fill(State& state, rtnl::Queue place, std::string_view instead_of);
  base::Status tryKind(std::string_view name, rtnl::Queue place);

  const rtnl::Socket& rtnl_;
  std::string folder_;
  std::vector<std::string> kinds_;    // less those that this kernel turned out not to have
  std::map<uint32_t, State> states_;  // by ifindex
  bool looked_ = false;               // for what an earlier agent left
  uint64_t repaired_ = 0;
};

// Ours and as we made it, with all that is within.
bool isOurQueue(const rtnl::Queue& root, const std::vector<rtnl::Queue>& all);
// Takes away ours, so that the kernel's default is there again; nothing happens where it is not ours (any
// more). Gone: the device is.
base::Status putBackQueue(const rtnl::Socket& rtnl, const std::string& folder, uint32_t ifindex);

// What `folder` remembers: device and the kind that was there.
struct QueueMarker {
  uint32_t ifindex = 0;
  std::string former;
  std::string name;  // of the folder
};
std::vector<QueueMarker> queueMarkers(const std::string& folder);

}  // namespace plimsoll::netqos
