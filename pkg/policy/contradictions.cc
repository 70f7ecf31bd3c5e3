#include "pkg/policy/contradictions.h"

#include <algorithm>

#include "pkg/model/quantity.h"

namespace plimsoll::policy {
namespace {

using model::kMax;
using model::PlannedSetting;
using InForce = std::vector<const PlannedSetting*>;

const PlannedSetting* find(const InForce& in_force, std::string_view key) {
  for (const PlannedSetting* setting : in_force) {
    if (setting->request.setting.key == key) return setting;
  }
  return nullptr;
}

int64_t numberOf(const PlannedSetting& setting) {
  const auto* number = std::get_if<model::Number>(&setting.value);
  return number ? number->value : 0;
}

std::string shown(const PlannedSetting& setting) {
  const model::Request& request = setting.request;
  return request.setting.key + " = " + model::formatValue(*request.setting.spec, setting.value) + " (" +
         request.source.where + ")";
}

bool isOwners(const PlannedSetting& setting) {
  const auto kind = setting.request.source.kind;
  return kind == model::SourceKind::Class || kind == model::SourceKind::NodeDefault;
}

// Of two that exclude each other: the less specific goes; both, if they stand in one place.
void add(std::vector<Contradiction>& found, const PlannedSetting& a, const PlannedSetting& b,
         const std::string& sentence) {
  const auto kind_a = a.request.source.kind, kind_b = b.request.source.kind;
  if (kind_a == kind_b) {
    found.push_back({&a, sentence + " " + shown(b) + "; keep one of the two"});
    found.push_back({&b, sentence + " " + shown(a) + "; keep one of the two"});
    return;
  }
  const bool b_goes = kind_a < kind_b;
  const PlannedSetting& loser = b_goes ? b : a;
  const PlannedSetting& winner = b_goes ? a : b;
  found.push_back({&loser, sentence + " " + shown(winner) + ", which is more specific"});
}

// While cpu.idle is 1 the kernel refuses every write of cpu.weight with EINVAL (sched_group_set_shares).
void idleAndWeight(std::vector<Contradiction>& found, const InForce& in_force) {
  const PlannedSetting* idle = find(in_force, "cpu.idle");
  const PlannedSetting* weight = find(in_force, "cpu.weight");
  if (!idle || !weight || numberOf(*idle) == 0) return;
  if (isOwners(*idle) && !isOwners(*weight)) {
    // Else a weight, which everybody may ask for, would be a way out of the idle class.
    found.push_back({weight, "an idle container has no weight, and " + shown(*idle) + " is the owner's"});
    return;
  }
  add(found, *idle, *weight, "an idle container has no weight; the kernel does not take it beside");
}

// The kernel refuses a burst above the quota (tg_set_cfs_bandwidth). The quota is a limit and stays.
void burstAndQuota(std::vector<Contradiction>& found, const InForce& in_force,
                   const model::ContainerFacts& container) {
  const PlannedSetting* burst = find(in_force, "cpu.max.burst");
  if (!burst) return;
  const PlannedSetting* limit = find(in_force, "cpu.max");
  int64_t quota = container.base.cpu_quota_us.value_or(0);
  if (limit) {
    const auto* value = std::get_if<model::CpuMax>(&limit->value);
    quota = value ? value->quota_us : 0;
  }
  if (quota <= 0 || quota == kMax || numberOf(*burst) <= quota) return;
  const std::string whose = limit ? shown(*limit) : "the kubelet's limit";
  found.push_back({burst, "the kernel takes no burst above the quota, " + std::to_string(quota) +
                              " microseconds a period by " + whose});
}

void clamps(std::vector<Contradiction>& found, const InForce& in_force) {
  const PlannedSetting* low = find(in_force, "cpu.uclamp.min");
  const PlannedSetting* high = find(in_force, "cpu.uclamp.max");
  if (!low || !high || numberOf(*low) <= numberOf(*high)) return;
  if (isOwners(*high) && !isOwners(*low)) {
    found.push_back({low, "the lower clamp would be above " + shown(*high) + ", which is the owner's limit"});
    return;
  }
  add(found, *low, *high, "the lower clamp would be above the upper one:");
}

// net.egress.burst beside net.egress.rate, and the pod's likewise.
std::string burstWithoutRate(const PlannedSetting& burst, const InForce& in_force) {
  const std::string_view key = burst.request.setting.key;
  if (!key.starts_with("net.") || numberOf(burst) == 0) return "";
  const std::string rate_key = std::string(key.substr(0, key.rfind('.'))) + ".rate";
  const PlannedSetting* rate = find(in_force, rate_key);
  if (rate && numberOf(*rate) != kMax) return "";
  return "acts only beside a " + rate_key;
}

}  // namespace

std::vector<Contradiction> findContradictions(const InForce& in_force,
                                              const model::ContainerFacts& container) {
  std::vector<Contradiction> found;
  idleAndWeight(found, in_force);
  burstAndQuota(found, in_force, container);
  clamps(found, in_force);
  return found;
}

std::string withoutEffect(const PlannedSetting& setting, const InForce& in_force,
                          const model::ContainerFacts& container) {
  if (setting.request.setting.key.ends_with(".burst")) return burstWithoutRate(setting, in_force);
  if (setting.request.setting.key != "memory.high") return "";
  const PlannedSetting* planned = find(in_force, "memory.max");
  int64_t limit = container.base.memory_limit.value_or(0);
  if (planned) limit = numberOf(*planned);
  if (limit <= 0 || numberOf(setting) == kMax || numberOf(setting) <= limit) return "";
  return "is above memory.max = " + model::formatBytes(limit) + " and never acts";
}

}  // namespace plimsoll::policy
