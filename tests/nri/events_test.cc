// Every event by every RPC that carries it, and what an error does.
#include "pkg/ttrpc/envelope.h"
#include "tests/nri/plugin_fixture.h"

namespace plimsoll::nri {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Events : public PluginTest {
 protected:
  void start(const RuntimeOptions& options) {
    runtime_ = std::make_unique<FakeRuntime>(path_, options);
    startPlugin();
    ASSERT_TRUE(runtime_->waitForPlugins(1)) << testing::PrintToString(runtime_->failures());
    ASSERT_TRUE(waitForState(PluginState::Synchronized));
  }
  ~Events() override { stopPlugin(); }

  api::PodSandbox pod_ = samplePod(1);
  api::Container container_ = sampleContainer(pod_);
  std::unique_ptr<FakeRuntime> runtime_;
};

struct Notice {
  api::Event event;
  bool of_container;
  const char* heard;
};
constexpr Notice kNotices[] = {
    {api::EVENT_RUN_POD_SANDBOX, false, "RunPodSandbox web-1"},
    {api::EVENT_STOP_POD_SANDBOX, false, "StopPodSandbox web-1"},
    {api::EVENT_REMOVE_POD_SANDBOX, false, "RemovePodSandbox web-1"},
    {api::EVENT_POST_CREATE_CONTAINER, true, "PostCreateContainer web-1/app"},
    {api::EVENT_START_CONTAINER, true, "StartContainer web-1/app"},
    {api::EVENT_POST_START_CONTAINER, true, "PostStartContainer web-1/app"},
    {api::EVENT_POST_UPDATE_CONTAINER, true, "PostUpdateContainer web-1/app"},
    {api::EVENT_REMOVE_CONTAINER, true, "RemoveContainer web-1/app"},
};

TEST_F(Events, NoticesComeByStateChangeFromOldRuntimes) {
  start(fake::likeContainerd1724());
  for (const Notice& notice : kNotices) {
    EXPECT_TRUE(runtime_->notify(notice.event, pod_, notice.of_container ? container_ : api::Container()));
    EXPECT_THAT(handler_.heard(), Contains(notice.heard));
    EXPECT_EQ(stats().of(static_cast<Event>(notice.event)).count, 1u);
  }
}

TEST_F(Events, NoticesComeByTheirOwnRpcFromNri012On) {
  start(fake::likeContainerd24());
  for (const Notice& notice : kNotices) {
    EXPECT_TRUE(runtime_->notify(notice.event, pod_, notice.of_container ? container_ : api::Container()));
    EXPECT_THAT(handler_.heard(), Contains(notice.heard));
  }
  EXPECT_TRUE(runtime_->notify(api::EVENT_POST_UPDATE_POD_SANDBOX, pod_));
  EXPECT_THAT(handler_.heard(), Contains("PostUpdatePodSandbox web-1"));
  EXPECT_FALSE(runtime_->plugins().front().falls_back);
}

TEST_F(Events, StateChangesThatAreNotNoticesOrAreToComeAreAnsweredAndIgnored) {
  start(fake::likeContainerd24());
  auto link = runtime_->plugins().front().link;
  for (int event : {0, 4, 8, 10, 12, 14, 15, 99, -1}) {
    api::StateChangeEvent request;
    request.set_event(static_cast<api::Event>(event));
    EXPECT_TRUE(link->call("StateChange", request.SerializeAsString(), std::chrono::seconds(2))) << event;
  }
  EXPECT_THAT(handler_.heard(), testing::SizeIs(3)) << "configure, synchronize, connected";
}

TEST_F(Events, CreateContainerCarriesTheAdjustment) {
  handler_.on_create = [](const api::PodSandbox& pod, const api::Container&, const CallInfo& call) {
    EXPECT_GT(call.remaining().count(), 0);
    EXPECT_EQ(call.budget, std::chrono::seconds(2));
    api::CreateContainerResponse answer;
    auto* resources = answer.mutable_adjust()->mutable_linux()->mutable_resources();
    (*resources->mutable_unified())["cpu.weight"] = pod.annotations().at("weight");
    return answer;
  };
  start(fake::likeContainerd219());
  (*pod_.mutable_annotations())["weight"] = "321";
  auto answer = runtime_->createContainer(pod_, container_);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->adjust().linux().resources().unified().at("cpu.weight"), "321");
}

TEST_F(Events, UpdateAndStopMayChangeContainers) {
  handler_.on_update = [this](const api::LinuxResources& resources) {
    EXPECT_EQ(resources.cpu().shares().value(), 77u);
    api::UpdateContainerResponse answer;
    *answer.add_update() = memoryHigh(container_.id());
    return answer;
  };
  start(fake::likeContainerd219());
  api::LinuxResources resources;
  resources.mutable_cpu()->mutable_shares()->set_value(77);
  auto answer = runtime_->updateContainer(pod_, container_, resources);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->update(0).container_id(), container_.id());
  EXPECT_TRUE(runtime_->stopContainer(pod_, container_));
  EXPECT_THAT(handler_.heard(), Contains("StopContainer web-1/app"));
}

TEST_F(Events, PodUpdatesAndValidationFromNri010On) {
  start(fake::likeContainerd220());
  api::UpdatePodSandboxRequest update;
  *update.mutable_pod() = pod_;
  EXPECT_TRUE(runtime_->updatePodSandbox(update));
  EXPECT_THAT(handler_.heard(), Contains("UpdatePodSandbox web-1"));
  api::ValidateContainerAdjustmentRequest request;
  *request.mutable_pod() = pod_;
  request.mutable_adjust()->add_args("sh");
  auto answer = runtime_->validate(request);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->reject());
}

TEST_F(Events, ErrorsThatMeanSomethingToTheRuntimeAreSent) {
  auto refuse = [](auto&&...) { return base::error(base::ErrorCode::PermissionDenied, "not allowed here"); };
  handler_.on_create = refuse;
  handler_.on_update = refuse;
  handler_.on_notice = [](std::string_view event) -> Status {
    if (event != "StartContainer" && event != "UpdatePodSandbox") return base::ok();
    return base::error(base::ErrorCode::PermissionDenied, "not allowed here");
  };
  start(fake::likeContainerd220());
  EXPECT_EQ(runtime_->createContainer(pod_, container_).error().message, "not allowed here");
  EXPECT_EQ(runtime_->updateContainer(pod_, container_, {}).error().message, "not allowed here");
  EXPECT_EQ(runtime_->notify(api::EVENT_START_CONTAINER, pod_, container_).error().message,
            "not allowed here");
  api::UpdatePodSandboxRequest update;
  *update.mutable_pod() = pod_;
  EXPECT_EQ(runtime_->updatePodSandbox(update).error().message, "not allowed here");
  EXPECT_EQ(runtime_->plugins().size(), 1u) << "an error costs no connection";
}

// RunPodSandbox: containerd#13609. The others: plugins behind us would not hear of the event.
TEST_F(Events, NoErrorIsEverSentFromRunPodSandboxAndTheMereNotices) {
  handler_.on_notice = [](std::string_view event) -> Status {
    if (event == "connected" || event.starts_with("configure")) return base::ok();
    return base::error(base::ErrorCode::Internal, "refused");
  };
  for (const RuntimeOptions& options : {fake::likeContainerd219(), fake::likeContainerd24()}) {
    start(options);
    for (const Notice& notice : kNotices) {
      if (notice.event == api::EVENT_START_CONTAINER) continue;
      EXPECT_TRUE(runtime_->notify(notice.event, pod_, notice.of_container ? container_ : api::Container()))
          << notice.heard;
    }
    EXPECT_TRUE(runtime_->stopContainer(pod_, container_));
    EXPECT_EQ(stats().of(Event::RunPodSandbox).errors, 1u);
    stopPlugin();
    runtime_.reset();
  }
}

TEST_F(Events, AHandlerThatThrowsIsAnError) {
  handler_.on_create = [](const api::PodSandbox&, const api::Container&,
                          const CallInfo&) -> Result<api::CreateContainerResponse> {
    throw std::runtime_error("bug");
  };
  start(fake::likeContainerd219());
  EXPECT_THAT(runtime_->createContainer(pod_, container_).error().message, HasSubstr("bug"));
  handler_.on_create = nullptr;
  EXPECT_TRUE(runtime_->createContainer(pod_, container_));
}

TEST_F(Events, UnknownMethodsAndServicesAreUnimplemented) {
  start(fake::likeContainerd219());
  auto link = runtime_->plugins().front().link;
  auto answer = link->call("SomethingToCome", "", std::chrono::seconds(2));
  EXPECT_EQ(answer.error().code, base::ErrorCode::Unimplemented);
}

// containerd 2.2 and later attach trace ids; fields to come are in no .proto of ours.
TEST_F(Events, MetadataAndUnknownFieldsAreIgnored) {
  start(fake::likeContainerd219());
  auto link = runtime_->plugins().front().link;
  api::CreateContainerRequest create;
  *create.mutable_pod() = pod_;
  *create.mutable_container() = container_;
  std::string payload = create.SerializeAsString() + std::string("\xFA\x3F\x03xyz", 6);  // field 1023
  uint32_t id = link->nextStreamId();
  std::string message = *ttrpc::encodeRequest(
      id, {.service = "nri.pkg.api.v1alpha1.Plugin", .method = "CreateContainer", .payload = payload});
  message += std::string(
      "\x2A\x14\x0A\x0Btraceparent\x12\x05"
      "00-ab",
      22);
  auto header = ttrpc::encodeHeader(
      {.length = static_cast<uint32_t>(message.size() - ttrpc::kHeaderSize), .stream_id = id, .type = 1});
  message.replace(0, header.size(), header.data(), header.size());
  ASSERT_TRUE(link->sendMessage(1, message));
  EXPECT_TRUE(thread_.waitFor([&] { return plugin_->stats().of(Event::CreateContainer).count == 1; }));
  EXPECT_EQ(stats().protocol_errors, 0u);
}

TEST_F(Events, ShutdownReachesTheHandler) {
  start(fake::likeContainerd219());
  auto link = runtime_->plugins().front().link;
  EXPECT_TRUE(link->call("Shutdown", "", std::chrono::seconds(2)));
  EXPECT_THAT(handler_.heard(), Contains("shutdown"));
}

TEST_F(Events, AnUndecodablePayloadIsAnErrorExceptForRunPodSandbox) {
  start(fake::likeContainerd24());
  auto link = runtime_->plugins().front().link;
  for (const char* method : {"CreateContainer", "UpdateContainer", "StopContainer", "StartContainer",
                             "UpdatePodSandbox", "ValidateContainerAdjustment", "StateChange"}) {
    auto answer = link->call(method, "\x0A\xFF", std::chrono::seconds(2));
    ASSERT_FALSE(answer) << method;
    EXPECT_EQ(answer.error().code, base::ErrorCode::Internal) << method;
  }
  EXPECT_TRUE(link->call("RunPodSandbox", "\x0A\xFF", std::chrono::seconds(2)));
  EXPECT_TRUE(runtime_->createContainer(pod_, container_));
}

}  // namespace
}  // namespace plimsoll::nri
