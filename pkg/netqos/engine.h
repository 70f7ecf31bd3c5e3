// The user of the traffic programs: finds where a container's packets pass, attaches there, keeps it
// attached, and takes everything away again. What was attached stays when this object goes: it is pinned, and
// the next engine takes it over without a packet in between.
//
// Not for: deciding what a pod may have (pkg/policy), or what a class is worth to whom.
//
// Settings as text, by the field that their row names. Reading shows what the programs have now, in the one
// form given here; where nothing was ever asked, the default.
//   priority                   "system", "high", "normal" (default), "besteffort"
//   egress.rate, ingress.rate  bits per second, decimal; "max" (default)
//   egress.burst               bytes, decimal; "0" (default): as much as the rate asks for
//   dscp                       "0" to "63", or "none" (default)
//   weight                     "1" to "10000", "100" (default): of the class's room on a held line
//   pod.egress.rate, pod.egress.burst, pod.ingress.rate: the pod's, through an access of Level::Pod
//
//   ASSIGN_OR_RETURN(auto engine, Engine::start(options));
//   ASSIGN_OR_RETURN(auto access, engine->open(subject, Level::Container));
//   Applied applied = mechanism::applySetting(*access, setting);
//
// Network devices are those of the namespace of the thread that called start(), which has to be the node's.
//
// Errors: gone (cgroup or process ended: normal); PermissionDenied (a capability is missing, named);
// ResourceExhausted (more containers than `Options` said); FailedPrecondition (somebody else keeps taking our
// programs away: nothing holds what was asked). Threads: one at a time; no call waits for another process.
#pragma once

#include <memory>

#include "pkg/mechanism/mechanism.h"
#include "pkg/netqos/types.h"

namespace plimsoll::netqos {

class Engine {
 public:
  static base::Result<std::unique_ptr<Engine>> start(const Options& options);
  ~Engine();

  // One container's settings, or its pod's; the place is the cgroup of either. The engine outlives it.
  base::Result<std::unique_ptr<mechanism::Access>> open(const Subject& subject, Level level);
  // For putting back: the cgroup of an earlier place(). Attaches nothing. Gone: it does not exist any more.
  base::Result<std::unique_ptr<mechanism::Access>> openPlace(const mechanism::Place& place);

  // A container of a pod will have settings soon: begins attaching to the pod's link, and does not wait for
  // the kernel. `pid` is in the pod's network namespace. Not needed for anything but time; without effect
  // where no link is found.
  void prepare(pid_t pid);

  // Another line: taken over beside running traffic.
  base::Status configure(const LineOptions& line);

  // Readable when links came or went; then call onEvents().
  int eventFd() const;
  void onEvents();

  // Puts back what is missing, forgets what ended. Every 15 seconds is often enough.
  struct Reconciled {
    uint32_t repaired = 0;   // attachments put back
    uint32_t forgotten = 0;  // containers, pods and links that ended
    uint32_t failed = 0;     // could not be put back; the reports say why
  };
  Reconciled reconcile();

  // By the id of a container's or pod's cgroup; a pod's counts include its containers'. nullopt: nothing is
  // asked for it.
  std::optional<Counts> countsOf(uint64_t cgroup_id) const;
  ModeReport modeOf(uint64_t cgroup_id) const;
  NodeReport report() const;

 private:
  friend class TrafficAccess;
  friend class PlaceAccess;
  class Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::netqos
