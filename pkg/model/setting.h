// The settings table: the one source for every setting a pod may ask for. The annotation parser, `explain`,
// `lint`, docs/annotations.md and the admission policy are made from it; a new setting is one row in
// settings_table.cc.
//
// Not here: how a value is written (pkg/cgroup, pkg/control) or who may ask (pkg/policy). Constant data, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::model {

// How a value is written by the user and what it means. value.h holds the parsed forms.
enum class ValueType {
  Integer,     // 100, or "max" where the row allows it
  Flag,        // true|false (also 1|0)
  Bytes,       // Kubernetes quantity 512Mi, or "max"
  CpuMax,      // CPU quantity 1500m, "max", optionally followed by a period: "1500m 50ms"
  Duration,    // 20ms
  Percent,     // 12.5%, or "max"
  CpuList,     // 0-3,8  (CPUs or memory nodes)
  Word,        // one of the row's words
  IoWeight,    // 200, or per device: "path:/data=300 default=100"
  IoMax,       // "path:/data rbps=10M wiops=500; 8:0 wbps=max"
  IoLatency,   // "path:/data=20ms; 8:0=50ms"
  Rlimit,      // 4096, "unlimited", or soft:hard "1024:4096"
  ClassName,   // a class of the node's configuration
  Document,    // YAML text (policy); read by pkg/annotation
  Integers,    // "4096 87380 6291456", as many as the row's `count` says
  PortList,    // 8080,9000-9100
  IoPriority,  // be:4, idle, rt:0
  Scheduler,   // other, other:5, batch:5, idle, fifo:10, rr:10, deadline:10ms/30ms/100ms
  Profile,     // a seccomp profile of the node's configuration
  BitRate,     // bits per second as a Kubernetes quantity, 10M, or "max"
  Dscp,        // 0 to 63, none, or a name: ef, cs1, af41
};

// What the setting is written to. The numbers stand in journals: never given another meaning.
enum class Target {
  CgroupFile = 1,   // `file` in the container's own cgroup
  OomScoreAdj = 2,  // /proc/<pid>/oom_score_adj of the container's processes
  Rlimit = 3,       // prlimit(2); `file` is the resource's OCI name, RLIMIT_NOFILE
  Plimsoll = 4,     // steers Plimsoll itself (class, on-error); never reaches the kernel
  Sysctl = 5,       // `file` below /proc/sys, as the pod's network or IPC namespace shows it
  Link = 6,         // an attribute of the network link that the pod's default route goes by
  IoPriority = 7,   // ioprio_set(2) of every thread of the container
  Scheduler = 8,    // sched_setattr(2) of every thread of the container
  Seccomp = 9,      // the container's system call filter, which only the runtime can set
  Traffic = 10,     // `file` of the container's or the pod's entry in the maps of the traffic programs
  Namespace = 11,   // whether the container's namespace `file` is its own; only the runtime can make it so
};

// What of the kernel's a setting belongs to. Several containers of a pod share its namespaces.
enum class ActsIn {
  ByTarget,
  Nothing,
  Cgroup,
  Process,
  NetworkNamespace,
  IpcNamespace,
  Traffic,     // what the container sends and receives
  PodTraffic,  // the same of all the pod's containers together
};

// How NRI can carry the value in the runtime's creation request.
enum class Carrier {
  None,         // always written by us at StartContainer
  Unified,      // the OCI runtime's `unified` map of cgroup v2 files; one write only, so not where
                // kernelWrites() gives several (io.weight by device), and a file the kernel lacks fails the
                // container
  OomScoreAdj,  // ContainerAdjustment.linux.oom_score_adj (NRI 0.7 and later)
  Rlimit,       // ContainerAdjustment.rlimits
  Sysctl,       // ContainerAdjustment.linux.sysctl (NRI 0.11)
  IoPriority,   // ContainerAdjustment.linux.io_priority (NRI 0.10)
  Scheduler,    // ContainerAdjustment.linux.scheduler (NRI 0.11)
  Seccomp,      // ContainerAdjustment.linux.seccomp_policy (NRI 0.10)
  Namespace,    // ContainerAdjustment.linux.namespaces (NRI 0.10)
};

// What a pod may do without a rule in the node's configuration.
enum class Permission {
  Free,       // cannot hurt a neighbour
  LowerOnly,  // free up to what the kubelet or the class gave; more needs a rule
  RaiseOnly,  // as LowerOnly, where the higher value is the modest one (oom.score-adj)
  RuleOnly,   // can hurt a neighbour or the node at any value
};

struct KernelVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};

// A name that a free placeholder takes, in its one form, and the kernel file that it stands for.
struct FreeName {
  std::string instance;
  std::string file;
};

struct SettingSpec {
  std::string_view key;  // as written after "plimsoll.dev/"; one <placeholder> stands for any of `instances`
  std::string_view group;  // cpu, memory, io, ... ; the order of the documentation
  ValueType type;
  std::string_view unit;  // for people: "bytes", "1..10000", ...
  int64_t min = 0;  // in the type's own unit: bytes, microseconds, hundredths of a per cent, plain number
  int64_t max = INT64_MAX;
  bool allows_max = false;                       // the word "max" (Rlimit: "unlimited") is a value
  std::span<const std::string_view> words = {};  // ValueType::Word
  // Of these, what every pod may have where the row's permission is RuleOnly.
  std::span<const std::string_view> free_words = {};
  std::span<const std::string_view> instances = {};  // what the key's placeholder may be
  // What it may be where no list holds all; `instances` are examples then. nullopt: not such a name.
  std::optional<FreeName> (*free_name)(std::string_view instance) = nullptr;
  int count = 0;  // Integers: how many; 0: one to four
  Target target = Target::CgroupFile;
  ActsIn acts_in = ActsIn::ByTarget;
  std::string_view file = {};  // kernel file; <placeholder> as in the key, <PLACEHOLDER> in capitals
  // The key of the pod's own form of it: a pod-wide wish means that one, and a container's this one. Both
  // hold beside each other.
  std::string_view pod_form = {};
  std::string_view controller = {};  // cgroup controller, as in cgroup.controllers
  KernelVersion since = {};          // first mainline kernel with the file
  bool live = true;                  // may change on a running container
  Carrier carrier = Carrier::Unified;
  Permission permission = Permission::Free;
  std::string_view hurts = {};  // what it may hurt, for people; empty: nothing but the container itself
  std::string_view help = {};   // one line
  std::string_view example = {};
};

// Every setting, in the order of the documentation.
std::span<const SettingSpec> settingsTable();

// A setting's row together with its concrete key: "hugetlb.2MB.max" finds the row "hugetlb.<size>.max".
struct SettingKey {
  const SettingSpec* spec;
  std::string key;   // concrete
  std::string file;  // concrete kernel file, "hugetlb.2MB.max"
};

// Also takes a sysctl's other form, "sysctl.net/core/somaxconn"; the key given back has the one with dots.
std::optional<SettingKey> findSetting(std::string_view key);

// Never ByTarget.
ActsIn actsIn(const SettingKey& setting);
// Of the pod, not of one container: its namespaces, and its traffic as a whole.
bool isPodWide(const SettingKey& setting);

// Why a key that findSetting() does not know cannot be a setting; empty: nothing is known but that.
std::string whyNoSetting(std::string_view key);

// Every key that a row stands for: one, or one per instance (of a free name: per example).
std::vector<std::string> concreteKeys(const SettingSpec& spec);

// The known key nearest to a misspelt one ("memory.hihg" gives "memory.high"); nullopt if none is near.
std::optional<std::string> nearestSettingKey(std::string_view key);

// Nearest of `candidates` by edit distance (insert, delete, replace, swap of neighbours); nullopt if none is
// near enough to be a likely slip.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

// Annotations of others that are honoured, and the setting that each means.
struct ForeignAnnotation {
  std::string_view annotation, key;
};
std::span<const ForeignAnnotation> foreignAnnotations();

constexpr std::string_view kAnnotationDomain = "plimsoll.dev";
constexpr std::string_view kClassKey = "class";
constexpr std::string_view kPolicyKey = "policy";
constexpr std::string_view kOnErrorKey = "on-error";

}  // namespace plimsoll::model
