#include "pkg/cgroup/write_order.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "pkg/base/parse.h"

namespace plimsoll::cgroup {
namespace {

using model::PlannedSetting;
using Settings = std::vector<PlannedSetting>;

const PlannedSetting* find(const Settings& settings, std::string_view file) {
  const auto it = std::find_if(settings.begin(), settings.end(), [&](const PlannedSetting& setting) {
    return !model::isDecidedAgainst(setting.state) && setting.request.setting.file == file;
  });
  return it == settings.end() ? nullptr : &*it;
}

int64_t numberOf(const PlannedSetting& setting) {
  const auto* number = std::get_if<model::Number>(&setting.value);
  return number != nullptr ? number->value : 0;
}

// The kernel refuses (EINVAL) a quota below the burst and a burst above the quota. With both wanted: a burst
// that falls fits under the old quota, so it goes first; one that rises needs the new quota.
bool burstFalls(const Settings& settings, const ContainerCgroup& cgroup) {
  const PlannedSetting* burst = find(settings, "cpu.max.burst");
  if (burst == nullptr || find(settings, "cpu.max") == nullptr) return false;
  const auto text = cgroup.read("cpu.max.burst");
  const auto now = text ? base::parseInt<int64_t>(base::trim(*text)) : std::nullopt;
  return now && numberOf(*burst) <= *now;
}

int rankOf(const PlannedSetting& setting, bool burst_falls) {
  const std::string_view file = setting.request.setting.file;
  // Who is killed, and how, is settled before a limit can cause a kill.
  if (file == "memory.oom.group" || file == "oom_score_adj") return 0;
  // Protection, and room to reclaim into, before the limits that make the kernel reclaim.
  if (file == "memory.min" || file == "memory.low" || file == "memory.swap.max" ||
      file == "memory.zswap.max") {
    return 1;
  }
  // memory.high reclaims and lets live; what then is still above memory.max is killed.
  if (file == "memory.high") return 2;
  if (file == "memory.max") return 3;
  // The kernel refuses (EINVAL) a weight for an idle group.
  if (file == "cpu.idle") return numberOf(setting) == 0 ? 4 : 6;
  if (file == "cpu.weight") return 5;
  if (file == "cpu.max.burst") return burst_falls ? 7 : 9;
  if (file == "cpu.max") return 8;
  // A partition is made of the CPUs it has, and given up before they change.
  if (file == "cpuset.cpus.partition") {
    const auto* word = std::get_if<model::Word>(&setting.value);
    return word != nullptr && word->word == "member" ? 10 : 12;
  }
  if (file == "cpuset.cpus" || file == "cpuset.mems") return 11;
  return 13;
}

}  // namespace

std::vector<size_t> writeOrder(const Settings& settings, const ContainerCgroup& cgroup) {
  const bool burst_falls = burstFalls(settings, cgroup);
  std::vector<size_t> order;
  for (size_t i = 0; i < settings.size(); ++i) {
    if (!model::isDecidedAgainst(settings[i].state)) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return rankOf(settings[a], burst_falls) < rankOf(settings[b], burst_falls);
  });
  return order;
}

}  // namespace plimsoll::cgroup
