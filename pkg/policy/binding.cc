#include "pkg/policy/binding.h"

#include "pkg/policy/rules.h"

namespace plimsoll::policy {
namespace {

using model::SettingSpec;
using model::Value;

// Whether an ancestor's lower value takes from this one. True for limits and protections alike.
bool boundByAncestors(const SettingSpec& spec) {
  static constexpr std::string_view kFiles[] = {
      "cpu.max",          "cpu.uclamp.min", "cpu.uclamp.max",    "cpuset.cpus", "cpuset.mems",
      "memory.min",       "memory.low",     "memory.high",       "memory.max",  "memory.swap.max",
      "memory.zswap.max", "pids.max",       "hugetlb.<size>.max"};
  for (std::string_view file : kFiles) {
    if (spec.file == file) return true;
  }
  return false;
}

// An empty cpuset file means "as the parent": it takes nothing away.
bool saysNothing(const Value& value) {
  const auto* set = std::get_if<model::CpuSet>(&value);
  return set && set->empty();
}

}  // namespace

std::optional<std::string> bindingAncestor(const SettingSpec& spec, const Value& value,
                                           const std::vector<model::AncestorValue>& ancestors) {
  if (!boundByAncestors(spec)) return std::nullopt;
  const model::AncestorValue* binding = nullptr;
  Value tightest = value;
  for (const model::AncestorValue& ancestor : ancestors) {
    auto held = model::parseKernelText(spec, value, ancestor.text);
    if (!held || saysNothing(*held)) continue;
    // Sets need not be ordered: a parent that lacks some of the CPUs binds, whatever else it has.
    const auto given = compareGiven(spec, *held, tightest);
    const bool less = spec.type == model::ValueType::CpuList ? given != 0 && !(given > 0) : given < 0;
    if (!less) continue;
    binding = &ancestor;
    tightest = *std::move(held);
    if (spec.type == model::ValueType::CpuList) break;
  }
  if (!binding) return std::nullopt;
  return binding->path + " = " + model::formatValue(spec, tightest);
}

}  // namespace plimsoll::policy
