// What an engine consists of. Internal to pkg/netqos.
#pragma once

#include <optional>

#include "pkg/netqos/detect.h"
#include "pkg/netqos/engine.h"
#include "pkg/netqos/pods.h"
#include "pkg/netqos/uplinks.h"

namespace plimsoll::netqos {

class Engine::Impl {
 public:
  Impl(const Options& options, bpfobj::Traffic traffic, rtnl::Socket rtnl, DeviceTable table, bool tcx);

  void takeOver();
  base::Result<Subject> complete(const Subject& subject) const;
  base::Status set(const Subject& subject, Level level, std::string_view field, const std::string& text);
  base::Status join(const Subject& subject);
  void prepare(pid_t pid);
  base::Status configure(const LineOptions& line);
  Engine::Reconciled reconcile();
  void onEvents();
  NodeReport report() const;

  const CgroupTree& tree() const { return tree_; }
  Pods& pods() { return pods_; }
  const Pods& pods() const { return pods_; }
  int eventFd() const { return table_.fd(); }
  // What depends on which pods there are.
  void tellPrograms();
  // Who else is there; seen anew at every fourth reconcile().
  void lookAround();

 private:
  Options options_;
  Cilium cilium_;
  bpfobj::Traffic traffic_;
  rtnl::Socket rtnl_;
  DeviceTable table_;
  CgroupTree tree_;
  Hooks hooks_;
  Pods pods_;
  Uplinks uplinks_;
  TrafficConfig told_ = {};
  std::string no_pacing_;
  std::vector<Finding> findings_;
  uint32_t reconciled_ = 0;
};

}  // namespace plimsoll::netqos
