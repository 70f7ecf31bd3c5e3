#include "pkg/netqos/probe.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "pkg/bpfobj/link.h"
#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/detect.h"
#include "pkg/netqos/queue_kinds.h"
#include "pkg/rtnl/rtnl.h"

namespace plimsoll::netqos {
namespace {

bool hasCapability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

bool isMounted(const std::string& path, long magic) {
  struct statfs info = {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == magic;
}

void checkCapabilities(NodeReport& report) {
  struct Needed {
    int number;
    const char* name;
    bool sys_admin_will_do;
  };
  std::string missing;
  for (const Needed& needed :
       {Needed{CAP_BPF, "CAP_BPF", true}, Needed{CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
        Needed{CAP_PERFMON, "CAP_PERFMON", true}}) {
    if (hasCapability(needed.number) || (needed.sys_admin_will_do && hasCapability(CAP_SYS_ADMIN))) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(needed.name);
  }
  if (!missing.empty())
    report.findings.push_back({missing, "", "without it no traffic program can be loaded"});
  if (!hasCapability(CAP_SYS_ADMIN) || !hasCapability(CAP_SYS_PTRACE)) {
    report.findings.push_back(
        {"CAP_SYS_ADMIN, CAP_SYS_PTRACE", "",
         "without them TCP sockets that were open before a container's first setting are "
         "not paced, and not released at once"});
  }
}

void checkMounts(const Options& options, NodeReport& report) {
  if (options.bpffs.empty() || !isMounted(options.bpffs, BPF_FS_MAGIC)) {
    report.findings.push_back({"bpffs", options.bpffs,
                               "it is not mounted there; nothing would outlive the agent, so it has to be"});
  } else {
    report.pins = options.bpffs + "/plimsoll";
  }
  if (!isMounted(options.roots.cgroup, CGROUP2_SUPER_MAGIC)) {
    report.findings.push_back({"cgroup v2", options.roots.cgroup, "it is not mounted there"});
  }
}

// Where it cannot be seen nothing is said.
void checkNamespace(const Options& options, NodeReport& report) {
  struct stat nodes = {}, own = {};
  if (stat((options.roots.proc + "/1/ns/net").c_str(), &nodes) != 0) return;
  if (stat("/proc/thread-self/ns/net", &own) != 0 || nodes.st_ino == own.st_ino) return;
  report.findings.push_back(
      {"network namespace", "",
       "this process is not in the node's own, so it sees neither uplinks nor pods' links; "
       "the agent needs hostNetwork"});
}

void checkUplinks(const rtnl::Socket& rtnl, const LineOptions& line, NodeReport& report) {
  auto devices = rtnl.devices();
  auto routed = rtnl.defaultRouteDevices();
  if (!devices || !routed) return;
  for (const rtnl::Device& device : *devices) {
    const bool named = std::find(line.uplinks.begin(), line.uplinks.end(), device.name) != line.uplinks.end();
    const bool by_route =
        line.uplinks.empty() && std::find(routed->begin(), routed->end(), device.ifindex) != routed->end();
    if (!named && !by_route) continue;
    report.uplinks.push_back({.device = device.name, .ifindex = device.ifindex, .queue = device.queue});
    if (ignoresClasses(device.queue) && line.bits_per_second == 0 && !line.manage_queue) {
      report.findings.push_back({"queue " + device.queue, device.name,
                                 "it treats all classes alike, so net.priority does little there; tell the "
                                 "line's network.rate, or allow network.manageQdisc"});
    }
  }
  for (const std::string& name : line.uplinks) {
    const bool there = std::any_of(devices->begin(), devices->end(),
                                   [&name](const rtnl::Device& device) { return device.name == name; });
    if (!there) report.uplinks.push_back({.device = name, .problem = "there is no device of this name"});
  }
  if (report.uplinks.empty())
    report.findings.push_back({"uplink", "", "the node has no default route; name its uplinks"});
}

}  // namespace

NodeReport probe(const Options& options) {
  NodeReport report;
  checkCapabilities(report);
  checkMounts(options, report);
  checkNamespace(options, report);
  const Cilium cilium = findCilium(options.bpffs);
  for (Finding& finding : findingsOf(cilium, options.bpffs)) report.findings.push_back(std::move(finding));
  if (auto rtnl = rtnl::Socket::open()) checkUplinks(*rtnl, options.line, report);

  auto traffic = bpfobj::Traffic::load({});
  if (!traffic) {
    report.reason = traffic.error().message;
    report.no_pacing = "no program can be loaded";
    return report;
  }
  auto program = traffic->program(bpfobj::Program::PodOut);
  const bool has_tcx = program && bpfobj::hasTcx(*program);
  report.mode = has_tcx && options.allow_tcx ? Mode::LinkTcx : Mode::LinkClassic;
  if (report.mode == Mode::LinkClassic)
    report.reason = has_tcx ? "TCX is switched off" : "this kernel has no TCX (Linux 6.6)";
  base::Status pacing = traffic->probePacing();
  report.pacing = pacing.has_value();
  if (!pacing) report.no_pacing = pacing.error().message;
  for (auto [which, means] :
       {std::pair(bpfobj::Program::CgroupOut, "pods without a link of their own get neither class nor rate"),
        std::pair(bpfobj::Program::PaceAll, "TCP sockets that are open already are not paced")}) {
    if (auto there = traffic->program(which); !there)
      report.findings.push_back({there.error().message.substr(0, 200), "", means});
  }
  return report;
}

}  // namespace plimsoll::netqos
