#include "pkg/model/sysctl_name.h"

#include <algorithm>

#include "pkg/base/parse.h"
#include "pkg/model/quantity.h"

namespace plimsoll::model {
namespace {

// Longer than the longest there is (net.ipv6.conf.<interface>.*, 15 for the interface).
constexpr size_t kLongestName = 96;

// net.core.* has few that are a namespace's own; the rest is the node's.
constexpr std::string_view kNetCore[] = {
    "net.core.somaxconn",        "net.core.optmem_max",        "net.core.txrehash",
    "net.core.rps_default_mask", "net.core.xfrm_aevent_etime", "net.core.xfrm_aevent_rseqth",
    "net.core.xfrm_larval_drop", "net.core.xfrm_acq_expires",
};

// The node's, although their neighbours are a namespace's own.
constexpr std::string_view kNodes[] = {
    "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_low_latency",
    "net.ipv4.tcp_allowed_congestion_control",
    "net.ipv4.tcp_available_congestion_control",
    "net.ipv4.tcp_available_ulp",
    "net.ipv4.inet_peer_threshold",
    "net.ipv4.inet_peer_minttl",
    "net.ipv4.inet_peer_maxttl",
    "net.ipv6.mld_max_msf",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_expect_max",
};

// Of net.netfilter only connection tracking: nf_hooks_lwtunnel is shown in every namespace and is the node's
// (seen on 6.18).
constexpr std::string_view kNetFamilies[] = {"net.ipv4.", "net.ipv6.",  "net.netfilter.nf_conntrack_",
                                             "net.unix.", "net.mptcp.", "net.sctp."};

constexpr std::string_view kIpc[] = {
    "kernel.shmmax",         "kernel.shmall",
    "kernel.shmmni",         "kernel.shm_rmid_forced",
    "kernel.shm_next_id",    "kernel.msgmax",
    "kernel.msgmnb",         "kernel.msgmni",
    "kernel.msg_next_id",    "kernel.sem",
    "kernel.sem_next_id",    "fs.mqueue.queues_max",
    "fs.mqueue.msg_max",     "fs.mqueue.msgsize_max",
    "fs.mqueue.msg_default", "fs.mqueue.msgsize_default",
};

template <size_t n>
bool contains(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
}

std::string swapped(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return out;
}

}  // namespace

std::optional<std::string> canonicalSysctl(std::string_view name) {
  if (name.size() > kLongestName || !std::all_of(name.begin(), name.end(), isNameCharacter))
    return std::nullopt;
  const size_t first = name.find_first_of("./");
  if (first == std::string_view::npos) return std::nullopt;
  std::string dotted = name[first] == '/' ? swapped(name) : std::string(name);
  // As a path no component may be empty or made of dots alone.
  const std::string path = swapped(dotted);
  for (std::string_view component : base::split(path, '/')) {
    if (component.find_first_not_of('.') == std::string_view::npos) return std::nullopt;
  }
  return dotted;
}

std::string sysctlPath(std::string_view dotted) { return swapped(dotted); }

std::optional<ActsIn> sysctlNamespace(std::string_view dotted) {
  if (contains(kIpc, dotted)) return ActsIn::IpcNamespace;
  if (contains(kNetCore, dotted)) return ActsIn::NetworkNamespace;
  if (contains(kNodes, dotted)) return std::nullopt;
  const bool own = std::any_of(
      std::begin(kNetFamilies), std::end(kNetFamilies),
      [&](std::string_view prefix) { return dotted.size() > prefix.size() && dotted.starts_with(prefix); });
  if (own) return ActsIn::NetworkNamespace;
  return std::nullopt;
}

std::optional<FreeName> namespacedSysctl(std::string_view name) {
  auto dotted = canonicalSysctl(name);
  if (!dotted || !sysctlNamespace(*dotted)) return std::nullopt;
  std::string path = sysctlPath(*dotted);
  return FreeName{*std::move(dotted), std::move(path)};
}

std::string whyNoSysctl(std::string_view name) {
  auto dotted = canonicalSysctl(name);
  if (!dotted) return inQuotes(name) + " is not the name of a sysctl; write one such as net.core.somaxconn";
  if (sysctlNamespace(*dotted)) return "";
  return *dotted +
         " is the whole node's and no pod's; only sysctls of the network and IPC namespace can be set";
}

}  // namespace plimsoll::model
