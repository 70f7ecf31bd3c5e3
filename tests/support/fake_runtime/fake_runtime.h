// A container runtime's NRI side in this process, with the habits of the Go code that matter to a plugin: one
// plugin served at a time, Configure racing the registration's answer, the event mask checked by release, a
// shared budget for a split Synchronize, events one at a time, a late plugin dropped while the operation goes
// on without it, dead links in old releases. Not a copy of the runtime: it keeps no pods of its own.
//
//   FakeRuntime runtime({.socket_path = path}, likeContainerd219());
//   ... start the plugin ...
//   ASSERT_TRUE(runtime.waitForPlugins(1));
//   auto answer = runtime.createContainer(pod, container);
//
// Any thread may call.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pkg/base/result.h"
#include "proto/nri/v1alpha1/nri.pb.h"
#include "tests/support/fake_runtime/go_link.h"
#include "tests/support/fake_runtime/samples.h"

namespace plimsoll::fake {

using base::Status;

struct RuntimeOptions {
  std::string name = "containerd";
  std::string version = "2.1.9";
  std::string nri_version;  // as NRI 0.12 and later send it
  uint32_t valid_events = 0x07FF;
  bool dedicated_rpcs = false;            // NRI 0.12 and later, instead of StateChange
  bool splits_sync = true;                // NRI 0.8 and later
  bool zombie_after_failed_sync = false;  // NRI 0.6.1 and before: the link stays open and is never used again
  bool configure_before_reply = true;     // Configure overtakes the answer to RegisterPlugin
  std::chrono::milliseconds registration_timeout{5000};
  std::chrono::milliseconds request_timeout{2000};
  std::chrono::milliseconds sync_delay{0};    // a stop in progress delays the registration
  std::chrono::milliseconds update_delay{0};  // before an UpdateContainers call is answered
  bool sends_sync = true;                     // false for plugins that an old runtime launched
  size_t max_message = 4U << 20;
};

RuntimeOptions likeContainerd1724();  // NRI 0.6.1
RuntimeOptions likeContainerd219();   // NRI 0.8.0
RuntimeOptions likeContainerd220();   // NRI 0.10.0
RuntimeOptions likeContainerd24();    // NRI 0.12.1

struct ConnectedPlugin {
  std::string name;
  std::string index;
  std::string nri_version;
  uint32_t events = 0;
  bool falls_back = false;       // answered UNIMPLEMENTED: gets StateChange
  std::shared_ptr<GoLink> link;  // shared with the thread that accepted it
};

class FakeRuntime {
 public:
  // Takes over a connection instead of the usual conduct; for faults.
  using Script = std::function<void(GoLink& link)>;

  FakeRuntime(std::string socket_path, RuntimeOptions options, Script script = {});
  // For a plugin that the runtime launched: `fd` is the runtime's end.
  FakeRuntime(base::UniqueFd fd, RuntimeOptions options);
  // Closes every connection and the socket, as a runtime that dies.
  ~FakeRuntime();

  // What Synchronize tells; before plugins connect.
  void setState(std::vector<api::PodSandbox> pods, std::vector<api::Container> containers);

  // Registered, configured and synchronized plugins.
  bool waitForPlugins(size_t count, std::chrono::milliseconds limit = std::chrono::seconds(5));
  std::vector<ConnectedPlugin> plugins() const;
  int connections() const { return connections_; }
  // Why setting up a plugin failed, in order.
  std::vector<std::string> failures() const;
  // The updates of the last Synchronize answer, and how many messages it took.
  std::vector<api::ContainerUpdate> syncUpdates() const;
  int syncMessages() const { return sync_messages_; }
  // UpdateContainers calls received.
  std::vector<api::UpdateContainersRequest> updateCalls() const;
  void failUpdates(std::vector<api::ContainerUpdate> failed);

  // Events go to every plugin that asked, one after another; the first error ends the chain. The last
  // plugin's answer is returned, an empty one if there is none. A plugin that is late or gone is dropped
  // without an error.
  Result<api::CreateContainerResponse> createContainer(const api::PodSandbox& pod,
                                                       const api::Container& container);
  Result<api::UpdateContainerResponse> updateContainer(const api::PodSandbox& pod,
                                                       const api::Container& container,
                                                       const api::LinuxResources& resources);
  Result<api::StopContainerResponse> stopContainer(const api::PodSandbox& pod,
                                                   const api::Container& container);
  Status updatePodSandbox(const api::UpdatePodSandboxRequest& request);
  Result<api::ValidateContainerAdjustmentResponse> validate(
      const api::ValidateContainerAdjustmentRequest& request);
  // Any of the events that are notices.
  Status notify(api::Event event, const api::PodSandbox& pod, const api::Container& container = {});

  // Drops every plugin, as a restart does, and goes on listening.
  void dropPlugins();

 private:
  void acceptLoop();
  void serve(base::UniqueFd fd);
  bool setUp(ConnectedPlugin& plugin, const std::shared_ptr<struct Registration>& registration);
  bool configure(ConnectedPlugin& plugin);
  bool synchronize(ConnectedPlugin& plugin);
  bool fail(ConnectedPlugin& plugin, const std::string& why, bool leave_open = false);
  Result<std::string> serveCall(struct Registration& registration, const std::string& method,
                                const std::string& payload);
  Result<std::string> deliver(api::Event event, std::string_view method, const std::string& payload);
  Result<std::string> deliverNotice(ConnectedPlugin& plugin, api::Event event, const std::string& payload,
                                    const std::string& state_change);

  std::string socket_path_;
  RuntimeOptions options_;
  Script script_;
  base::UniqueFd listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::atomic<int> sync_messages_{0};
  std::mutex events_mutex_;  // one event, or one UpdateContainers call, at a time
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_:
  std::vector<std::shared_ptr<GoLink>> links_;
  std::vector<ConnectedPlugin> plugins_;
  std::vector<std::string> failures_;
  std::vector<api::PodSandbox> pods_;
  std::vector<api::Container> containers_;
  std::vector<api::ContainerUpdate> sync_updates_;
  std::vector<api::UpdateContainersRequest> update_calls_;
  std::vector<api::ContainerUpdate> failed_updates_;
  std::thread thread_;
};

}  // namespace plimsoll::fake
