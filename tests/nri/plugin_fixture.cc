#include "tests/nri/plugin_fixture.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <future>

namespace plimsoll::nri {

using namespace std::chrono_literals;

std::vector<std::string> RecordingHandler::heard() const {
  std::lock_guard lock(mutex_);
  return heard_;
}

int RecordingHandler::timesConnected() const {
  auto events = heard();
  return static_cast<int>(std::count(events.begin(), events.end(), "connected"));
}

Status RecordingHandler::note(std::string event, const api::PodSandbox* pod,
                              const api::Container* container) {
  std::string text = event;
  if (pod) text += " " + pod->name();
  if (container && !container->name().empty()) text += "/" + container->name();
  {
    std::lock_guard lock(mutex_);
    heard_.push_back(text);
  }
  return on_notice ? on_notice(event) : base::ok();
}

EventMask RecordingHandler::configure(const RuntimeInfo& runtime) {
  (void)note("configure " + runtime.name);
  return wanted;
}

Result<std::vector<api::ContainerUpdate>> RecordingHandler::synchronize(const Snapshot& snapshot,
                                                                        const CallInfo&) {
  (void)note("synchronize " + std::to_string(snapshot.pods.size()) + "+" +
             std::to_string(snapshot.containers.size()));
  if (on_synchronize) return on_synchronize(snapshot);
  return std::vector<api::ContainerUpdate>{};
}

void RecordingHandler::connected() { (void)note("connected"); }
void RecordingHandler::disconnected(std::string_view) { (void)note("disconnected"); }
void RecordingHandler::shutdown() { (void)note("shutdown"); }

void RecordingHandler::missed(Event, const api::PodSandbox& pod, const api::Container& container,
                              std::chrono::nanoseconds) {
  (void)note("missed", &pod, &container);
}

Result<api::CreateContainerResponse> RecordingHandler::createContainer(const api::PodSandbox& pod,
                                                                       const api::Container& container,
                                                                       const CallInfo& call) {
  (void)note("CreateContainer", &pod, &container);
  if (on_create) return on_create(pod, container, call);
  return api::CreateContainerResponse{};
}

Result<api::UpdateContainerResponse> RecordingHandler::updateContainer(const api::PodSandbox& pod,
                                                                       const api::Container& container,
                                                                       const api::LinuxResources& resources,
                                                                       const CallInfo&) {
  (void)note("UpdateContainer", &pod, &container);
  if (on_update) return on_update(resources);
  return api::UpdateContainerResponse{};
}

Result<api::StopContainerResponse> RecordingHandler::stopContainer(const api::PodSandbox& pod,
                                                                   const api::Container& container,
                                                                   const CallInfo&) {
  RETURN_IF_ERROR(note("StopContainer", &pod, &container));
  return api::StopContainerResponse{};
}

Result<api::ValidateContainerAdjustmentResponse> RecordingHandler::validateContainerAdjustment(
    const api::ValidateContainerAdjustmentRequest& request, const CallInfo&) {
  RETURN_IF_ERROR(note("ValidateContainerAdjustment", &request.pod(), &request.container()));
  api::ValidateContainerAdjustmentResponse answer;
  answer.set_reject(request.adjust().args_size() > 0);
  answer.set_reason("args are not to be changed");
  return answer;
}

Status RecordingHandler::updatePodSandbox(const api::UpdatePodSandboxRequest& request) {
  return note("UpdatePodSandbox", &request.pod());
}
Status RecordingHandler::runPodSandbox(const api::PodSandbox& pod) { return note("RunPodSandbox", &pod); }
Status RecordingHandler::stopPodSandbox(const api::PodSandbox& pod) { return note("StopPodSandbox", &pod); }
Status RecordingHandler::removePodSandbox(const api::PodSandbox& pod) {
  return note("RemovePodSandbox", &pod);
}
Status RecordingHandler::postUpdatePodSandbox(const api::PodSandbox& pod) {
  return note("PostUpdatePodSandbox", &pod);
}
Status RecordingHandler::postCreateContainer(const api::PodSandbox& pod, const api::Container& container) {
  return note("PostCreateContainer", &pod, &container);
}
Status RecordingHandler::startContainer(const api::PodSandbox& pod, const api::Container& container) {
  return note("StartContainer", &pod, &container);
}
Status RecordingHandler::postStartContainer(const api::PodSandbox& pod, const api::Container& container) {
  return note("PostStartContainer", &pod, &container);
}
Status RecordingHandler::postUpdateContainer(const api::PodSandbox& pod, const api::Container& container) {
  return note("PostUpdateContainer", &pod, &container);
}
Status RecordingHandler::removeContainer(const api::PodSandbox& pod, const api::Container& container) {
  return note("RemoveContainer", &pod, &container);
}

PluginTest::PluginTest() {
  char name[] = "/tmp/nri_test.XXXXXX";
  dir_ = mkdtemp(name);
  path_ = dir_ + "/nri/nri.sock";
  std::filesystem::create_directory(dir_ + "/nri");
}

PluginTest::~PluginTest() {
  stopPlugin();
  std::filesystem::remove_all(dir_);
}

PluginOptions PluginTest::options() const {
  PluginOptions options;
  options.name = "tester";
  options.index = "42";
  options.socket_path = path_;
  options.backoff_min = 5ms;
  options.backoff_max = 50ms;
  return options;
}

void PluginTest::startPlugin() { startPlugin(options()); }

void PluginTest::startPlugin(PluginOptions options) {
  thread_.run([&] {
    plugin_ = std::make_unique<Plugin>(thread_.loop(), std::move(options), handler_);
    auto started = plugin_->start();
    ASSERT_TRUE(started) << started.error().message;
  });
}

void PluginTest::stopPlugin() {
  thread_.run([&] { plugin_.reset(); });
}

bool PluginTest::waitForState(PluginState state, std::chrono::milliseconds limit) {
  return thread_.waitFor([&] { return plugin_->state() == state; }, limit);
}

PluginStats PluginTest::stats() {
  PluginStats stats;
  thread_.run([&] { stats = plugin_->stats(); });
  return stats;
}

PluginState PluginTest::state() {
  PluginState state;
  thread_.run([&] { state = plugin_->state(); });
  return state;
}

RuntimeInfo PluginTest::runtimeSeen() {
  RuntimeInfo info;
  thread_.run([&] {
    if (plugin_->runtime()) info = *plugin_->runtime();
  });
  return info;
}

Result<std::vector<api::ContainerUpdate>> PluginTest::update(std::vector<api::ContainerUpdate> updates) {
  std::promise<Result<std::vector<api::ContainerUpdate>>> answer;
  thread_.run([&] {
    plugin_->updateContainers(std::move(updates), [&](auto result) { answer.set_value(std::move(result)); });
  });
  return answer.get_future().get();
}

api::ContainerUpdate memoryHigh(const std::string& container_id, const std::string& value) {
  api::ContainerUpdate update;
  update.set_container_id(container_id);
  (*update.mutable_linux()->mutable_resources()->mutable_unified())["memory.high"] = value;
  return update;
}

}  // namespace plimsoll::nri
