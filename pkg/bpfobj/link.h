// What keeps a program where it runs: a bpf_link (TCX, cgroup, iterator), or, where the kernel has no TCX, a
// classic tc filter. A pinned link outlives the process; an unpinned one ends with its object.
//
// Not for: deciding where to attach, or who else is there.
//
// Errors: Unimplemented where this kernel lacks the attachment; NotFound where device, cgroup or pin is gone;
// FailedPrecondition from a classic hook where another qdisc holds its place. Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"

namespace plimsoll::bpfobj {

// Whether this kernel has TCX links (Linux 6.6); `program` is any of ours on devices.
bool hasTcx(int program);

enum class Direction { Ingress, Egress };
enum class CgroupHook { SkbIngress, SkbEgress, SockOps };

struct LinkInfo {
  uint32_t id = 0;
  uint32_t program_id = 0;
  uint32_t ifindex = 0;    // TCX; 0 as well when the device is gone, and the link does nothing any more
  uint64_t cgroup_id = 0;  // cgroup; 0 as well when the cgroup is gone
};

class Link {
 public:
  // At the head of the device's chain. Our programs never end the chain (TC_ACT_UNSPEC).
  static base::Result<Link> attachTcx(int program, uint32_t ifindex, Direction direction);
  static base::Result<Link> attachCgroup(int program, int cgroup, CgroupHook hook);
  static base::Result<Link> attachIterator(int program);
  static base::Result<Link> openPinned(const std::string& path);

  int fd() const { return fd_.get(); }
  base::Result<LinkInfo> info() const;
  // Another program in the same place, without a packet in between seeing none.
  base::Status update(int program) const;
  base::Status pin(const std::string& path) const;
  // Ends it at once, whoever else holds it.
  base::Status detach() const;
  // Runs an iterator once over the namespace of the calling thread; what its program printed.
  base::Result<std::string> run() const;

 private:
  explicit Link(base::UniqueFd fd) : fd_(std::move(fd)) {}
  static base::Result<Link> create(int program, int target, int type, unsigned flags,
                                   const std::string& what);

  base::UniqueFd fd_;
};

// A filter of the classic kind, found again by device, direction, priority and handle. It stays until
// removed.
struct ClassicFilter {
  uint32_t ifindex = 0;
  Direction direction = Direction::Ingress;
  uint32_t priority = 45000;
  uint32_t handle = 0x504c;  // "PL"
};

// Makes the device's clsact qdisc; false: it was there already.
base::Result<bool> ensureClsact(uint32_t ifindex);
// Replaces a program of ours in the same place.
base::Status attachClassic(const ClassicFilter& filter, int program);
// The program's id; nullopt: no filter there.
base::Result<std::optional<uint32_t>> queryClassic(const ClassicFilter& filter);
// Removes the filter only while it still holds the program `program_id`.
base::Status detachClassic(const ClassicFilter& filter, uint32_t program_id);

base::Result<uint32_t> programId(int program);

// Ids of the programs of a place, in the order in which they run. Unimplemented: no TCX in this kernel.
base::Result<std::vector<uint32_t>> tcxPrograms(uint32_t ifindex, Direction direction);
base::Result<std::vector<uint32_t>> cgroupPrograms(int cgroup, CgroupHook hook);
// "plm_pod_out". PermissionDenied without CAP_SYS_ADMIN, which asking for another's program needs.
base::Result<std::string> programName(uint32_t program_id);

}  // namespace plimsoll::bpfobj
