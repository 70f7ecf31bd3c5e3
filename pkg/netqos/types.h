// What the traffic engine is told and what it says: plain data, no BPF.
//
// Not for: the layout of maps (bpf/abi), which programs there are (pkg/bpfobj).
//
// Units: rates are bits per second as users write them, bytes are bytes on the wire.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::netqos {

// As bpf/abi/traffic.h numbers them: smaller is more urgent.
enum class Class : uint8_t { System, High, Normal, BestEffort };
constexpr size_t kClasses = 4;
std::string_view className(Class which);  // "system", "high", "normal", "besteffort"
std::optional<Class> classOf(std::string_view name);

// The uplinks and how their line is shared. May change while the engine runs.
struct LineOptions {
  std::vector<std::string> uplinks;  // names of devices; empty: those of the default routes
  uint64_t bits_per_second = 0;      // of each; 0: not known, so classes only set the queue's priority
  double headroom = 0.05;            // part of the rate that stays free, so that the queue is ours
  // Least part of the rate that a class gets whatever is above it; only Normal and BestEffort are ever held.
  std::array<double, kClasses> shares{0, 0, 0.1, 0.05};
  bool ecn = true;
  // The uplinks' root queue, where it is the kernel's default, gives way to one that serves classes in order.
  bool manage_queue = false;
  bool operator==(const LineOptions&) const = default;
};

struct Options {
  std::string bpffs = "/sys/fs/bpf";  // empty: nothing outlives this object
  sys::HostRoots roots;
  LineOptions line;
  uint32_t pods = 512;
  uint32_t containers = 1024;
  bool allow_tcx = true;  // false: classic filters, even where the kernel has TCX
  // Layout of the maps, part of the pins' path; 0: this version's. Another only to test a change of layouts.
  uint32_t schema = 0;
  // For manage_queue, by preference (queue_kinds.h).
  std::vector<std::string> queue_kinds{"fq", "prio"};
};

struct CgroupRef {
  std::string path;  // below roots.cgroup, "/kubepods/pod1/c1"
  uint64_t id = 0;   // 0: read from the path
};

// One container and its pod.
struct Subject {
  CgroupRef container;
  CgroupRef pod;
  pid_t pid = 0;  // of the container; 0: none known, so links cannot be found and cgroups do the work
  // Whether a process is the container's, by the text of its /proc/<pid>/cgroup; empty: not asked.
  std::function<base::Status(std::string_view proc_cgroup)> belongs;
  bool host_network = false;
  std::string name;  // "namespace/pod", for messages
};

// Whose a value is: a pod's limit is shared by its containers, a container's is its own within it.
enum class Level { Container, Pod };

// How a container's traffic is reached.
enum class Mode {
  None,         // nothing asked, nothing attached
  LinkTcx,      // at the host side of the pod's link
  LinkClassic,  // the same, by tc filters
  Cgroup,       // at the container's cgroup: host network, macvlan, no link found
  SocketsOnly,  // TCP is paced and nothing else
  SteppedBack,  // somebody else keeps taking our programs away
};
std::string_view modeName(Mode mode);  // "link tcx", "link classic", "cgroup", "sockets only", ...

struct Attachment {
  std::string where;    // "ingress of veth12ab", "cgroup /kubepods/pod1/c1"
  std::string program;  // "plm_pod_out"
  std::string how;      // "tcx", "classic", "cgroup link"
  std::string problem;  // empty: it is in place
};

struct ModeReport {
  Mode mode = Mode::None;
  std::string reason;  // why not a better one; empty: there is none better
  std::vector<Attachment> attached;
};

// One direction, since the container's first setting. Never goes back.
struct FlowCounts {
  uint64_t bytes = 0, packets = 0;
  uint64_t marks = 0;  // packets that were told of congestion (ECN)
  uint64_t drop_bytes = 0, drop_packets = 0;
  std::chrono::nanoseconds delay{0};  // backlog that packets met, summed over `delayed` packets
  uint64_t delayed = 0;
};
struct Counts {
  Class traffic_class = Class::Normal;
  FlowCounts egress, ingress;
};

// Another program or queue on the same path, or what this node lacks: for people.
struct Finding {
  std::string what;   // "cilium bandwidth manager", "tbf on veth12ab", "tcx"
  std::string where;  // device, path or cgroup; empty: the node
  std::string means;  // what follows from it, and what was done about it
};

struct UplinkReport {
  std::string device;
  uint32_t ifindex = 0;
  std::string queue;     // root queueing discipline, "fq_codel"
  std::string attached;  // "tcx", "classic"; empty: see problem
  std::string problem;
  std::array<FlowCounts, kClasses> classes;  // egress, by Class
};

struct NodeReport {
  Mode mode = Mode::None;  // that a pod with a link of its own gets
  std::string reason;
  std::string pins;       // folder; empty: nothing outlives the agent
  bool pacing = false;    // TCP sockets can be paced
  std::string no_pacing;  // why not
  uint64_t pods = 0, containers = 0;
  uint64_t repairs = 0;       // attachments put back since the start
  uint64_t stepped_back = 0;  // places that are left to somebody else now
  std::vector<UplinkReport> uplinks;
  std::vector<Finding> findings;
};

}  // namespace plimsoll::netqos
