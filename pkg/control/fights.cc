#include "pkg/control/fights.h"

namespace plimsoll::control {

Fights::Verdict Fights::drifted(const std::string& key, const model::DriftRules& rules, Time now) {
  Fight& fight = fights_[key];
  if (fight.over) return Verdict::SteppedBack;
  while (!fight.rewrites.empty() && now - fight.rewrites.front() > rules.fight_window)
    fight.rewrites.pop_front();
  if (fight.rewrites.size() >= static_cast<size_t>(rules.fight_rewrites)) {
    fight.over = true;
    fight.rewrites.clear();
    return Verdict::StepBack;
  }
  fight.rewrites.push_back(now);
  return Verdict::Rewrite;
}

bool Fights::steppedBack(std::string_view key) const {
  auto it = fights_.find(key);
  return it != fights_.end() && it->second.over;
}

}  // namespace plimsoll::control
