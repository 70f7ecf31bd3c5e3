#include "pkg/netqos/access.h"

#include "pkg/model/value.h"

namespace plimsoll::netqos {

using base::Result;
using base::Status;
using model::PlannedSetting;

std::string_view fieldOf(const PlannedSetting& setting) { return setting.request.setting.file; }

Result<std::string> textOf(const PlannedSetting& setting) {
  const std::vector<std::string> writes = model::kernelWrites(*setting.request.setting.spec, setting.value);
  if (writes.size() == 1) return writes.front();
  return base::error(base::ErrorCode::Internal, setting.request.setting.key + " is no single value");
}

Level levelOf(const PlannedSetting& setting) {
  return fieldOf(setting).starts_with("pod.") ? Level::Pod : Level::Container;
}

Result<std::string> TrafficAccess::read(const PlannedSetting& setting) const {
  return engine_.pods().show(cgroup(), level_, fieldOf(setting));
}

Status TrafficAccess::write(const PlannedSetting& setting) const {
  ASSIGN_OR_RETURN(const std::string text, textOf(setting));
  return engine_.set(subject_, level_, fieldOf(setting), text);
}

Result<std::string> PlaceAccess::read(const PlannedSetting& setting) const {
  return engine_.pods().show(cgroup_, levelOf(setting), fieldOf(setting));
}

Status PlaceAccess::write(const PlannedSetting& setting) const {
  ASSIGN_OR_RETURN(const std::string text, textOf(setting));
  Status set = engine_.pods().setKnown(cgroup_, levelOf(setting), fieldOf(setting), text);
  engine_.tellPrograms();
  return set;
}

}  // namespace plimsoll::netqos
