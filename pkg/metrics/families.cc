#include "pkg/metrics/families.h"

namespace plimsoll::metrics {
namespace {

constexpr auto C = Type::Counter;
constexpr auto G = Type::Gauge;
constexpr auto H = Type::Histogram;
constexpr auto kAlpha = Stability::Alpha;
constexpr auto kStable = Stability::Stable;

constexpr std::string_view kSetting = "`setting`: a row of docs/annotations.md";
constexpr std::string_view kSettingState =
    "`setting`: a row of docs/annotations.md; `state`: pending, applied, adjusted, refused, failed, "
    "unsupported, moot, drifted, invalid";
constexpr std::string_view kSettingResult =
    "`setting`: a row of docs/annotations.md; `result`: applied, adjusted, moot, failed, unsupported";
constexpr std::string_view kOwner = "`owner`: kubelet, runtime, systemd, other, unknown";
constexpr std::string_view kTrafficClass = "`class`: system, high, normal, besteffort";
constexpr std::string_view kDirection =
    "`namespace`, `pod`, `container`: names; `direction`: egress, ingress";
constexpr std::string_view kContainer = "`namespace`, `pod`, `container`: names";

constexpr Family kFamilies[] = {
    {"plimsoll_build_info", G, "version", kStable, "The agent's version; always 1."},
    {"plimsoll_node_info", G, "kernel, runtime, runtime_version, nri_version", kAlpha,
     "The kernel and the container runtime; always 1. Empty: not known yet."},
    {"plimsoll_healthy", G, "probe", kStable, "Whether the probe would pass: 1 or 0.",
     "`probe`: live, ready"},
    {"plimsoll_containers", G, "class, state", kStable, "Containers known, by class and state.",
     "`class`: of the node's configuration, none, other (beyond 50); `state`: created, running, paused, "
     "stopped, unknown"},
    {"plimsoll_settings", G, "setting, state", kStable, "Settings of known containers, by state.",
     kSettingState},
    {"plimsoll_apply_total", C, "setting, result", kStable,
     "Settings brought to a container or tried to, by what came of it.", kSettingResult},
    {"plimsoll_apply_errors_total", C, "setting, reason", kStable, "Failed attempts, by the kernel's errno.",
     "`reason`: an errno's name (EBUSY), or other"},
    {"plimsoll_apply_duration_seconds", H, "", kAlpha,
     "Time to bring one setting to a container, read-back included."},
    {"plimsoll_readback_duration_seconds", H, "", kAlpha, "Time to read what the kernel has of one setting."},
    {"plimsoll_reconcile_duration_seconds", H, "", kAlpha,
     "Time of one walk through a container's settings."},
    {"plimsoll_drift_detected_total", C, "setting, owner", kStable,
     "Values of ours that somebody else changed.", kOwner},
    {"plimsoll_drift_reverted_total", C, "setting", kStable, "Foreign changes that we wrote over.", kSetting},
    {"plimsoll_drift_fights_total", C, "setting", kStable,
     "Times we stepped back because somebody kept rewriting the value.", kSetting},
    {"plimsoll_refusals_total", C, "setting", kStable, "Wishes that the node's rules did not allow.",
     kSetting},
    {"plimsoll_annotation_invalid_total", C, "", kStable, "Mistakes found in annotations."},
    {"plimsoll_nri_registered", G, "", kStable, "Whether the runtime sends us events: 1 or 0."},
    {"plimsoll_nri_connects_total", C, "", kStable, "Registrations that reached the flow of events."},
    {"plimsoll_nri_disconnects_total", C, "reason", kStable, "Connections to the runtime that ended.",
     "`reason`: runtime, late_synchronize, protocol, stopped"},
    {"plimsoll_nri_request_duration_seconds", H, "event", kStable,
     "Time to answer a request of the runtime, which every start on the node waits for.",
     "`event`: NRI's names (CreateContainer)"},
    {"plimsoll_nri_request_timeouts_total", C, "", kStable, "Answers after the runtime's time-out."},
    {"plimsoll_nri_requests_missed_total", C, "", kAlpha,
     "Requests that waited so long that they were answered with nothing, and handled afterwards."},
    {"plimsoll_journal_records_total", C, "", kAlpha, "Records written to the journal."},
    {"plimsoll_journal_syncs_total", C, "", kAlpha, "Times the journal was written out to the disk."},
    {"plimsoll_journal_compactions_total", C, "", kAlpha, "Times the journal was rewritten."},
    {"plimsoll_journal_recovered_torn_total", C, "", kAlpha, "Torn or damaged records met at the start."},
    {"plimsoll_journal_dropped_total", C, "", kAlpha, "Records that could not be kept."},
    {"plimsoll_journal_size_bytes", G, "", kAlpha, "Bytes of the journal in use."},
    {"plimsoll_journal_open_changes", G, "", kAlpha, "Changes that stand and would be put back."},
    {"plimsoll_journal_healthy", G, "", kAlpha, "Whether the journal is kept on the disk: 1 or 0."},
    {"plimsoll_config_generation", G, "", kStable, "Counts the configurations that came into force."},
    {"plimsoll_config_reload_total", C, "result", kStable, "Configurations read while running.",
     "`result`: accepted, rejected"},
    {"plimsoll_events_dropped_total", C, "", kAlpha,
     "Events of the agent's own that were overwritten by newer ones."},
    {"plimsoll_kernel_feature", G, "setting", kStable, "Whether this kernel has what the setting needs.",
     kSetting},
    {"plimsoll_log_messages_total", C, "level", kAlpha, "Lines logged, those that nobody read included.",
     "`level`: debug, info, warn, error"},
    {"plimsoll_log_dropped_total", C, "", kAlpha, "Lines of the log that nobody took in time."},
    {"plimsoll_http_requests_total", C, "result", kAlpha, "Requests to this endpoint.",
     "`result`: answered, refused (too many connections), bad"},
    {"plimsoll_scrape_duration_seconds", G, "", kAlpha, "Time that the scrape before this one took."},
    {"plimsoll_containers_without_series", G, "", kAlpha,
     "Containers with settings that have no series of their own, since there are more than maxContainers."},
    {"plimsoll_network_up", G, "mode", kAlpha,
     "Whether traffic control runs: 1 or 0. No series: it is not wanted (network.enabled).",
     "`mode`: link_tcx, link_classic, cgroup, sockets_only, stepped_back, none"},
    {"plimsoll_network_entities", G, "kind", kAlpha, "Containers and pods that the traffic programs know.",
     "`kind`: container, pod"},
    {"plimsoll_network_repairs_total", C, "", kAlpha, "Attachments that were gone and were put back."},
    {"plimsoll_network_stepped_back", G, "", kAlpha, "Places that are left to somebody else now."},
    {"plimsoll_network_sent_bytes_total", C, "class", kAlpha, "Bytes sent by the uplinks.", kTrafficClass},
    {"plimsoll_network_sent_packets_total", C, "class", kAlpha, "Packets sent by the uplinks.",
     kTrafficClass},
    {"plimsoll_network_dropped_packets_total", C, "class", kAlpha,
     "Packets that the virtual queue of an uplink dropped.", kTrafficClass},
    {"plimsoll_network_marked_packets_total", C, "class", kAlpha,
     "Packets that the virtual queue of an uplink marked (ECN).", kTrafficClass},
    {"process_cpu_seconds_total", C, "", kStable, "CPU time that the agent has used."},
    {"process_resident_memory_bytes", G, "", kStable, "Memory of the agent in RAM."},
    {"process_virtual_memory_bytes", G, "", kStable, "Address space of the agent."},
    {"process_open_fds", G, "", kStable, "File descriptors in use."},
    {"process_max_fds", G, "", kStable, "File descriptors allowed."},
    {"process_threads", G, "", kStable, "Threads of the agent."},
    {"process_start_time_seconds", G, "", kStable, "When the agent started, since the epoch."},

    {"plimsoll_container_cpu_periods_total", C, "namespace, pod, container", kAlpha,
     "Periods of cpu.max in which the container wanted to run.", kContainer, true},
    {"plimsoll_container_cpu_throttled_periods_total", C, "namespace, pod, container", kAlpha,
     "Periods of cpu.max in which the container was held back.", kContainer, true},
    {"plimsoll_container_cpu_throttled_seconds_total", C, "namespace, pod, container", kAlpha,
     "Time in which the container was held back by cpu.max.", kContainer, true},
    {"plimsoll_container_pressure_seconds_total", C, "namespace, pod, container, resource, kind", kAlpha,
     "Time in which some or all tasks of the container waited for the resource.",
     "`resource`: cpu, memory, io; `kind`: some, full", true},
    {"plimsoll_container_memory_events_total", C, "namespace, pod, container, event", kAlpha,
     "The kernel's memory.events of the container.", "`event`: low, high, max, oom, oom_kill, oom_group_kill",
     true},
    {"plimsoll_container_memory_peak_bytes", G, "namespace, pod, container", kAlpha,
     "The most memory that the container ever had.", kContainer, true},
    {"plimsoll_container_pids_peak", G, "namespace, pod, container", kAlpha,
     "The most processes and threads that the container ever had.", kContainer, true},
    {"plimsoll_container_network_bytes_total", C, "namespace, pod, container, direction", kAlpha,
     "Bytes of the container that passed the traffic programs.", kDirection, true},
    {"plimsoll_container_network_packets_total", C, "namespace, pod, container, direction", kAlpha,
     "Packets of the container that passed the traffic programs.", kDirection, true},
    {"plimsoll_container_network_dropped_packets_total", C, "namespace, pod, container, direction", kAlpha,
     "Packets of the container above its or its pod's rate that were dropped.", kDirection, true},
    {"plimsoll_container_network_marked_packets_total", C, "namespace, pod, container, direction", kAlpha,
     "Packets of the container above its or its pod's rate that were marked (ECN).", kDirection, true},
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

const Family* findFamily(std::string_view name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

std::string_view typeName(Type type) {
  return type == Type::Counter ? "counter" : type == Type::Gauge ? "gauge" : "histogram";
}

std::string_view stabilityName(Stability stability) {
  return stability == Stability::Stable ? "STABLE" : "ALPHA";
}

std::string familiesTable(bool per_container) {
  std::string table = "| name | type | labels | stability | meaning |\n|---|---|---|---|---|\n";
  for (const Family& family : kFamilies) {
    if (family.per_container != per_container) continue;
    const std::string labels(family.values.empty() ? family.labels : family.values);
    table += "| `" + std::string(family.name) + "` | " + std::string(typeName(family.type)) + " | " + labels +
             " | " + std::string(stabilityName(family.stability)) + " | " + std::string(family.help) + " |\n";
  }
  return table;
}

}  // namespace plimsoll::metrics
