// What is told of a loop that hangs, a handler that is stuck, a runtime that is lost: and that it is told
// again that all is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pkg/health/agent_state.h"
#include "pkg/health/checks.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::health {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Clock = AgentState::Clock;

Clock::time_point g_now = Clock::time_point(1000h);
Clock::time_point fakeNow() { return g_now; }

class AgentStateTest : public testing::Test {
 protected:
  AgentStateTest() { state_.addTo(checks_); }
  // A state in which everything is well.
  void settle() {
    state_.beat();
    state_.registered();
    state_.synchronized();
  }
  bool live() { return checks_.run(Of::Live).good; }
  bool ready() { return checks_.run(Of::Ready).good; }
  std::string why(Of of) {
    std::string reasons;
    for (const auto& [name, finding] : checks_.run(of).findings) {
      if (finding.level == Level::Fail) reasons += name + ": " + finding.reason + "\n";
    }
    return reasons;
  }

  AgentState state_{{.beat_timeout = 15s, .late_memory = 60s}, fakeNow};
  Checks checks_;
};

TEST_F(AgentStateTest, AFreshAgentIsLiveAndNotReady) {
  EXPECT_TRUE(live());
  EXPECT_FALSE(ready());
  EXPECT_THAT(why(Of::Ready),
              HasSubstr("runtime: not registered with the container runtime: not connected yet"));
  EXPECT_THAT(why(Of::Ready), HasSubstr("synchronisation: waits for the runtime's list"));
}

TEST_F(AgentStateTest, ReadyComesWithTheFirstSynchronisation) {
  state_.registered();
  EXPECT_FALSE(ready());
  EXPECT_THAT(why(Of::Ready), StartsWith("synchronisation: containers that run already"));
  state_.synchronized();
  EXPECT_TRUE(ready()) << why(Of::Ready);
}

TEST_F(AgentStateTest, ALostRuntimeIsNotReadyAndStillLive) {
  settle();
  state_.disconnected("the runtime closed the connection");
  EXPECT_TRUE(live());
  EXPECT_FALSE(ready());
  EXPECT_THAT(why(Of::Ready), HasSubstr("the runtime closed the connection"));
  // Back again: first everything is looked at anew.
  state_.registered();
  EXPECT_FALSE(ready());
  state_.synchronized();
  EXPECT_TRUE(ready());
}

TEST_F(AgentStateTest, ALoopThatDoesNotTurnIsNotLive) {
  settle();
  g_now += 15s;
  EXPECT_TRUE(live());
  g_now += 1s;
  EXPECT_FALSE(live());
  EXPECT_FALSE(ready());
  EXPECT_EQ(why(Of::Live), "loop: the event loop has not turned for 16.0 s\n");
  state_.beat();
  EXPECT_TRUE(live());
}

TEST_F(AgentStateTest, AHandlerBeyondHalfOfItsBudgetIsNotLive) {
  settle();
  state_.handlerEntered("CreateContainer", 2s);
  g_now += 1s;
  EXPECT_TRUE(live());
  g_now += 100ms;
  EXPECT_FALSE(live());
  EXPECT_EQ(why(Of::Live), "handler: CreateContainer has been handled for 1.1 s; the runtime waits 2.0 s\n");
  EXPECT_TRUE(state_.handlerLeft());
  EXPECT_TRUE(live());
  EXPECT_TRUE(ready()) << why(Of::Ready);
}

TEST_F(AgentStateTest, AnAnswerThatCameTooLateIsRemembered) {
  settle();
  state_.handlerEntered("StartContainer", 2s);
  g_now += 3s;
  EXPECT_FALSE(state_.handlerLeft());
  EXPECT_TRUE(live());
  EXPECT_FALSE(ready());
  EXPECT_THAT(why(Of::Ready), StartsWith("answers: an answer came after the runtime's time-out"));
  g_now += 61s;
  state_.beat();
  EXPECT_TRUE(ready()) << why(Of::Ready);
}

TEST_F(AgentStateTest, ARuntimeThatSendsNothingIsNotReadyUntilItDoes) {
  settle();
  g_now += 1s;
  state_.missedEvent("container shop/web-0/app went away", g_now);
  EXPECT_FALSE(ready());
  EXPECT_THAT(why(Of::Ready),
              HasSubstr("events: connected, but the runtime sends no events: container shop/web-0"));
  state_.handlerEntered("CreateContainer", 2s);
  state_.handlerLeft();
  EXPECT_TRUE(ready());
}

TEST_F(AgentStateTest, WhileNotConnectedNothingIsMissed) {
  state_.missedEvent("container shop/web-0/app went away", g_now);
  settle();
  EXPECT_TRUE(ready());
}

TEST_F(AgentStateTest, WhatWasMissedBeforeTheLastEventIsNoSilence) {
  settle();
  const auto before = g_now;
  g_now += 1s;
  state_.handlerEntered("CreateContainer", 2s);
  state_.handlerLeft();
  state_.missedEvent("container shop/web-0/app came", before);
  EXPECT_TRUE(ready());
}

TEST_F(AgentStateTest, ConfigurationAndJournalOnlyWarn) {
  settle();
  state_.setConfigProblem("node.yaml:3: no such setting");
  state_.setJournalProblem("disk full");
  const Report report = checks_.run(Of::Ready);
  EXPECT_TRUE(report.good);
  const std::string text = report.text("readyz");
  EXPECT_THAT(text,
              HasSubstr("[+]configuration ok, but: the configuration before stays in force: node.yaml:3"));
  EXPECT_THAT(text, HasSubstr("[+]journal ok, but: disk full\n"));
  state_.setJournalProblem("");
  EXPECT_THAT(checks_.run(Of::Ready).text("readyz"), HasSubstr("[+]journal ok\n"));
}

TEST_F(AgentStateTest, TheNamesAreTheDocumentedOnes) {
  EXPECT_THAT(checks_.names(Of::Live), ElementsAre("loop", "handler"));
  EXPECT_THAT(checks_.names(Of::Ready), ElementsAre("loop", "handler", "runtime", "synchronisation", "events",
                                                    "answers", "configuration", "journal"));
}

TEST(Report, IsWrittenAsKubernetesDoes) {
  Checks checks;
  checks.add({"loop", Of::Live, [] { return Finding{}; }});
  checks.add({"handler", Of::Live, [] { return Finding{Level::Fail, "stuck\nfor \033ages"}; }});
  EXPECT_EQ(checks.run(Of::Live).text("livez"),
            "[+]loop ok\n[-]handler failed: stuck for  ages\nlivez check failed\n");
  EXPECT_EQ(checks.run(Of::Ready).text("readyz"), "readyz check passed\n");
}

// The same with a real loop, stopped by a handler that does not return, and watched by another thread.
TEST(AgentStateAndLoop, AnotherThreadSeesTheLoopHangAndRecover) {
  auto loop = sys::EventLoop::create().value();
  AgentState state({.beat_timeout = 100ms, .late_memory = 60s});
  Checks checks;
  state.addTo(checks);
  std::atomic<bool> release{false};
  sys::EventLoop::Handle timer;
  std::function<void()> beat = [&] {
    state.beat();
    timer = loop->after(10ms, beat);
  };
  beat();
  std::thread thread([&] { loop->run(); });
  const auto eventually = [&](bool wanted) {
    for (int i = 0; i < 500; ++i) {
      if (checks.run(Of::Live).good == wanted) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  };
  EXPECT_TRUE(eventually(true));
  loop->post([&] {
    state.handlerEntered("CreateContainer", 200ms);
    while (!release) std::this_thread::sleep_for(1ms);
    state.handlerLeft();
  });
  EXPECT_TRUE(eventually(false));
  release = true;
  EXPECT_TRUE(eventually(true));
  loop->stop();
  thread.join();
}

}  // namespace
}  // namespace plimsoll::health
