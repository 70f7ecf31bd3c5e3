// Registration, Synchronize, reconnection: a plugin's life as the runtime sees it.
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "pkg/sys/unix_socket.h"
#include "tests/nri/plugin_fixture.h"

namespace plimsoll::nri {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Lifecycle : public PluginTest {};

TEST_F(Lifecycle, RegistersIsConfiguredAndSynchronized) {
  FakeRuntime runtime(path_, fake::likeContainerd219());
  auto pod = samplePod(1);
  runtime.setState({pod}, {sampleContainer(pod)});
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  EXPECT_THAT(handler_.heard(), ElementsAre("configure containerd", "synchronize 1+1", "connected"));
  auto plugin = runtime.plugins().front();
  EXPECT_EQ(plugin.name, "tester");
  EXPECT_EQ(plugin.index, "42");
  EXPECT_EQ(plugin.nri_version, "v0.12.2");
  EXPECT_EQ(runtimeSeen().level, (NriVersion{0, 8, 0}));
  EXPECT_EQ(runtimeSeen().request_timeout, 2000ms);
  EXPECT_EQ(stats().sessions, 1u);
}

TEST_F(Lifecycle, TheRegistrationsAnswerMayComeBeforeOrAfterConfigure) {
  for (bool before : {true, false}) {
    RuntimeOptions options;
    options.configure_before_reply = before;
    FakeRuntime runtime(path_, options);
    startPlugin();
    EXPECT_TRUE(runtime.waitForPlugins(1)) << before;
    EXPECT_TRUE(waitForState(PluginState::Synchronized)) << before;
    stopPlugin();
  }
}

TEST_F(Lifecycle, OnlyEventsOfTheRuntimesReleaseAreAskedFor) {
  {
    FakeRuntime old(path_, fake::likeContainerd1724());
    startPlugin();
    ASSERT_TRUE(old.waitForPlugins(1)) << testing::PrintToString(old.failures());
    EXPECT_EQ(old.plugins().front().events, 0x07FFu);
    stopPlugin();
  }
  FakeRuntime newer(path_, fake::likeContainerd220());
  startPlugin();
  ASSERT_TRUE(newer.waitForPlugins(1)) << testing::PrintToString(newer.failures());
  EXPECT_EQ(newer.plugins().front().events, 0x3FFFu);
}

TEST_F(Lifecycle, AnUnknownRuntimeCountsAsTheOldest) {
  RuntimeOptions options;
  options.name = "somed";
  options.version = "99.1";
  FakeRuntime runtime(path_, options);
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  EXPECT_EQ(runtime.plugins().front().events, 0x07FFu);
}

TEST_F(Lifecycle, NoEventsWantedDoesNotMeanAllOfThem) {
  handler_.wanted = {};
  FakeRuntime runtime(path_, fake::likeContainerd219());
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  EXPECT_EQ(runtime.plugins().front().events, EventMask{Event::RemovePodSandbox}.bits());
}

TEST_F(Lifecycle, ASplitSynchronizeIsOneSnapshotAndUpdatesComeWithTheLastAnswer) {
  auto patient = fake::likeContainerd219();
  patient.request_timeout = 60s;  // the making of 5000 pods counts too, on whatever machine this is
  FakeRuntime runtime(path_, patient);
  std::vector<api::PodSandbox> pods;
  std::vector<api::Container> containers;
  for (int i = 0; i < 5000; ++i) {
    pods.push_back(samplePod(i));
    containers.push_back(sampleContainer(pods.back()));
    (*pods.back().mutable_annotations())["note"] = std::string(1024, 'a');
  }
  runtime.setState(pods, containers);
  std::string last;
  handler_.on_synchronize = [&](const Snapshot& snapshot) -> Result<std::vector<api::ContainerUpdate>> {
    last = snapshot.pods[4999]->name() + " " + snapshot.containers[4999]->name();
    return std::vector{memoryHigh(snapshot.containers[0]->id())};
  };
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1, 60s)) << testing::PrintToString(runtime.failures());
  EXPECT_GT(runtime.syncMessages(), 2);
  EXPECT_THAT(handler_.heard(), Contains("synchronize 5000+5000"));
  EXPECT_EQ(last, "web-4999 app");
  ASSERT_EQ(runtime.syncUpdates().size(), 1u);
  EXPECT_EQ(runtime.syncUpdates()[0].container_id(), containers[0].id());
}

TEST_F(Lifecycle, AnErrorAtSynchronizeIsNotSent) {
  handler_.on_synchronize = [](const Snapshot&) { return base::error(base::ErrorCode::Internal, "no"); };
  FakeRuntime runtime(path_, fake::likeContainerd1724());
  startPlugin();
  EXPECT_TRUE(runtime.waitForPlugins(1));
  EXPECT_THAT(handler_.heard(), Contains("connected"));
  EXPECT_EQ(stats().synchronize.errors, 1u);
}

TEST_F(Lifecycle, ComesBackAfterARuntimeRestart) {
  auto runtime = std::make_unique<FakeRuntime>(path_, fake::likeContainerd219());
  startPlugin();
  ASSERT_TRUE(runtime->waitForPlugins(1));
  runtime.reset();
  ASSERT_TRUE(thread_.waitFor([&] { return plugin_->stats().lost_sessions >= 1; }));
  EXPECT_THAT(handler_.heard(), Contains("disconnected"));
  runtime = std::make_unique<FakeRuntime>(path_, fake::likeContainerd219());
  EXPECT_TRUE(runtime->waitForPlugins(1));
  // The runtime has our answer before the handler hears that it arrived.
  EXPECT_TRUE(thread_.waitFor([&] { return handler_.timesConnected() == 2; }));
}

TEST_F(Lifecycle, ComesBackWhenTheSocketsDirectoryWasReplaced) {
  auto runtime = std::make_unique<FakeRuntime>(path_, fake::likeContainerd219());
  startPlugin();
  ASSERT_TRUE(runtime->waitForPlugins(1));
  runtime.reset();
  std::filesystem::remove_all(dir_ + "/nri");
  std::filesystem::create_directory(dir_ + "/nri");
  FakeRuntime next(path_, fake::likeContainerd219());
  EXPECT_TRUE(next.waitForPlugins(1));
}

// The pause before the next attempt is an hour: only the watch on the directory can be this quick.
TEST_F(Lifecycle, ASocketThatAppearsIsSeenAtOnce) {
  auto slow = options();
  slow.backoff_max = 3600s;
  startPlugin(std::move(slow));
  // Doubling from 5 ms, the pauses soon outlast this test.
  ASSERT_TRUE(thread_.waitFor([&] { return plugin_->stats().attempts >= 10; }, 20s));
  FakeRuntime runtime(path_, fake::likeContainerd219());
  EXPECT_TRUE(runtime.waitForPlugins(1, 1s));
}

TEST_F(Lifecycle, ASocketThatIsMissingAFileOrRefusesIsTriedAgain) {
  startPlugin();
  ASSERT_TRUE(thread_.waitFor([&] { return plugin_->stats().attempts >= 3; }));
  EXPECT_THAT(stats().last_error, HasSubstr("No such file"));
  std::ofstream(path_) << "text";
  ASSERT_TRUE(
      thread_.waitFor([&] { return plugin_->stats().last_error.find("not a socket") != std::string::npos; }));
  unlink(path_.c_str());
  { auto nobody_listens = sys::listenUnix(path_); }
  ASSERT_TRUE(
      thread_.waitFor([&] { return plugin_->stats().last_error.find("refused") != std::string::npos; }));
  FakeRuntime runtime(path_, fake::likeContainerd219());
  EXPECT_TRUE(runtime.waitForPlugins(1));
}

// Each registration makes the runtime wait for every call in flight (containerd#14083).
TEST_F(Lifecycle, ARuntimeThatDropsUsIsNotTriedInATightLoop) {
  FakeRuntime runtime(path_, {}, [](fake::GoLink& link) { link.close(); });
  auto slow = options();
  slow.backoff_min = 20ms;
  slow.backoff_max = 200ms;
  startPlugin(std::move(slow));
  std::this_thread::sleep_for(600ms);
  // 10-20, 20-40, 40-80, 80-160, then 100-200 ms apart.
  EXPECT_LE(runtime.connections(), 9);
  EXPECT_GE(runtime.connections(), 3);
}

TEST_F(Lifecycle, TwoPluginsOfOneNameBothWork) {
  FakeRuntime runtime(path_, fake::likeContainerd219());
  startPlugin();
  RecordingHandler other_handler;
  fake::LoopThread other_thread;
  std::unique_ptr<Plugin> other;
  other_thread.run([&] {
    other = std::make_unique<Plugin>(other_thread.loop(), options(), other_handler);
    ASSERT_TRUE(other->start());
  });
  ASSERT_TRUE(runtime.waitForPlugins(2));
  auto pod = samplePod(1);
  EXPECT_TRUE(runtime.createContainer(pod, sampleContainer(pod)));
  EXPECT_THAT(handler_.heard(), Contains("CreateContainer web-1/app"));
  EXPECT_THAT(other_handler.heard(), Contains("CreateContainer web-1/app"));
  other_thread.run([&] { other.reset(); });
}

TEST_F(Lifecycle, StopEndsTheConnection) {
  FakeRuntime runtime(path_, fake::likeContainerd219());
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  auto link = runtime.plugins().front().link;
  thread_.run([&] { plugin_->stop(); });
  EXPECT_TRUE(link->waitClosed(1s));
  EXPECT_THAT(handler_.heard(), Contains("disconnected"));
  EXPECT_EQ(state(), PluginState::Stopped);
  thread_.run([&] { EXPECT_TRUE(plugin_->start()); });
  EXPECT_TRUE(runtime.waitForPlugins(2));
}

TEST_F(Lifecycle, StopInsideAHandlerIsSafe) {
  FakeRuntime runtime(path_, fake::likeContainerd219());
  handler_.on_notice = [&](std::string_view event) -> Status {
    if (event == "RunPodSandbox") plugin_->stop();
    return base::ok();
  };
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  EXPECT_TRUE(runtime.notify(api::EVENT_RUN_POD_SANDBOX, samplePod(1)));
  EXPECT_EQ(state(), PluginState::Stopped);
}

TEST_F(Lifecycle, BadOptionsAreRefused) {
  auto refused = [&](PluginOptions options) {
    Status status;
    thread_.run([&] { status = Plugin(thread_.loop(), std::move(options), handler_).start(); });
    return !status && status.error().code == base::ErrorCode::InvalidArgument;
  };
  EXPECT_TRUE(refused({.name = "", .index = "10"}));
  EXPECT_TRUE(refused({.name = "with space", .index = "10"}));
  EXPECT_TRUE(refused({.name = "ok", .index = "1"}));
  EXPECT_TRUE(refused({.name = "ok", .index = "1a"}));
  EXPECT_TRUE(refused({.name = "ok", .index = "10", .socket_path = ""}));
}

class Launched : public PluginTest {
 protected:
  Launched() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    runtime_end_.reset(pair[0]);
    setenv("NRI_PLUGIN_NAME", "launched", 1);
    setenv("NRI_PLUGIN_IDX", "07", 1);
    setenv("NRI_PLUGIN_SOCKET", std::to_string(pair[1]).c_str(), 1);
  }
  ~Launched() override {
    for (const char* name : {"NRI_PLUGIN_NAME", "NRI_PLUGIN_IDX", "NRI_PLUGIN_SOCKET"}) unsetenv(name);
  }
  base::UniqueFd runtime_end_;
};

TEST_F(Launched, TakesNameIndexAndSocketFromTheEnvironmentAndEndsWithTheConnection) {
  auto from_environment = fromEnvironment(options());
  ASSERT_TRUE(from_environment) << from_environment.error().message;
  auto runtime = std::make_unique<FakeRuntime>(std::move(runtime_end_), fake::likeContainerd219());
  startPlugin(std::move(*from_environment));
  ASSERT_TRUE(runtime->waitForPlugins(1));
  EXPECT_EQ(runtime->plugins().front().name, "launched");
  EXPECT_EQ(runtime->plugins().front().index, "07");
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  runtime.reset();
  EXPECT_TRUE(waitForState(PluginState::Stopped));
  EXPECT_THAT(handler_.heard(), Contains("disconnected"));
}

// nri#43: up to 0.6.1 a launched plugin gets no Synchronize, but events.
TEST_F(Launched, ByAnOldRuntimeIsConnectedWithoutSynchronize) {
  auto from_environment = fromEnvironment(options());
  ASSERT_TRUE(from_environment);
  auto old = fake::likeContainerd1724();
  old.sends_sync = false;
  FakeRuntime runtime(std::move(runtime_end_), old);
  startPlugin(std::move(*from_environment));
  ASSERT_TRUE(waitForState(PluginState::Synchronized));
  EXPECT_THAT(handler_.heard(), ElementsAre("configure containerd", "connected"));
  ASSERT_TRUE(runtime.waitForPlugins(1));
  auto pod = samplePod(1);
  EXPECT_TRUE(runtime.createContainer(pod, sampleContainer(pod)));
  EXPECT_THAT(handler_.heard(), Contains("CreateContainer web-1/app"));
}

TEST_F(Launched, ASocketThatIsNoneIsRefused) {
  base::UniqueFd ours(atoi(getenv("NRI_PLUGIN_SOCKET")));
  for (const char* bad : {"x", "-1", "0777", "999999", ""}) {
    setenv("NRI_PLUGIN_SOCKET", bad, 1);
    EXPECT_FALSE(fromEnvironment(options())) << bad;
  }
}

}  // namespace
}  // namespace plimsoll::nri
