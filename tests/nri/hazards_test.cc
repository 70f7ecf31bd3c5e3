// What kills other plugins: one test for each known way (the issue is named where there is one).
#include <sys/un.h>

#include "tests/nri/plugin_fixture.h"

namespace plimsoll::nri {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

class Hazards : public PluginTest {
 protected:
  ~Hazards() override { stopPlugin(); }

  void start(const RuntimeOptions& options) {
    runtime_ = std::make_unique<FakeRuntime>(path_, options);
    startPlugin();
    ASSERT_TRUE(runtime_->waitForPlugins(1)) << testing::PrintToString(runtime_->failures());
    ASSERT_TRUE(waitForState(PluginState::Synchronized));
  }
  // Answers CreateContainer with one annotation, so that the answer's message has `size` bytes in all.
  void answerWithMessageOf(size_t size) {
    handler_.on_create = [size](const api::PodSandbox&, const api::Container&, const CallInfo&) {
      api::CreateContainerResponse answer;
      auto& note = (*answer.mutable_adjust()->mutable_annotations())["note"];
      note.assign(size > 64 ? size - 64 : 0, 'n');
      size_t overhead =
          10 + 3 + (answer.ByteSizeLong() > 127 ? 1 : 0);  // ttRPC header, payload's tag and length
      while (answer.ByteSizeLong() + overhead - 1 < size) note.push_back('n');
      return answer;
    };
  }

  api::PodSandbox pod_ = samplePod(1);
  api::Container container_ = sampleContainer(pod_);
  std::unique_ptr<FakeRuntime> runtime_;
};

// nri#102: a frame over 4096 bytes at the start of a message ends the connection.
TEST_F(Hazards, AnswersAroundTheSizeOfGosBufferAreReadable) {
  start(fake::likeContainerd219());
  for (size_t size = 4080; size <= 4112; ++size) {
    answerWithMessageOf(size);
    auto answer = runtime_->createContainer(pod_, container_);
    ASSERT_TRUE(answer) << size << ": " << answer.error().message;
    ASSERT_TRUE(answer->has_adjust()) << size << ": " << runtime_->plugins().size() << " plugins left";
  }
}

TEST_F(Hazards, BigAnswersAreCutInTwoFramesAndNoFrameIsEmpty) {
  start(fake::likeContainerd219());
  auto link = runtime_->plugins().front().link;
  size_t before = link->frames().size();
  answerWithMessageOf(3'000'000);
  ASSERT_TRUE(runtime_->createContainer(pod_, container_)->has_adjust());
  auto frames = link->frames();
  ASSERT_EQ(frames.size(), before + 2);
  EXPECT_EQ(frames[before].size, 4096u);
  EXPECT_GE(frames[before + 1].size, 2'990'000u);
  for (auto& frame : frames) EXPECT_GT(frame.size, 0u);
}

// nri#114, containerd#10773.
TEST_F(Hazards, ALateAnswerCostsTheConnectionAndThePluginComesBack) {
  auto options = fake::likeContainerd219();
  options.request_timeout = 60ms;
  start(options);
  handler_.on_create = [](const api::PodSandbox&, const api::Container&, const CallInfo&) {
    std::this_thread::sleep_for(120ms);
    return api::CreateContainerResponse{};
  };
  auto answer = runtime_->createContainer(pod_, container_);
  ASSERT_TRUE(answer) << "the pod goes on without us";
  EXPECT_FALSE(answer->has_adjust());
  EXPECT_TRUE(runtime_->waitForPlugins(1));
  EXPECT_EQ(stats().late_answers, 1u);
  EXPECT_EQ(stats().of(Event::CreateContainer).late, 1u);
  EXPECT_GE(stats().of(Event::CreateContainer).longest, 120ms);
  EXPECT_TRUE(thread_.waitFor([&] { return plugin_->stats().sessions == 2; }));
}

// containerd#13901: up to NRI 0.6.1 the runtime leaves a link open that will never carry an event.
TEST_F(Hazards, AZombieAfterALateSynchronizeIsDroppedByUs) {
  auto options = fake::likeContainerd1724();
  options.request_timeout = 60ms;
  int times = 0;
  handler_.on_synchronize = [&](const Snapshot&) {
    if (++times == 1) std::this_thread::sleep_for(120ms);
    return std::vector<api::ContainerUpdate>{};
  };
  start(options);
  EXPECT_EQ(stats().zombies_dropped, 1u);
  EXPECT_EQ(runtime_->connections(), 2);
  EXPECT_TRUE(runtime_->createContainer(pod_, container_));
  EXPECT_THAT(handler_.heard(), Contains("CreateContainer web-1/app"));
}

// The time before we took the request counts too: the list waited in the socket while the loop was away.
TEST_F(Hazards, AZombieAfterASynchronizeThatWaitedIsDroppedByUs) {
  auto options = fake::likeContainerd1724();
  options.request_timeout = 150ms;
  options.sync_delay = 50ms;
  runtime_ = std::make_unique<FakeRuntime>(path_, options);
  startPlugin();
  ASSERT_TRUE(waitForState(PluginState::Configured));
  thread_.run([] { std::this_thread::sleep_for(400ms); });
  ASSERT_TRUE(runtime_->waitForPlugins(1)) << testing::PrintToString(runtime_->failures());
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  EXPECT_EQ(stats().zombies_dropped, 1u);
  EXPECT_EQ(runtime_->connections(), 2);
}

// An answer that is late is worth less than none: the loop was away, so the runtime gets nothing at once, and
// the container is looked at afterwards.
TEST_F(Hazards, ARequestThatWaitedTooLongIsAnsweredWithNothingAndHandledAfterwards) {
  auto options = fake::likeContainerd219();
  options.request_timeout = 600ms;
  start(options);
  answerWithMessageOf(200);
  std::thread away([&] { thread_.run([] { std::this_thread::sleep_for(450ms); }); });
  std::this_thread::sleep_for(50ms);
  auto answer = runtime_->createContainer(pod_, container_);
  away.join();
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->has_adjust()) << "answered with nothing";
  EXPECT_TRUE(thread_.waitFor([&] { return plugin_->stats().of(Event::CreateContainer).count == 1; }));
  EXPECT_THAT(handler_.heard(), IsSupersetOf({"missed web-1/app", "CreateContainer web-1/app"}));
  EXPECT_EQ(runtime_->plugins().size(), 1u) << "the link lives";
  EXPECT_EQ(stats().missed, 1u);
  EXPECT_EQ(stats().of(Event::CreateContainer).missed, 1u);
  EXPECT_TRUE(runtime_->createContainer(pod_, container_)->has_adjust()) << "in time again";
  EXPECT_EQ(stats().missed, 1u);
}

// Both ways of sending a notice; what is handled afterwards is handled before what comes next.
TEST_F(Hazards, AStartThatWaitedTooLongIsHandledAfterwardsInOrder) {
  for (RuntimeOptions options : {fake::likeContainerd219(), fake::likeContainerd24()}) {
    options.request_timeout = 600ms;
    start(options);
    size_t before = handler_.heard().size();
    handler_.on_notice = [](std::string_view event) -> Status {
      if (event == "StartContainer") return base::invalidArgument("must not start");
      return base::ok();
    };
    std::thread away([&] { thread_.run([] { std::this_thread::sleep_for(450ms); }); });
    std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(runtime_->notify(api::EVENT_START_CONTAINER, pod_, container_)) << "too late to refuse";
    EXPECT_TRUE(runtime_->notify(api::EVENT_POST_START_CONTAINER, pod_, container_));
    away.join();
    auto heard = handler_.heard();
    heard.erase(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(before));
    EXPECT_THAT(heard,
                ElementsAre("missed web-1/app", "StartContainer web-1/app", "PostStartContainer web-1/app"));
    EXPECT_FALSE(runtime_->notify(api::EVENT_START_CONTAINER, pod_, container_)) << "in time again";
    stopPlugin();
    runtime_.reset();
  }
}

// nri.md: a container that runs and was not told; only somebody else can see that.
TEST_F(Hazards, ASuspectedZombieIsDroppedOnceAndNotWithoutEvidence) {
  auto options = PluginTest::options();
  options.zombie_patience = 20ms;
  runtime_ = std::make_unique<FakeRuntime>(path_, fake::likeContainerd219());
  startPlugin(std::move(options));
  ASSERT_TRUE(runtime_->waitForPlugins(1));
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  auto suspect = [&](std::chrono::steady_clock::time_point happened) {
    bool dropped = false;
    thread_.run([&] { dropped = plugin_->suspectZombie("container c1 runs", happened); });
    return dropped;
  };
  auto now = [] { return std::chrono::steady_clock::now(); };
  EXPECT_FALSE(suspect(now() - 1h)) << "the link is younger";
  EXPECT_FALSE(suspect(now())) << "the event may be on its way";
  auto before_event = now();
  ASSERT_TRUE(runtime_->createContainer(pod_, container_));
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(suspect(before_event)) << "events come";
  auto after_event = now() - 10ms;
  std::this_thread::sleep_for(30ms);
  EXPECT_TRUE(suspect(after_event));
  EXPECT_TRUE(thread_.waitFor([&] { return plugin_->stats().sessions == 2; }));
  EXPECT_EQ(stats().zombies_dropped, 1u);
  EXPECT_THAT(stats().last_error, HasSubstr("container c1 runs"));
  auto again = now();
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(suspect(again)) << "seldom";
  EXPECT_EQ(runtime_->connections(), 2);
}

// containerd#14083: dropping a slow registration would only start the wait again.
TEST_F(Hazards, ASlowSynchronizeIsNoFailure) {
  auto options = fake::likeContainerd219();
  options.sync_delay = 400ms;
  auto impatient = PluginTest::options();
  impatient.register_timeout = 100ms;
  runtime_ = std::make_unique<FakeRuntime>(path_, options);
  startPlugin(std::move(impatient));
  EXPECT_TRUE(runtime_->waitForPlugins(1));
  EXPECT_EQ(runtime_->connections(), 1);
}

// containerd#13733: may hang every CRI call of the node.
TEST_F(Hazards, UpdateContainersIsNotSentToARuntimeThatItCanHang) {
  for (const RuntimeOptions& options :
       {fake::likeContainerd1724(), fake::likeContainerd219(), fake::likeContainerd220()}) {
    start(options);
    auto answer = update({memoryHigh("c1")});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::FailedPrecondition);
    EXPECT_THAT(answer.error().message, HasSubstr("0.12.1"));
    EXPECT_TRUE(runtime_->updateCalls().empty());
    stopPlugin();
    runtime_.reset();
  }
}

TEST_F(Hazards, UpdateContainersInsideAHandlerIsRefused) {
  std::optional<ErrorCode> code;
  handler_.on_create = [&](const api::PodSandbox&, const api::Container&, const CallInfo&) {
    plugin_->updateContainers({memoryHigh("c1")}, [&](auto result) { code = result.error().code; });
    return api::CreateContainerResponse{};
  };
  start(fake::likeContainerd24());
  EXPECT_TRUE(runtime_->createContainer(pod_, container_));
  EXPECT_EQ(code, ErrorCode::FailedPrecondition);
  EXPECT_TRUE(runtime_->updateCalls().empty());
  EXPECT_EQ(runtime_->plugins().size(), 1u);
}

TEST_F(Hazards, UpdateContainersWorksFromNri0121OnAlsoWhileEventsRun) {
  start(fake::likeContainerd24());
  runtime_->failUpdates({memoryHigh("c2")});
  std::thread events([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(runtime_->createContainer(pod_, container_));
  });
  for (int i = 0; i < 50; ++i) {
    auto answer = update({memoryHigh("c1"), memoryHigh("c2")});
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->size(), 1u);
    EXPECT_EQ(answer->front().container_id(), "c2");
  }
  events.join();
  EXPECT_EQ(runtime_->updateCalls().size(), 50u);
  EXPECT_EQ(runtime_->plugins().front().link->badStreamIds(), 0);
  EXPECT_EQ(stats().of(Event::CreateContainer).count, 50u);
}

TEST_F(Hazards, AnUpdateThatIsNotAnsweredEndsAtOurOwnDeadline) {
  auto options = fake::likeContainerd24();
  options.update_delay = 300ms;
  auto impatient = PluginTest::options();
  impatient.call_timeout = 50ms;
  runtime_ = std::make_unique<FakeRuntime>(path_, options);
  startPlugin(std::move(impatient));
  ASSERT_TRUE(runtime_->waitForPlugins(1));
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  EXPECT_EQ(update({memoryHigh("c1")}).error().code, ErrorCode::DeadlineExceeded);
  EXPECT_EQ(stats().call_timeouts, 1u);
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(runtime_->createContainer(pod_, container_)) << "the late answer harms nothing";
  EXPECT_EQ(stats().lost_sessions, 0u);
}

TEST_F(Hazards, UpdateContainersBeyondAMessageIsRefusedHere) {
  start(fake::likeContainerd24());
  auto answer = update({memoryHigh("c1", std::string(5U << 20, '1'))});
  EXPECT_EQ(answer.error().code, ErrorCode::ResourceExhausted);
  EXPECT_TRUE(update({memoryHigh("c1")})) << "the connection is as it was";
}

// koordinator#3129: an update without a container id is skipped by the runtime without a word.
TEST_F(Hazards, AnUpdateWithoutAContainerIdIsNotSent) {
  handler_.on_update = [](const api::LinuxResources&) {
    api::UpdateContainerResponse answer;
    *answer.add_update() = memoryHigh("");
    *answer.add_update() = memoryHigh("c1");
    return answer;
  };
  start(fake::likeContainerd24());
  auto answer = runtime_->updateContainer(pod_, container_, {});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->update_size(), 1);
  EXPECT_EQ(answer->update(0).container_id(), "c1");
  EXPECT_EQ(stats().answers_refused, 1u);
  EXPECT_EQ(update({memoryHigh("")}).error().code, ErrorCode::InvalidArgument);
}

TEST_F(Hazards, AnUpdateOfTheContainerBeingCreatedIsNamed) {
  handler_.on_create = [](const api::PodSandbox&, const api::Container& container, const CallInfo&) {
    api::CreateContainerResponse answer;
    *answer.add_update() = memoryHigh(container.id());
    return answer;
  };
  start(fake::likeContainerd219());
  EXPECT_THAT(runtime_->createContainer(pod_, container_).error().message, HasSubstr("being created"));
}

// Go's server would close the connection.
TEST_F(Hazards, AnAnswerOver4MiBIsAnErrorAndNotTheEndOfTheConnection) {
  start(fake::likeContainerd219());
  answerWithMessageOf(5U << 20);
  EXPECT_EQ(runtime_->createContainer(pod_, container_).error().code, ErrorCode::ResourceExhausted);
  handler_.on_create = nullptr;
  EXPECT_TRUE(runtime_->createContainer(pod_, container_));
  EXPECT_EQ(runtime_->plugins().size(), 1u);
  EXPECT_EQ(stats().answers_refused, 1u);
}

// Go refuses the whole message for one string that is not UTF-8.
TEST_F(Hazards, AnAnswerThatIsNotUtf8IsRefusedHere) {
  std::string text;
  handler_.on_create = [&](const api::PodSandbox&, const api::Container&, const CallInfo&) {
    api::CreateContainerResponse answer;
    (*answer.mutable_adjust()->mutable_annotations())["note"] = text;
    return answer;
  };
  start(fake::likeContainerd219());
  text = "caf\xC3\xA9";
  EXPECT_EQ(runtime_->createContainer(pod_, container_)->adjust().annotations().at("note"), text);
  text = "caf\xE9";
  EXPECT_THAT(runtime_->createContainer(pod_, container_).error().message, HasSubstr("UTF-8"));
}

// A peer that connects and stays silent blocks every other plugin: one connection, registered at once.
TEST_F(Hazards, RegistersAtOnceAndOnOneConnectionOnly) {
  std::atomic<bool> done{false};
  FakeRuntime silent(path_, {}, [&](fake::GoLink& link) {
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(link.frames().size(), 1u) << "RegisterPlugin, in one frame";
    EXPECT_EQ(link.frames().front().stream, 2u);
    done = true;
  });
  startPlugin();
  std::this_thread::sleep_for(350ms);
  EXPECT_TRUE(done);
  EXPECT_EQ(silent.connections(), 1);
  stopPlugin();
}

TEST_F(Hazards, NoEventsReachTheHandlerAfterTheConnectionEnded) {
  start(fake::likeContainerd219());
  runtime_->dropPlugins();
  ASSERT_TRUE(thread_.waitFor([&] { return plugin_->stats().lost_sessions >= 1; }));
  auto heard = handler_.heard();
  auto lost = std::find(heard.begin(), heard.end(), "disconnected");
  ASSERT_NE(lost, heard.end());
  EXPECT_EQ(std::count(heard.begin(), lost, "CreateContainer web-1/app"), 0);
}

}  // namespace
}  // namespace plimsoll::nri
