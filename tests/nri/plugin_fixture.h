// A plugin on a loop's thread with a handler that writes down what it hears, and a socket path of its own.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/nri/plugin.h"
#include "tests/support/fake_runtime/fake_runtime.h"
#include "tests/support/fake_runtime/loop_thread.h"

namespace plimsoll::nri {

using fake::FakeRuntime;
using fake::RuntimeOptions;
using fake::sampleContainer;
using fake::samplePod;

// Every event in order, as "Event pod/container". The functions, where set, decide the answers; they are
// called on the loop's thread.
class RecordingHandler : public Handler {
 public:
  EventMask wanted = kEventsSince010;
  std::function<Result<std::vector<api::ContainerUpdate>>(const Snapshot&)> on_synchronize;
  std::function<Result<api::CreateContainerResponse>(const api::PodSandbox&, const api::Container&,
                                                     const CallInfo&)>
      on_create;
  std::function<Result<api::UpdateContainerResponse>(const api::LinuxResources&)> on_update;
  std::function<Status(std::string_view event)> on_notice;

  std::vector<std::string> heard() const;
  int timesConnected() const;

  EventMask configure(const RuntimeInfo& runtime) override;
  Result<std::vector<api::ContainerUpdate>> synchronize(const Snapshot& snapshot,
                                                        const CallInfo& call) override;
  void connected() override;
  void disconnected(std::string_view reason) override;
  void shutdown() override;
  void missed(Event event, const api::PodSandbox& pod, const api::Container& container,
              std::chrono::nanoseconds waited) override;
  Result<api::CreateContainerResponse> createContainer(const api::PodSandbox& pod,
                                                       const api::Container& container,
                                                       const CallInfo& call) override;
  Result<api::UpdateContainerResponse> updateContainer(const api::PodSandbox& pod,
                                                       const api::Container& container,
                                                       const api::LinuxResources& resources,
                                                       const CallInfo& call) override;
  Result<api::StopContainerResponse> stopContainer(const api::PodSandbox& pod,
                                                   const api::Container& container,
                                                   const CallInfo& call) override;
  Result<api::ValidateContainerAdjustmentResponse> validateContainerAdjustment(
      const api::ValidateContainerAdjustmentRequest& request, const CallInfo& call) override;
  Status updatePodSandbox(const api::UpdatePodSandboxRequest& request) override;
  Status runPodSandbox(const api::PodSandbox& pod) override;
  Status stopPodSandbox(const api::PodSandbox& pod) override;
  Status removePodSandbox(const api::PodSandbox& pod) override;
  Status postUpdatePodSandbox(const api::PodSandbox& pod) override;
  Status postCreateContainer(const api::PodSandbox& pod, const api::Container& container) override;
  Status startContainer(const api::PodSandbox& pod, const api::Container& container) override;
  Status postStartContainer(const api::PodSandbox& pod, const api::Container& container) override;
  Status postUpdateContainer(const api::PodSandbox& pod, const api::Container& container) override;
  Status removeContainer(const api::PodSandbox& pod, const api::Container& container) override;

 private:
  Status note(std::string event, const api::PodSandbox* pod = nullptr,
              const api::Container* container = nullptr);
  mutable std::mutex mutex_;
  std::vector<std::string> heard_;  // guarded by mutex_
};

class PluginTest : public testing::Test {
 protected:
  PluginTest();
  ~PluginTest() override;

  PluginOptions options() const;
  void startPlugin();
  void startPlugin(PluginOptions options);
  void stopPlugin();

  bool waitForState(PluginState state, std::chrono::milliseconds limit = std::chrono::seconds(5));
  PluginStats stats();
  PluginState state();
  RuntimeInfo runtimeSeen();
  // UpdateContainers from the loop, outside of any handler.
  Result<std::vector<api::ContainerUpdate>> update(std::vector<api::ContainerUpdate> updates);

  std::string dir_;
  std::string path_;
  RecordingHandler handler_;
  fake::LoopThread thread_;
  std::unique_ptr<Plugin> plugin_;
};

api::ContainerUpdate memoryHigh(const std::string& container_id, const std::string& value = "1048576");

}  // namespace plimsoll::nri
