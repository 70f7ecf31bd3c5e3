#include "pkg/control/report_store.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace plimsoll::control {

void ReportStore::publish(ReportPtr report) {
  // The report replaced is destroyed after the lock is released.
  ReportPtr old;
  std::lock_guard lock(mutex_);
  old = std::exchange(reports_[report->container.id], std::move(report));
}

void ReportStore::erase(std::string_view container_id) {
  std::lock_guard lock(mutex_);
  reports_.erase(std::string(container_id));
}

ReportPtr ReportStore::find(std::string_view container_id) const {
  std::lock_guard lock(mutex_);
  auto it = reports_.find(std::string(container_id));
  return it == reports_.end() ? nullptr : it->second;
}

std::vector<ReportPtr> ReportStore::all() const {
  std::vector<ReportPtr> reports;
  {
    std::lock_guard lock(mutex_);
    reports.reserve(reports_.size());
    for (const auto& [id, report] : reports_) reports.push_back(report);
  }
  std::sort(reports.begin(), reports.end(), [](const ReportPtr& a, const ReportPtr& b) {
    return std::tie(a->pod.ns, a->pod.name, a->container.name, a->container.id) <
           std::tie(b->pod.ns, b->pod.name, b->container.name, b->container.id);
  });
  return reports;
}

size_t ReportStore::size() const {
  std::lock_guard lock(mutex_);
  return reports_.size();
}

}  // namespace plimsoll::control
