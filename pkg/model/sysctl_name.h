// Names of sysctls, and which of them belong to a pod's own network or IPC namespace. Everything else is the
// whole node's and can be set by nobody here, whatever a rule says.
//
// Two forms mean the same, as for sysctl(8): net.core.somaxconn and net/core/somaxconn. In the first a slash
// stands for a dot within a component: net.ipv4.conf.eth0/100.rp_filter is net/ipv4/conf/eth0.100/rp_filter.
// Plimsoll keeps the form with dots.
//
// Which are a namespace's own: net/core/sysctl_net_core.c (netns_core_table), net/ipv4/sysctl_net_ipv4.c
// (ipv4_net_table), ipc/ipc_sysctl.c, ipc/mq_sysctl.c of Linux 6.1 to 7.2. Almost all
// others under net.* are not shown in a namespace of its own, so a name that slips through here is not found
// there; pkg/netns/kernel_test.cc tries on every kernel that no file of these names reaches another
// namespace.
//
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pkg/model/setting.h"

namespace plimsoll::model {

// The form with dots; nullopt: not a sysctl's name ([a-z0-9_.-/], no empty component, no "." or "..").
std::optional<std::string> canonicalSysctl(std::string_view name);

// The path below /proc/sys of a name in the form with dots.
std::string sysctlPath(std::string_view dotted);

// NetworkNamespace or IpcNamespace; nullopt: the whole node's, or not known to be a namespace's own.
std::optional<ActsIn> sysctlNamespace(std::string_view dotted);

// For SettingSpec::free_name.
std::optional<FreeName> namespacedSysctl(std::string_view name);

// One sentence on why a name cannot be set; empty: it can.
std::string whyNoSysctl(std::string_view name);

}  // namespace plimsoll::model
