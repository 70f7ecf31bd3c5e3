#include "pkg/policy/drift.h"

#include <algorithm>

#include "pkg/policy/baseline.h"
#include "pkg/policy/rules.h"

namespace plimsoll::policy {

bool isKubelets(std::string_view file) {
  constexpr std::string_view kFiles[] = {"cpu.weight", "cpu.max",     "memory.max",
                                         "pids.max",   "cpuset.cpus", "cpuset.mems"};
  return std::find(std::begin(kFiles), std::end(kFiles), file) != std::end(kFiles);
}

model::DriftMode driftMode(const model::DriftRules& rules, const model::SettingKey& setting) {
  for (const auto& [pattern, mode] : rules.settings) {
    if (matchesPattern(pattern, setting.key)) return mode;
  }
  if (rules.otherwise) return *rules.otherwise;
  // A thread may choose its own.
  if (setting.spec->target == model::Target::Scheduler || setting.spec->target == model::Target::IoPriority)
    return model::DriftMode::Warn;
  const bool theirs = setting.spec->target == model::Target::CgroupFile && isKubelets(setting.file);
  return theirs ? model::DriftMode::Yield : model::DriftMode::Enforce;
}

std::string_view likelyWriter(const model::PlannedSetting& setting, const model::PodFacts& pod,
                              const model::ContainerFacts& container, std::string_view text) {
  const model::SettingKey& key = setting.request.setting;
  if (key.spec->target != model::Target::CgroupFile || !isKubelets(key.file)) return "somebody";
  auto now = model::parseKernelText(*key.spec, setting.value, text);
  return now && *now == kubeletValue(key, pod, container) ? "the kubelet or the runtime" : "somebody";
}

}  // namespace plimsoll::policy
