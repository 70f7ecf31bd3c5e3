#include "pkg/api/stats.h"

#include <chrono>

#include "pkg/api/network.h"
#include "pkg/api/utf8.h"
#include "pkg/model/value.h"

namespace plimsoll::api {
namespace {

constexpr int64_t kNoLimit = -1;

// Sets a field only where there is a value: absent stays absent.
template <typename Message, typename Field, typename Value>
void put(Message* message, void (Message::*set)(Field), const std::optional<Value>& value) {
  if (value) (message->*set)(static_cast<Field>(*value));
}

void putLimit(pb::MemoryStats* out, void (pb::MemoryStats::*set)(int64_t),
              const std::optional<int64_t>& limit) {
  if (limit) (out->*set)(*limit == model::kMax ? kNoLimit : *limit);
}

void toProto(const model::ContainerStats& stats, pb::CpuStats* out) {
  put(out, &pb::CpuStats::set_usage_usec, stats.cpu_usage_us);
  put(out, &pb::CpuStats::set_periods, stats.cpu_periods);
  put(out, &pb::CpuStats::set_throttled_periods, stats.cpu_throttled_periods);
  put(out, &pb::CpuStats::set_throttled_usec, stats.cpu_throttled_us);
}

void toProto(const model::Pressure& pressure, pb::Pressure* out) {
  put(out, &pb::Pressure::set_some_usec, pressure.some_us);
  put(out, &pb::Pressure::set_full_usec, pressure.full_us);
  put(out, &pb::Pressure::set_some_avg10, pressure.some_avg10);
  put(out, &pb::Pressure::set_full_avg10, pressure.full_avg10);
}

void toProto(const model::ContainerStats& stats, pb::MemoryStats* out) {
  const model::MemoryEvents& events = stats.memory_events;
  put(out, &pb::MemoryStats::set_current_bytes, stats.memory_current);
  put(out, &pb::MemoryStats::set_peak_bytes, stats.memory_peak);
  putLimit(out, &pb::MemoryStats::set_high_bytes, stats.memory_high);
  putLimit(out, &pb::MemoryStats::set_max_bytes, stats.memory_max);
  put(out, &pb::MemoryStats::set_low_events, events.low);
  put(out, &pb::MemoryStats::set_high_events, events.high);
  put(out, &pb::MemoryStats::set_max_events, events.max);
  put(out, &pb::MemoryStats::set_oom_events, events.oom);
  put(out, &pb::MemoryStats::set_oom_kills, events.oom_kill);
  put(out, &pb::MemoryStats::set_oom_group_kills, events.oom_group_kill);
}

bool isShown(const model::ContainerReport& report) {
  return !report.plan.settings.empty() && !report.cgroup_path.empty() &&
         report.container.state != model::ContainerState::Stopped;
}

}  // namespace

void toProto(const model::StatsSample& sample, pb::ContainerStats* out) {
  const model::ContainerStats& now = sample.now;
  toProto(now, out->mutable_cpu());
  if (sample.before) {
    toProto(*sample.before, out->mutable_cpu_before());
    const auto window =
        std::chrono::duration_cast<std::chrono::nanoseconds>(sample.taken - sample.taken_before);
    out->mutable_window()->set_seconds(window.count() / 1'000'000'000);
    out->mutable_window()->set_nanos(static_cast<int32_t>(window.count() % 1'000'000'000));
  }
  toProto(now.cpu_pressure, out->mutable_cpu_pressure());
  toProto(now.memory_pressure, out->mutable_memory_pressure());
  toProto(now.io_pressure, out->mutable_io_pressure());
  toProto(now, out->mutable_memory());
  put(out->mutable_pids(), &pb::PidsStats::set_current, now.pids_current);
  put(out->mutable_pids(), &pb::PidsStats::set_peak, now.pids_peak);
  if (now.pids_max) out->mutable_pids()->set_max(*now.pids_max == model::kMax ? kNoLimit : *now.pids_max);
}

base::Result<pb::GetStatsResponse> getStats(Source& source, const pb::GetStatsRequest& request,
                                            const PageLimits& limits) {
  pb::ListContainersRequest wanted;
  wanted.set_namespace_(request.namespace_());
  wanted.set_pod(request.pod());
  wanted.set_label_selector(request.label_selector());
  wanted.set_page_size(request.page_size());
  wanted.set_page_token(request.page_token());
  wanted.set_managed_only(true);
  ASSIGN_OR_RETURN(const ReportPage page, selectPage(source.containers(), wanted, limits.containers));
  pb::GetStatsResponse response;
  response.set_next_page_token(page.next_page_token);
  for (const ReportPtr& report : page.reports) {
    if (!isShown(*report)) continue;
    const auto sample = source.stats(*report);
    if (!sample && sample.error().isGone()) continue;
    pb::ContainerStats* out = response.add_containers();
    out->set_id(validUtf8(report->container.id));
    out->set_name(validUtf8(report->container.name));
    out->set_namespace_(validUtf8(report->pod.ns));
    out->set_pod(validUtf8(report->pod.name));
    out->set_class_name(validUtf8(report->plan.class_name));
    if (sample) {
      toProto(*sample, out);
      if (sample->now.traffic) toProto(*sample->now.traffic, *report, out->mutable_traffic());
    } else {
      out->set_problem(validUtf8(sample.error().message));
    }
  }
  return response;
}

}  // namespace plimsoll::api
