// Compares what the container runtime lists (CRI) with what the agent knows, a few seconds after each NRI
// synchronisation and then every few minutes. NRI can miss a container: one that was being created while we
// registered is in neither the list nor an event (containerd/nri#63), and a dead link brings none at all.
//
// It finds; what follows is decided by the Audited. Nothing is forgotten on one list's word: a container has
// to be absent from two lists in a row, and from the cgroup tree.
//
// Not for: nodes without a CRI socket (pkg/cgroup/audit.h looks at the cgroup tree there). One thread, the
// event loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkg/cri/client.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::cri {

// What is audited: the agent's picture of the node.
class Audited {
 public:
  virtual ~Audited() = default;
  virtual bool knowsContainer(const std::string& id) const = 0;
  virtual std::vector<std::string> knownContainers() const = 0;
  // Whether its cgroup is there; true when that cannot be told.
  virtual bool hasCgroup(const std::string& id) const = 0;
  // They run, and nobody told us.
  virtual void missedByRuntime(const std::vector<model::PodFacts>& pods,
                               const std::vector<model::ContainerFacts>& containers) = 0;
  // A container of ours is in no list and has no cgroup.
  virtual void vanished(const std::vector<std::string>& ids) = 0;
  // It was made at `created` (the loop's clock), the runtime should have told us, and did not.
  virtual void suspectZombie(std::string_view reason, sys::EventLoop::Clock::time_point created) = 0;
};

class Auditor {
 public:
  struct Options {
    std::chrono::milliseconds after_synchronize{3'000};
    std::chrono::milliseconds interval{300'000};
    // A container younger than this may still be on its way to us.
    std::chrono::milliseconds settle{2'000};
    // Asked for in one audit; more wait for the next, which follows at once.
    size_t max_details = 64;
  };
  struct Stats {
    uint64_t audits = 0;
    uint64_t failures = 0;
    uint64_t missed = 0;    // containers that CRI had and we had not
    uint64_t vanished = 0;  // containers that we had and nobody else
    std::string last_error;
    sys::EventLoop::Clock::time_point last_success{};  // epoch: none yet
  };

  Auditor(sys::EventLoop& loop, Client& client, Audited& audited, Options options);

  // NRI's list was taken in: look a little later, and from then on regularly.
  void synchronized();
  // The runtime is away: nothing to compare with.
  void disconnected();

  const Stats& stats() const { return stats_; }

 private:
  void arm(std::chrono::milliseconds delay);
  void audit();
  void compare(Result<Listing> listing);
  void findVanished(const Listing& listing);
  using CreatedAt = std::unordered_map<std::string, std::chrono::system_clock::time_point>;
  void askFor(std::vector<ListedContainer> missed, std::vector<model::PodFacts> pods);
  void suspect(const std::vector<model::ContainerFacts>& found, const CreatedAt& created);
  void failed(const base::Error& error);

  sys::EventLoop& loop_;
  Client& client_;
  Audited& audited_;
  Options options_;
  Stats stats_;
  bool active_ = false;
  std::set<std::string> absent_;  // known containers that the last list did not have
  sys::EventLoop::Handle timer_;
};

}  // namespace plimsoll::cri
