#include "pkg/bpfobj/link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "pkg/bpfobj/libbpf_log.h"

namespace plimsoll::bpfobj {
namespace {

// include/uapi/linux/bpf.h of Linux 6.6; Debian 12's headers are of 6.1.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr int kLinkTypeTcx = 11;
constexpr unsigned kBefore = 1u << 3;  // BPF_F_BEFORE; without a relative: before all

// struct bpf_link_info.tcx of Linux 6.6, which lies where Debian 12's headers have other members of the
// union.
struct TcxInfo {
  uint32_t ifindex;
  uint32_t attach_type;
};

bpf_tc_hook hookOf(const ClassicFilter& filter) {
  bpf_tc_hook hook = {};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(filter.ifindex);
  hook.attach_point = filter.direction == Direction::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts optionsOf(const ClassicFilter& filter) {
  bpf_tc_opts options = {};
  options.sz = sizeof(options);
  options.handle = filter.handle;
  options.priority = filter.priority;
  return options;
}

std::string onDevice(uint32_t ifindex, Direction direction) {
  return (direction == Direction::Ingress ? "ingress" : "egress") + std::string(" of device ") +
         std::to_string(ifindex);
}

constexpr std::array<int, 3> kCgroupTypes{BPF_CGROUP_INET_INGRESS, BPF_CGROUP_INET_EGRESS,
                                          BPF_CGROUP_SOCK_OPS};

base::Result<std::vector<uint32_t>> query(int target, int type, const char* what) {
  std::vector<uint32_t> ids(64);
  struct bpf_prog_query_opts options = {};
  options.sz = sizeof(options);
  options.prog_ids = ids.data();
  options.prog_cnt = ids.size();
  if (int err = bpf_prog_query_opts(target, static_cast<bpf_attach_type>(type), &options))
    return libbpfError(err, what);
  ids.resize(options.prog_cnt);
  return ids;
}

}  // namespace

// The kernel says EINVAL to an attach type that it does not know.
bool hasTcx(int program) {
  bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  // Device 0 does not exist: ENODEV from a kernel that looked for it.
  int fd = bpf_link_create(program, 0, static_cast<bpf_attach_type>(kTcxIngress), &options);
  if (fd >= 0) close(fd);
  return fd >= 0 || errno == ENODEV;
}

base::Result<Link> Link::create(int program, int target, int type, unsigned flags, const std::string& what) {
  bpf_link_create_opts options = {};
  options.sz = sizeof(options);
  options.flags = flags;
  base::UniqueFd fd(bpf_link_create(program, target, static_cast<bpf_attach_type>(type), &options));
  if (!fd.valid()) return libbpfError(errno, "attach to " + what);
  return Link(std::move(fd));
}

base::Result<Link> Link::attachTcx(int program, uint32_t ifindex, Direction direction) {
  int type = direction == Direction::Ingress ? kTcxIngress : kTcxEgress;
  auto link =
      create(program, static_cast<int>(ifindex), type, kBefore, "TCX " + onDevice(ifindex, direction));
  if (!link && link.error().sys_errno == EINVAL && !hasTcx(program))
    return base::error(base::ErrorCode::Unimplemented, "this kernel has no TCX (Linux 6.6)");
  return link;
}

base::Result<Link> Link::attachCgroup(int program, int cgroup, CgroupHook hook) {
  return create(program, cgroup, kCgroupTypes[static_cast<int>(hook)], 0, "a cgroup");
}

base::Result<Link> Link::attachIterator(int program) {
  return create(program, 0, BPF_TRACE_ITER, 0, "an iterator");
}

base::Result<Link> Link::openPinned(const std::string& path) {
  base::UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd.valid()) return libbpfError(errno, "open pinned link " + path);
  return Link(std::move(fd));
}

base::Result<LinkInfo> Link::info() const {
  bpf_link_info raw = {};
  __u32 size = sizeof(raw);
  if (int err = bpf_link_get_info_by_fd(fd(), &raw, &size)) return libbpfError(err, "describe a link");
  LinkInfo out{raw.id, raw.prog_id, 0, 0};
  if (raw.type == BPF_LINK_TYPE_CGROUP) out.cgroup_id = raw.cgroup.cgroup_id;
  if (raw.type == kLinkTypeTcx) {
    TcxInfo tcx;
    std::memcpy(&tcx, &raw.cgroup, sizeof(tcx));
    out.ifindex = tcx.ifindex;
  }
  return out;
}

base::Status Link::update(int program) const {
  if (int err = bpf_link_update(fd(), program, nullptr)) return libbpfError(err, "exchange a link's program");
  return base::ok();
}

base::Status Link::pin(const std::string& path) const {
  if (int err = bpf_obj_pin(fd(), path.c_str())) return libbpfError(err, "pin a link as " + path);
  return base::ok();
}

base::Status Link::detach() const {
  if (int err = bpf_link_detach(fd())) return libbpfError(err, "detach a link");
  return base::ok();
}

base::Result<std::string> Link::run() const {
  base::UniqueFd reader(bpf_iter_create(fd()));
  if (!reader.valid()) return libbpfError(errno, "start an iterator");
  std::string out;
  std::array<char, 4096> chunk;
  for (;;) {
    ssize_t got = read(reader.get(), chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return base::errnoError(errno, "run an iterator");
    if (got == 0) return out;
    out.append(chunk.data(), got);
  }
}

base::Result<bool> ensureClsact(uint32_t ifindex) {
  LibbpfLog log;
  bpf_tc_hook hook = {};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  int err = bpf_tc_hook_create(&hook);
  if (err == 0) return true;
  if (err == -EEXIST) return false;
  return log.error(err, "make the clsact qdisc of device " + std::to_string(ifindex));
}

base::Status attachClassic(const ClassicFilter& filter, int program) {
  LibbpfLog log;
  bpf_tc_hook hook = hookOf(filter);
  bpf_tc_opts options = optionsOf(filter);
  options.prog_fd = program;
  auto known = queryClassic(filter);
  if (known && *known) options.flags = BPF_TC_F_REPLACE;
  int err = bpf_tc_attach(&hook, &options);
  if (err != 0) return log.error(err, "attach to classic " + onDevice(filter.ifindex, filter.direction));
  return base::ok();
}

base::Result<std::optional<uint32_t>> queryClassic(const ClassicFilter& filter) {
  LibbpfLog log;
  bpf_tc_hook hook = hookOf(filter);
  bpf_tc_opts options = optionsOf(filter);
  int err = bpf_tc_query(&hook, &options);
  // EINVAL: the device has no clsact.
  if (err == -ENOENT || err == -EINVAL) return std::nullopt;
  if (err != 0) return log.error(err, "query classic " + onDevice(filter.ifindex, filter.direction));
  return options.prog_id;
}

base::Status detachClassic(const ClassicFilter& filter, uint32_t program_id) {
  ASSIGN_OR_RETURN(std::optional<uint32_t> holds, queryClassic(filter));
  if (!holds) return base::ok();
  if (*holds != program_id) {
    return base::error(
        base::ErrorCode::FailedPrecondition,
        "the filter at " + onDevice(filter.ifindex, filter.direction) + " is another's by now");
  }
  LibbpfLog log;
  bpf_tc_hook hook = hookOf(filter);
  bpf_tc_opts options = optionsOf(filter);
  int err = bpf_tc_detach(&hook, &options);
  if (err != 0 && err != -ENOENT)
    return log.error(err, "detach from " + onDevice(filter.ifindex, filter.direction));
  return base::ok();
}

base::Result<uint32_t> programId(int program) {
  bpf_prog_info info = {};
  __u32 size = sizeof(info);
  if (int err = bpf_prog_get_info_by_fd(program, &info, &size)) return libbpfError(err, "describe a program");
  return info.id;
}

base::Result<std::vector<uint32_t>> tcxPrograms(uint32_t ifindex, Direction direction) {
  auto ids = query(static_cast<int>(ifindex), direction == Direction::Ingress ? kTcxIngress : kTcxEgress,
                   "list the programs of a device");
  if (!ids && ids.error().sys_errno == EINVAL)
    return base::error(base::ErrorCode::Unimplemented, "this kernel has no TCX (Linux 6.6)");
  return ids;
}

base::Result<std::vector<uint32_t>> cgroupPrograms(int cgroup, CgroupHook hook) {
  return query(cgroup, kCgroupTypes[static_cast<int>(hook)], "list the programs of a cgroup");
}

base::Result<std::string> programName(uint32_t program_id) {
  base::UniqueFd fd(bpf_prog_get_fd_by_id(program_id));
  if (!fd.valid()) return libbpfError(errno, "open a program by its id");
  bpf_prog_info info = {};
  __u32 size = sizeof(info);
  if (int err = bpf_prog_get_info_by_fd(fd.get(), &info, &size))
    return libbpfError(err, "describe a program");
  return std::string(info.name);
}

}  // namespace plimsoll::bpfobj
