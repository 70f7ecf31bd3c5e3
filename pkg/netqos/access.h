// A container's or pod's traffic settings as a mechanism. Internal to pkg/netqos; the engine outlives both.
#pragma once

#include "pkg/netqos/engine_impl.h"

namespace plimsoll::netqos {

class TrafficAccess final : public mechanism::Access {
 public:
  TrafficAccess(Engine::Impl& engine, Subject subject, Level level)
      : engine_(engine), subject_(std::move(subject)), level_(level) {}

  mechanism::Place place() const override { return {cgroup().path, cgroup().id}; }
  bool gone() const override { return !engine_.tree().exists(cgroup()); }
  base::Result<std::string> read(const model::PlannedSetting& setting) const override;
  base::Status write(const model::PlannedSetting& setting) const override;

 private:
  const CgroupRef& cgroup() const { return level_ == Level::Pod ? subject_.pod : subject_.container; }

  Engine::Impl& engine_;
  Subject subject_;
  Level level_;
};

// One that only knows the place; whether it is a pod's follows from the field.
class PlaceAccess final : public mechanism::Access {
 public:
  PlaceAccess(Engine::Impl& engine, CgroupRef cgroup) : engine_(engine), cgroup_(std::move(cgroup)) {}

  mechanism::Place place() const override { return {cgroup_.path, cgroup_.id}; }
  bool gone() const override { return !engine_.tree().exists(cgroup_); }
  base::Result<std::string> read(const model::PlannedSetting& setting) const override;
  base::Status write(const model::PlannedSetting& setting) const override;

 private:
  Engine::Impl& engine_;
  CgroupRef cgroup_;
};

// The field's name and, for writing, its text.
std::string_view fieldOf(const model::PlannedSetting& setting);
base::Result<std::string> textOf(const model::PlannedSetting& setting);
Level levelOf(const model::PlannedSetting& setting);

}  // namespace plimsoll::netqos
