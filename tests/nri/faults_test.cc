// A runtime that is broken, torn or hostile: costs at most the connection, never the process.
#include <sys/socket.h>

#include <random>

#include "pkg/nri/mux.h"
#include "pkg/ttrpc/envelope.h"
#include "tests/nri/plugin_fixture.h"

namespace plimsoll::nri {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;
using fake::GoLink;

constexpr auto kPlugin = "nri.pkg.api.v1alpha1.Plugin";

std::string mux(uint32_t stream, std::string_view payload) {
  auto header = encodeMuxHeader(stream, static_cast<uint32_t>(payload.size()));
  return std::string(header.data(), header.size()) + std::string(payload);
}

std::string configureMessage(uint32_t id = 1) {
  api::ConfigureRequest request;
  request.set_runtime_name("containerd");
  request.set_runtime_version("2.1.9");
  return *ttrpc::encodeRequest(
      id, {.service = kPlugin, .method = "Configure", .payload = request.SerializeAsString()});
}

class Faults : public PluginTest {
 protected:
  ~Faults() override { stopPlugin(); }

  // A runtime that does `script` to the first connections and then behaves; the plugin must get through to
  // it.
  void expectSurvives(int bad_connections, std::function<void(GoLink&, int)> script) {
    auto seen = std::make_shared<std::atomic<int>>(0);
    auto bad = std::make_unique<FakeRuntime>(path_, RuntimeOptions{}, [=](GoLink& link) {
      if (int n = *seen; n < bad_connections) script(link, n);
      link.close();
      ++*seen;
    });
    if (!plugin_) startPlugin();
    ASSERT_TRUE(thread_.waitFor([&] { return seen->load() >= bad_connections; }, 20s));
    bad.reset();
    FakeRuntime good(path_, fake::likeContainerd219());
    ASSERT_TRUE(good.waitForPlugins(1));
    auto pod = samplePod(1);
    EXPECT_TRUE(good.createContainer(pod, sampleContainer(pod)));
    EXPECT_TRUE(thread_.waitFor([&] { return plugin_->stats().of(Event::CreateContainer).count > 0; }));
  }
};

TEST_F(Faults, EveryTruncatedFrameThenClose) {
  std::string bytes = mux(1, configureMessage());
  auto size = static_cast<int>(bytes.size());
  auto fast = options();
  fast.backoff_max = 5ms;
  startPlugin(std::move(fast));
  expectSurvives(size, [&](GoLink& link, int n) { link.sendRaw(std::string_view(bytes).substr(0, n)); });
}

TEST_F(Faults, RandomBytes) {
  auto fast = options();
  fast.backoff_max = 5ms;
  startPlugin(std::move(fast));
  expectSurvives(40, [](GoLink& link, int n) {
    std::mt19937 random(n);
    std::string bytes;
    for (int i = 0; i < 5000; ++i) bytes.push_back(static_cast<char>(random()));
    link.sendRaw(n % 2 == 0 ? bytes : mux(1, bytes));
    link.waitClosed(5ms);
  });
}

TEST_F(Faults, AMultiplexerFrameOver16MiBEndsTheConnection) {
  std::atomic<bool> closed{false};
  expectSurvives(1, [&](GoLink& link, int) {
    auto header = encodeMuxHeader(1, kMuxMaxFrame + 1);
    link.sendRaw({header.data(), header.size()});
    closed = link.waitClosed(2s);
  });
  EXPECT_TRUE(closed);
}

TEST_F(Faults, ClosesInTheMiddleOfAnything) {
  expectSurvives(4, [](GoLink& link, int n) {
    if (n == 0) return;
    link.sendMessage(1, configureMessage());
    if (n == 1) return;
    std::this_thread::sleep_for(10ms);
    std::string sync = *ttrpc::encodeRequest(3, {.service = kPlugin, .method = "Synchronize"});
    link.sendMessage(1, n == 2 ? sync.substr(0, 5) : sync);
  });
}

TEST_F(Faults, NeverAnswersTheRegistration) {
  auto impatient = options();
  impatient.register_timeout = 50ms;
  startPlugin(std::move(impatient));
  std::atomic<int> closed_by_plugin{0};
  expectSurvives(2, [&](GoLink& link, int) { closed_by_plugin += link.waitClosed(2s); });
  EXPECT_EQ(closed_by_plugin, 2);
}

TEST_F(Faults, AcceptsTheRegistrationAndNeverConfigures) {
  auto impatient = options();
  impatient.register_timeout = 50ms;
  startPlugin(std::move(impatient));
  std::atomic<bool> closed{false};
  expectSurvives(1, [&](GoLink& link, int) {
    link.sendMessage(2, *ttrpc::encodeResponse(1, ""));
    closed = link.waitClosed(2s);
  });
  EXPECT_TRUE(closed);
}

TEST_F(Faults, RefusesTheRegistration) {
  std::atomic<bool> closed{false};
  expectSurvives(1, [&](GoLink& link, int) {
    link.sendMessage(2, ttrpc::encodeError(1, {ErrorCode::PermissionDenied, "go away"}));
    closed = link.waitClosed(2s);
  });
  EXPECT_TRUE(closed);
}

TEST_F(Faults, UnknownStreamsEmptyFramesAndSingleBytesAreReadThrough) {
  std::atomic<bool> answered{false};
  expectSurvives(1, [&](GoLink& link, int) {
    link.sendFrame(0, "zero");
    link.sendFrame(7, std::string(100'000, 'x'));
    link.sendFrame(1, "");
    for (char c : configureMessage(link.nextStreamId())) link.sendFrame(1, {&c, 1});
    answered = !link.call("Nope", "", 2s).error().message.empty();
  });
  EXPECT_TRUE(answered);
}

TEST_F(Faults, AnswersToCallsThatWereNeverMadeAreIgnored) {
  std::atomic<int> codes{0};
  expectSurvives(1, [&](GoLink& link, int) {
    link.sendMessage(2, *ttrpc::encodeResponse(99, "who?"));
    link.sendMessage(2, *ttrpc::encodeResponse(2, ""));
    link.sendMessage(2, configureMessage());  // a request where answers belong
    link.sendMessage(1, *ttrpc::encodeResponse(1, ""));
    codes = static_cast<int>(link.call("Nope", "", 2s).error().code);
  });
  EXPECT_EQ(codes, static_cast<int>(ErrorCode::Unimplemented));
}

TEST_F(Faults, AnOversizeMessageIsRefusedAndTheNextOneServed) {
  std::atomic<int> code{0};
  expectSurvives(1, [&](GoLink& link, int) {
    auto header =
        ttrpc::encodeHeader({.length = ttrpc::kMaxData + 1, .stream_id = link.nextStreamId(), .type = 1});
    link.sendFrame(1, {header.data(), header.size()});
    link.sendFrame(1, std::string(ttrpc::kMaxData + 1, 'x'));
    code = static_cast<int>(link.call("Nope", "", 5s).error().code);
  });
  EXPECT_EQ(code, static_cast<int>(ErrorCode::Unimplemented));
  EXPECT_GE(stats().protocol_errors, 1u);
}

TEST_F(Faults, EventsBeforeConfigureAreRefusedAndNeverReachTheHandler) {
  std::vector<ErrorCode> codes;
  bool run_pod_ok = false;
  expectSurvives(1, [&](GoLink& link, int) {
    for (const char* method : {"CreateContainer", "StartContainer", "Synchronize"}) {
      codes.push_back(link.call(method, "", 2s).error().code);
    }
    run_pod_ok = link.call("RunPodSandbox", "", 2s).has_value();
  });
  EXPECT_THAT(codes, testing::ElementsAre(ErrorCode::FailedPrecondition, ErrorCode::FailedPrecondition,
                                          ErrorCode::FailedPrecondition));
  EXPECT_TRUE(run_pod_ok);
  EXPECT_EQ(stats().of(Event::RunPodSandbox).count, 0u);
}

TEST_F(Faults, ASnapshotWithoutEndCostsTheConnection) {
  auto small = options();
  small.max_snapshot_bytes = 1U << 20;
  startPlugin(std::move(small));
  std::atomic<bool> closed{false};
  expectSurvives(1, [&](GoLink& link, int) {
    (void)link.call("Configure", "", 2s);
    api::SynchronizeRequest part;
    for (int i = 0; i < 200; ++i) *part.add_pods() = samplePod(i);
    part.set_more(true);
    std::string bytes = part.SerializeAsString();
    for (int i = 0; i < 100 && !link.closed(); ++i) (void)link.call("Synchronize", bytes, 2s);
    closed = link.closed();
  });
  EXPECT_TRUE(closed);
}

// What waits for a runtime that does not read is bounded.
TEST_F(Faults, ARuntimeThatDoesNotReadCostsTheConnection) {
  handler_.on_create = [](const api::PodSandbox&, const api::Container&, const CallInfo&) {
    api::CreateContainerResponse answer;
    (*answer.mutable_adjust()->mutable_annotations())["note"] = std::string(1U << 20, 'n');
    return answer;
  };
  auto [ours, theirs] = [] {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    return std::pair(base::UniqueFd(pair[0]), base::UniqueFd(pair[1]));
  }();
  auto launched = options();
  launched.connected = std::move(ours);
  startPlugin(std::move(launched));
  auto send_all = [&, fd = theirs.get()](const std::string& bytes) {
    return send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  };
  send_all(mux(1, configureMessage(1)));
  for (uint32_t id = 3; id < 60; id += 2) {
    send_all(mux(1, *ttrpc::encodeRequest(id, {.service = kPlugin, .method = "CreateContainer"})));
  }
  EXPECT_TRUE(waitForState(PluginState::Stopped));
  EXPECT_THAT(stats().last_error, testing::HasSubstr("does not read"));
}

TEST_F(Faults, AFloodOfCallsIsServed) {
  FakeRuntime runtime(path_, fake::likeContainerd219());
  startPlugin();
  ASSERT_TRUE(runtime.waitForPlugins(1));
  auto pod = samplePod(1);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(runtime.createContainer(pod, sampleContainer(pod)));
  EXPECT_EQ(stats().of(Event::CreateContainer).count, 2000u);
  EXPECT_EQ(stats().lost_sessions, 0u);
}

}  // namespace
}  // namespace plimsoll::nri
