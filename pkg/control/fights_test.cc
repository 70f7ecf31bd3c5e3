#include "pkg/control/fights.h"

#include <gtest/gtest.h>

namespace plimsoll::control {
namespace {

using namespace std::chrono_literals;
using Verdict = Fights::Verdict;

model::DriftRules threeAMinute() {
  model::DriftRules rules;
  rules.fight_rewrites = 3;
  rules.fight_window = 60s;
  return rules;
}

TEST(Fights, StepsBackOnceWhenItIsTooOften) {
  Fights fights;
  const Fights::Time now{};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(fights.drifted("cpu.max", threeAMinute(), now + i * 1s), Verdict::Rewrite);
  EXPECT_EQ(fights.drifted("cpu.max", threeAMinute(), now + 4s), Verdict::StepBack);
  EXPECT_EQ(fights.drifted("cpu.max", threeAMinute(), now + 500s), Verdict::SteppedBack);
  EXPECT_TRUE(fights.steppedBack("cpu.max"));
  EXPECT_EQ(fights.drifted("memory.high", threeAMinute(), now + 5s), Verdict::Rewrite) << "each for itself";
  fights.clear();
  EXPECT_EQ(fights.drifted("cpu.max", threeAMinute(), now + 6s), Verdict::Rewrite);
}

TEST(Fights, SlowOnesGoOnForEver) {
  Fights fights;
  Fights::Time now{};
  for (int i = 0; i < 20; ++i, now += 21s)
    EXPECT_EQ(fights.drifted("cpu.max", threeAMinute(), now), Verdict::Rewrite) << i;
}

}  // namespace
}  // namespace plimsoll::control
