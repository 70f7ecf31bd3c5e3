// What the agent counts of itself, as plain calls for whoever does the work: control (apply, drift, refusal),
// the NRI handler (latency), main (configuration, journal).
//
//   metrics.applied(*setting.request.setting.spec, setting.state, took, setting.error_number);
//
// A call costs some ten nanoseconds: no lock, no allocation, no look-up. What is a number of the present
// (settings by state, containers by class) is not recorded here but counted from the published reports when
// somebody asks (scrape.h). Names and meanings: families.h, docs/metrics.md.
//
// Labels are bounded: a setting is its row in the settings table ("hugetlb.<size>.max"), everything else an
// enumeration. Never a pod, an id, a path or a message.
//
// Threads: any may call, while another reads.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "pkg/metrics/instruments.h"
#include "pkg/model/plan.h"
#include "pkg/model/setting.h"

namespace plimsoll::metrics {

// Who changed a value of ours, as far as can be known.
enum class DriftOwner { Kubelet, Runtime, Systemd, Other, Unknown };
constexpr size_t kDriftOwners = 5;
std::string_view driftOwnerName(DriftOwner owner);  // "kubelet"

// The runtime's requests that we measure.
enum class NriRequest {
  Synchronize,
  CreateContainer,
  StartContainer,
  UpdateContainer,
  PostUpdateContainer,
  StopContainer,
  RemoveContainer,
  RunPodSandbox,
  StopPodSandbox,
  RemovePodSandbox,
  UpdatePodSandbox,
  Other,
};
constexpr size_t kNriRequests = 12;
std::string_view nriRequestName(NriRequest request);  // "CreateContainer"

// Why a connection to the runtime ended.
enum class Disconnect { Runtime, LateSynchronize, Protocol, Stopped };
constexpr size_t kDisconnects = 4;
std::string_view disconnectName(Disconnect reason);  // "late_synchronize"

struct JournalNumbers {
  uint64_t records = 0, bytes = 0, syncs = 0, compactions = 0, recovered_torn = 0, dropped = 0;
  uint64_t open_changes = 0;
  bool healthy = true;
};

constexpr size_t kStates = 9;         // of model::State
constexpr size_t kErrnoReasons = 24;  // the errno values that are told apart, and "other"

struct SettingCounters {
  std::array<Counter, kStates> applied;       // by the state that came of it
  std::array<Counter, kErrnoReasons> errors;  // by errnoIndex()
  std::array<Counter, kDriftOwners> drifted;
  Counter reverted, fights, refused;
};

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // ---- control

  // One setting was brought to a container, or could not be. `result` is what came of it: Applied, Adjusted,
  // Moot, Failed, Unsupported. Only where something was written or tried: a look that found all in order is
  // readBack().
  void applied(const model::SettingSpec& spec, model::State result, std::chrono::nanoseconds took,
               int error_number = 0) {
    SettingCounters& counters = of(spec);
    counters.applied[static_cast<size_t>(result)].add();
    if (result == model::State::Failed) counters.errors[errnoIndex(error_number)].add();
    apply_duration.observe(took);
  }
  // One setting was read, to see what the kernel has.
  void readBack(std::chrono::nanoseconds took) { readback_duration.observe(took); }

  void driftDetected(const model::SettingSpec& spec, DriftOwner owner) {
    of(spec).drifted[static_cast<size_t>(owner)].add();
  }
  void driftReverted(const model::SettingSpec& spec) { of(spec).reverted.add(); }
  // We stepped back, since somebody keeps rewriting it.
  void driftFight(const model::SettingSpec& spec) { of(spec).fights.add(); }

  // A wish was decided against by the node's rules (model::State::Refused).
  void refused(const model::SettingSpec& spec) { of(spec).refused.add(); }
  // Counts everything a new plan decided: its refusals and its mistakes. Once per container and plan.
  void planMade(const model::Plan& plan);

  // One container, or a slice of several, was walked through once.
  void reconciled(std::chrono::nanoseconds took) { reconcile_duration.observe(took); }

  // ---- the runtime's connection

  void nriRequest(NriRequest request, std::chrono::nanoseconds took) {
    nri_requests_[static_cast<size_t>(request)]->observe(took);
  }
  void nriDisconnected(Disconnect reason) { nri_disconnects[static_cast<size_t>(reason)].add(); }

  // ---- main

  void configReloaded(bool good) { (good ? config_reloads_good : config_reloads_bad).add(); }
  void setJournal(const JournalNumbers& numbers);

  // ---- for whoever reads

  SettingCounters& of(const model::SettingSpec& spec) { return settings_[rowOf(spec)]; }
  const SettingCounters& of(const model::SettingSpec& spec) const { return settings_[rowOf(spec)]; }
  // The row's place in the settings table; one behind the last for a row of another table.
  static size_t rowOf(const model::SettingSpec& spec) {
    const auto table = model::settingsTable();
    return std::min(static_cast<size_t>(&spec - table.data()), table.size());
  }
  const Histogram& ofRequest(NriRequest request) const {
    return *nri_requests_[static_cast<size_t>(request)];
  }
  // 0..kErrnoReasons-1; the last is "other".
  static size_t errnoIndex(int error_number);
  static std::string_view errnoReason(size_t index);

  Histogram apply_duration, readback_duration, reconcile_duration;
  Counter annotations_invalid;
  Counter nri_connects, nri_timeouts, nri_missed;
  std::array<Counter, kDisconnects> nri_disconnects;
  Gauge nri_registered;
  Counter config_reloads_good, config_reloads_bad;
  Gauge config_generation;
  Counter journal_records, journal_syncs, journal_compactions, journal_torn, journal_dropped;
  Gauge journal_bytes, journal_open, journal_healthy;

 private:
  std::vector<SettingCounters> settings_;  // by the row's place in the settings table
  std::array<std::unique_ptr<Histogram>, kNriRequests> nri_requests_;
};

// Measures the time until the end of its scope.
class Stopwatch {
 public:
  std::chrono::nanoseconds elapsed() const { return std::chrono::steady_clock::now() - start_; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace plimsoll::metrics
