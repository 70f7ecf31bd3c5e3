// What is known of the runtime at the other end: its name and version, the level of NRI it speaks, and what
// it really does with what a plugin asks. NRI has no version negotiation, and a runtime drops a field it does
// not know without a word, so ask supports() before relying on one.
//
// The level comes from ConfigureRequest.nri_version where the runtime sends it (NRI 0.12 and later), else
// from the runtime's name and version by a table of releases. An unknown runtime counts as the lowest level.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/nri/events.h"

namespace plimsoll::nri {

struct NriVersion {
  uint16_t major_number = 0;
  uint16_t minor_number = 0;
  uint16_t patch = 0;
  auto operator<=>(const NriVersion&) const = default;
};

// "0.12.1".
std::string toString(const NriVersion& version);

enum class RuntimeKind { Unknown, Containerd, Crio };

enum class Feature {
  // Honoured in the answer to CreateContainer:
  Rlimits,
  OomScoreAdj,
  PidsLimit,
  CdiDevices,
  DeviceRules,  // LinuxResources.devices
  Args,
  Namespaces,
  Seccomp,
  IoPriority,
  Sysctl,
  Scheduler,
  NetDevices,
  Rdt,
  MemoryPolicy,  // needs an OCI runtime that knows it too
  // Honoured in a ContainerUpdate. CPU, cpuset, memory.limit, hugepages and `unified` always are.
  UpdatePidsLimit,
  UpdateMemoryDetails,  // reservation, swap, kernel, swappiness
  UpdateDeviceRules,
  // Shown to us:
  ReportsUnified,  // Container.linux.resources.unified
  ReportsPidsLimit,
  ReportsPodIps,
  ReportsTimes,  // created_at to exit_code
  // How the runtime behaves:
  ValidatesAdjustments,   // sends ValidateContainerAdjustment
  UpdatesPodSandboxes,    // sends UpdatePodSandbox
  SplitsSynchronize,      // pods and containers over 4 MiB arrive in parts
  ClosesAfterFailedSync,  // else a late answer to Synchronize leaves a dead link
  BlocksDuringSync,       // no container starts between Synchronize and the first event
  UpdateContainersSafe,   // before NRI 0.12.1 an UpdateContainers call can hang every CRI call of the node
};

struct RuntimeInfo {
  std::string name;              // as sent: "containerd", "cri-o"
  std::string version;           // as sent: "1.7.24~ds1", "v2.1.9"
  std::string nri_version_text;  // as sent; empty before NRI 0.12
  RuntimeKind kind = RuntimeKind::Unknown;
  NriVersion level;                                               // the highest release known to be reached
  std::optional<std::chrono::milliseconds> registration_timeout;  // NRI 0.8 and later
  std::optional<std::chrono::milliseconds> request_timeout;
  std::string config;  // only for a plugin that the runtime launched

  bool supports(Feature feature) const;

  // The events that this runtime lets a plugin ask for.
  EventMask validEvents() const;
};

// Fills in kind and level from the texts.
RuntimeInfo runtimeInfo(std::string_view name, std::string_view version, std::string_view nri_version);

}  // namespace plimsoll::nri
