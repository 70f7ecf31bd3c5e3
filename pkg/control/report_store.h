// The published reports of all containers: written by the loop, read by anybody. A report is immutable; a
// reader keeps the one it has for as long as it likes.
//
// Threads: all functions from any thread; the lock is held for a pointer copy only.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkg/model/plan.h"

namespace plimsoll::control {

// Shared by the store and by whoever reads it at the time.
using ReportPtr = std::shared_ptr<const model::ContainerReport>;

class ReportStore {
 public:
  void publish(ReportPtr report);
  void erase(std::string_view container_id);
  ReportPtr find(std::string_view container_id) const;
  // Ordered by namespace, pod, container name, id.
  std::vector<ReportPtr> all() const;
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, ReportPtr> reports_;  // guarded by mutex_
};

}  // namespace plimsoll::control
