#include "pkg/metrics/metrics.h"

#include <cerrno>

namespace plimsoll::metrics {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// A setting is read and written in some ten microseconds; a write that starts reclaim may take seconds.
constexpr nanoseconds kWorkBounds[] = {5us, 10us, 25us, 50us,  100us, 250us, 500us,
                                       1ms, 5ms,  25ms, 100ms, 500ms, 2s};
// Up to the runtime's time-out of two seconds.
constexpr nanoseconds kNriBounds[] = {50us, 100us, 250us, 500us, 1ms,   2500us, 5ms, 10ms,
                                      25ms, 50ms,  100ms, 250ms, 500ms, 1s,     2s};

struct ErrnoReason {
  int number;
  std::string_view name;
};

// What the kernel's files, namespaces and sockets are known to answer.
constexpr ErrnoReason kReasons[kErrnoReasons - 1] = {
    {EACCES, "EACCES"},         {EAGAIN, "EAGAIN"},       {EBUSY, "EBUSY"},        {EEXIST, "EEXIST"},
    {EFBIG, "EFBIG"},           {EINTR, "EINTR"},         {EINVAL, "EINVAL"},      {EIO, "EIO"},
    {EMFILE, "EMFILE"},         {ENFILE, "ENFILE"},       {ENODEV, "ENODEV"},      {ENOENT, "ENOENT"},
    {ENOMEM, "ENOMEM"},         {ENOSPC, "ENOSPC"},       {ENOTDIR, "ENOTDIR"},    {ENXIO, "ENXIO"},
    {EOPNOTSUPP, "EOPNOTSUPP"}, {EOVERFLOW, "EOVERFLOW"}, {EPERM, "EPERM"},        {ERANGE, "ERANGE"},
    {EROFS, "EROFS"},           {ESRCH, "ESRCH"},         {ETIMEDOUT, "ETIMEDOUT"}};

}  // namespace

std::string_view driftOwnerName(DriftOwner owner) {
  constexpr std::string_view kNames[kDriftOwners] = {"kubelet", "runtime", "systemd", "other", "unknown"};
  return kNames[static_cast<size_t>(owner)];
}

std::string_view nriRequestName(NriRequest request) {
  constexpr std::string_view kNames[kNriRequests] = {
      "Synchronize",         "CreateContainer",  "StartContainer",   "UpdateContainer",
      "PostUpdateContainer", "StopContainer",    "RemoveContainer",  "RunPodSandbox",
      "StopPodSandbox",      "RemovePodSandbox", "UpdatePodSandbox", "Other"};
  return kNames[static_cast<size_t>(request)];
}

std::string_view disconnectName(Disconnect reason) {
  constexpr std::string_view kNames[kDisconnects] = {"runtime", "late_synchronize", "protocol", "stopped"};
  return kNames[static_cast<size_t>(reason)];
}

Metrics::Metrics()
    : apply_duration(kWorkBounds),
      readback_duration(kWorkBounds),
      reconcile_duration(kWorkBounds),
      settings_(model::settingsTable().size() + 1) {
  for (auto& histogram : nri_requests_) histogram = std::make_unique<Histogram>(kNriBounds);
  journal_healthy.set(1);
}

void Metrics::planMade(const model::Plan& plan) {
  annotations_invalid.add(plan.problems.size());
  for (const model::PlannedSetting& setting : plan.settings) {
    if (setting.state == model::State::Invalid) annotations_invalid.add();
    if (setting.state == model::State::Refused) refused(*setting.request.setting.spec);
  }
}

void Metrics::setJournal(const JournalNumbers& numbers) {
  journal_records.set(numbers.records);
  journal_syncs.set(numbers.syncs);
  journal_compactions.set(numbers.compactions);
  journal_torn.set(numbers.recovered_torn);
  journal_dropped.set(numbers.dropped);
  journal_bytes.set(static_cast<int64_t>(numbers.bytes));
  journal_open.set(static_cast<int64_t>(numbers.open_changes));
  journal_healthy.set(numbers.healthy ? 1 : 0);
}

size_t Metrics::errnoIndex(int error_number) {
  for (size_t i = 0; i < kErrnoReasons - 1; ++i) {
    if (kReasons[i].number == error_number) return i;
  }
  return kErrnoReasons - 1;
}

std::string_view Metrics::errnoReason(size_t index) {
  return index < kErrnoReasons - 1 ? kReasons[index].name : "other";
}

}  // namespace plimsoll::metrics
