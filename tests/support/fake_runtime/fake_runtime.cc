#include "tests/support/fake_runtime/fake_runtime.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "pkg/sys/unix_socket.h"

namespace plimsoll::fake {
namespace {

using base::ErrorCode;
using Clock = std::chrono::steady_clock;

bool lostPlugin(const base::Error& error) {
  return error.code == ErrorCode::DeadlineExceeded || error.code == ErrorCode::Unavailable;
}

std::string noticeMethod(api::Event event) {
  switch (event) {
    case api::EVENT_RUN_POD_SANDBOX:
      return "RunPodSandbox";
    case api::EVENT_STOP_POD_SANDBOX:
      return "StopPodSandbox";
    case api::EVENT_REMOVE_POD_SANDBOX:
      return "RemovePodSandbox";
    case api::EVENT_POST_UPDATE_POD_SANDBOX:
      return "PostUpdatePodSandbox";
    case api::EVENT_POST_CREATE_CONTAINER:
      return "PostCreateContainer";
    case api::EVENT_START_CONTAINER:
      return "StartContainer";
    case api::EVENT_POST_START_CONTAINER:
      return "PostStartContainer";
    case api::EVENT_POST_UPDATE_CONTAINER:
      return "PostUpdateContainer";
    case api::EVENT_REMOVE_CONTAINER:
      return "RemoveContainer";
    default:
      return "";
  }
}

template <typename T>
Result<T> decode(const Result<std::string>& bytes) {
  if (!bytes) return tl::make_unexpected(bytes.error());
  T message;
  if (!message.ParseFromString(*bytes)) return base::error(ErrorCode::Internal, "undecodable answer");
  return message;
}

}  // namespace

// What the plugin said of itself, shared by the thread that serves its calls and the one that sets it up.
struct Registration {
  std::mutex mutex;
  std::condition_variable changed;
  bool registered = false;
  bool configured = false;
  int calls = 0;
  api::RegisterPluginRequest request;
};

RuntimeOptions likeContainerd1724() {
  RuntimeOptions options;
  options.version = "1.7.24~ds1";
  options.splits_sync = false;
  options.zombie_after_failed_sync = true;
  return options;
}

RuntimeOptions likeContainerd219() { return {}; }

RuntimeOptions likeContainerd220() {
  RuntimeOptions options;
  options.version = "v2.2.0";
  options.valid_events = 0x3FFF;
  return options;
}

RuntimeOptions likeContainerd24() {
  RuntimeOptions options = likeContainerd220();
  options.version = "v2.4.0";
  options.nri_version = "v0.12.1";
  options.dedicated_rpcs = true;
  return options;
}

FakeRuntime::FakeRuntime(std::string socket_path, RuntimeOptions options, Script script)
    : socket_path_(std::move(socket_path)), options_(std::move(options)), script_(std::move(script)) {
  listener_ = std::move(sys::listenUnix(socket_path_).value());
  thread_ = std::thread([this] { acceptLoop(); });
}

FakeRuntime::FakeRuntime(base::UniqueFd fd, RuntimeOptions options) : options_(std::move(options)) {
  thread_ = std::thread([this, raw = fd.release()] { serve(base::UniqueFd(raw)); });
}

FakeRuntime::~FakeRuntime() {
  stopping_ = true;
  {
    std::lock_guard lock(mutex_);
    for (auto& link : links_) link->close("the runtime ended");
    changed_.notify_all();
  }
  thread_.join();
  if (!socket_path_.empty()) unlink(socket_path_.c_str());
}

void FakeRuntime::acceptLoop() {
  while (!stopping_) {
    pollfd ready{.fd = listener_.get(), .events = POLLIN};
    if (poll(&ready, 1, 10) <= 0) continue;
    base::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd.valid()) serve(std::move(fd));
  }
}

// One plugin at a time: who connects and stays silent keeps the others waiting, as in the runtime.
void FakeRuntime::serve(base::UniqueFd fd) {
  ++connections_;
  auto registration = std::make_shared<Registration>();
  ConnectedPlugin plugin;
  plugin.link = std::make_shared<GoLink>(
      std::move(fd), [this, registration](const std::string& method, const std::string& payload) {
        return serveCall(*registration, method, payload);
      });
  {
    std::lock_guard lock(mutex_);
    links_.push_back(plugin.link);
  }
  if (stopping_) return plugin.link->close();
  if (script_) return script_(*plugin.link);
  if (!setUp(plugin, registration)) return;
  std::lock_guard lock(mutex_);
  plugins_.push_back(plugin);
  changed_.notify_all();
}

Result<std::string> FakeRuntime::serveCall(Registration& registration, const std::string& method,
                                           const std::string& payload) {
  if (method == "RegisterPlugin") {
    std::unique_lock lock(registration.mutex);
    ++registration.calls;
    if (!registration.request.ParseFromString(payload)) return base::invalidArgument("undecodable");
    registration.registered = true;
    registration.changed.notify_all();
    if (options_.configure_before_reply && !script_) {
      registration.changed.wait_for(lock, std::chrono::seconds(2), [&] { return registration.configured; });
    }
    return std::string();
  }
  if (method != "UpdateContainers") return base::error(ErrorCode::Unimplemented, "method " + method);
  std::this_thread::sleep_for(options_.update_delay);
  std::lock_guard one_at_a_time(events_mutex_);
  std::lock_guard lock(mutex_);
  api::UpdateContainersRequest request;
  if (!request.ParseFromString(payload)) return base::invalidArgument("undecodable");
  update_calls_.push_back(std::move(request));
  api::UpdateContainersResponse answer;
  for (const auto& update : failed_updates_) *answer.add_failed() = update;
  return answer.SerializeAsString();
}

bool FakeRuntime::setUp(ConnectedPlugin& plugin, const std::shared_ptr<Registration>& registration) {
  {
    std::unique_lock lock(registration->mutex);
    registration->changed.wait_for(lock, options_.registration_timeout,
                                   [&] { return registration->registered || plugin.link->closed(); });
    if (!registration->registered) return fail(plugin, "no registration in time");
    plugin.name = registration->request.plugin_name();
    plugin.index = registration->request.plugin_idx();
    plugin.nri_version = registration->request.nri_version();
  }
  bool configured = configure(plugin);
  {
    std::lock_guard lock(registration->mutex);
    registration->configured = true;
    registration->changed.notify_all();
  }
  return configured && (!options_.sends_sync || synchronize(plugin));
}

bool FakeRuntime::configure(ConnectedPlugin& plugin) {
  api::ConfigureRequest request;
  request.set_runtime_name(options_.name);
  request.set_runtime_version(options_.version);
  request.set_nri_version(options_.nri_version);
  if (options_.splits_sync) {
    request.set_registration_timeout(options_.registration_timeout.count());
    request.set_request_timeout(options_.request_timeout.count());
  }
  auto answer = decode<api::ConfigureResponse>(
      plugin.link->call("Configure", request.SerializeAsString(), options_.request_timeout));
  if (!answer) return fail(plugin, "Configure: " + answer.error().message);
  plugin.events = static_cast<uint32_t>(answer->events());
  if ((plugin.events & ~options_.valid_events) != 0) return fail(plugin, "invalid events");
  if (plugin.events == 0) plugin.events = options_.valid_events;
  return true;
}

bool FakeRuntime::synchronize(ConnectedPlugin& plugin) {
  std::this_thread::sleep_for(options_.sync_delay);
  std::vector<api::PodSandbox> pods;
  std::vector<api::Container> containers;
  {
    std::lock_guard lock(mutex_);
    pods = pods_;
    containers = containers_;
  }
  auto end = Clock::now() + options_.request_timeout;  // for all parts together
  size_t pod = 0, container = 0, step = std::max<size_t>({pods.size(), containers.size(), 4});
  bool more = true;
  while (more) {
    api::SynchronizeRequest request;
    for (size_t i = pod; i < std::min(pod + step, pods.size()); ++i) *request.add_pods() = pods[i];
    for (size_t i = container; i < std::min(container + step, containers.size()); ++i) {
      *request.add_containers() = containers[i];
    }
    more = pod + step < pods.size() || container + step < containers.size();
    request.set_more(more);
    if (request.ByteSizeLong() + 256 > options_.max_message && options_.splits_sync && step > 4) {
      step = std::max<size_t>(4, step * 9 / 10);
      more = true;
      continue;
    }
    pod += step;
    container += step;
    ++sync_messages_;
    auto answer = decode<api::SynchronizeResponse>(
        plugin.link->call("Synchronize", request.SerializeAsString(), end - Clock::now()));
    if (!answer)
      return fail(plugin, "Synchronize: " + answer.error().message, options_.zombie_after_failed_sync);
    if (answer->more() != more || (more && answer->update_size() > 0)) {
      return fail(plugin, "the plugin does not handle split sync");
    }
    std::lock_guard lock(mutex_);
    sync_updates_.assign(answer->update().begin(), answer->update().end());
  }
  return true;
}

bool FakeRuntime::fail(ConnectedPlugin& plugin, const std::string& why, bool leave_open) {
  {
    std::lock_guard lock(mutex_);
    failures_.push_back(why);
    changed_.notify_all();
  }
  if (!leave_open) plugin.link->close(why);
  return false;
}

void FakeRuntime::setState(std::vector<api::PodSandbox> pods, std::vector<api::Container> containers) {
  std::lock_guard lock(mutex_);
  pods_ = std::move(pods);
  containers_ = std::move(containers);
}

bool FakeRuntime::waitForPlugins(size_t count, std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return plugins_.size() >= count; });
}

std::vector<ConnectedPlugin> FakeRuntime::plugins() const {
  std::lock_guard lock(mutex_);
  return plugins_;
}

std::vector<std::string> FakeRuntime::failures() const {
  std::lock_guard lock(mutex_);
  return failures_;
}

std::vector<api::ContainerUpdate> FakeRuntime::syncUpdates() const {
  std::lock_guard lock(mutex_);
  return sync_updates_;
}

std::vector<api::UpdateContainersRequest> FakeRuntime::updateCalls() const {
  std::lock_guard lock(mutex_);
  return update_calls_;
}

void FakeRuntime::failUpdates(std::vector<api::ContainerUpdate> failed) {
  std::lock_guard lock(mutex_);
  failed_updates_ = std::move(failed);
}

void FakeRuntime::dropPlugins() {
  std::lock_guard lock(mutex_);
  for (auto& plugin : plugins_) plugin.link->close("dropped");
  plugins_.clear();
}

Result<std::string> FakeRuntime::deliverNotice(ConnectedPlugin& plugin, api::Event event,
                                               const std::string& payload, const std::string& state_change) {
  if (options_.dedicated_rpcs && !plugin.falls_back) {
    auto answer = plugin.link->call(noticeMethod(event), payload, options_.request_timeout);
    if (answer || answer.error().code != ErrorCode::Unimplemented) return answer;
    plugin.falls_back = true;
  }
  return plugin.link->call("StateChange", state_change, options_.request_timeout);
}

Result<std::string> FakeRuntime::deliver(api::Event event, std::string_view method,
                                         const std::string& payload) {
  std::lock_guard one_at_a_time(events_mutex_);
  std::string last;
  for (ConnectedPlugin& plugin : plugins()) {
    if ((plugin.events & (1U << (static_cast<uint32_t>(event) - 1))) == 0) continue;
    Result<std::string> answer = std::string();
    if (method.empty()) {
      api::StateChangeEvent state_change;
      api::StartContainerRequest both;
      both.ParseFromString(payload);
      state_change.set_event(event);
      *state_change.mutable_pod() = both.pod();
      if (both.has_container()) *state_change.mutable_container() = both.container();
      answer = deliverNotice(plugin, event, payload, state_change.SerializeAsString());
    } else {
      answer = plugin.link->call(method, payload, options_.request_timeout);
    }
    if (answer) {
      last = *answer;
      continue;
    }
    if (!lostPlugin(answer.error())) return answer;
    // Late or gone: dropped, and the operation goes on as if the plugin had said nothing.
    plugin.link->close(answer.error().message);
    std::lock_guard lock(mutex_);
    std::erase_if(plugins_, [&](const ConnectedPlugin& p) { return p.link == plugin.link; });
  }
  return last;
}

Result<api::CreateContainerResponse> FakeRuntime::createContainer(const api::PodSandbox& pod,
                                                                  const api::Container& container) {
  api::CreateContainerRequest request;
  *request.mutable_pod() = pod;
  *request.mutable_container() = container;
  return decode<api::CreateContainerResponse>(
      deliver(api::EVENT_CREATE_CONTAINER, "CreateContainer", request.SerializeAsString()));
}

Result<api::UpdateContainerResponse> FakeRuntime::updateContainer(const api::PodSandbox& pod,
                                                                  const api::Container& container,
                                                                  const api::LinuxResources& resources) {
  api::UpdateContainerRequest request;
  *request.mutable_pod() = pod;
  *request.mutable_container() = container;
  *request.mutable_linux_resources() = resources;
  return decode<api::UpdateContainerResponse>(
      deliver(api::EVENT_UPDATE_CONTAINER, "UpdateContainer", request.SerializeAsString()));
}

Result<api::StopContainerResponse> FakeRuntime::stopContainer(const api::PodSandbox& pod,
                                                              const api::Container& container) {
  api::StopContainerRequest request;
  *request.mutable_pod() = pod;
  *request.mutable_container() = container;
  return decode<api::StopContainerResponse>(
      deliver(api::EVENT_STOP_CONTAINER, "StopContainer", request.SerializeAsString()));
}

Status FakeRuntime::updatePodSandbox(const api::UpdatePodSandboxRequest& request) {
  RETURN_IF_ERROR(deliver(api::EVENT_UPDATE_POD_SANDBOX, "UpdatePodSandbox", request.SerializeAsString()));
  return base::ok();
}

Result<api::ValidateContainerAdjustmentResponse> FakeRuntime::validate(
    const api::ValidateContainerAdjustmentRequest& request) {
  return decode<api::ValidateContainerAdjustmentResponse>(deliver(
      api::EVENT_VALIDATE_CONTAINER_ADJUSTMENT, "ValidateContainerAdjustment", request.SerializeAsString()));
}

Status FakeRuntime::notify(api::Event event, const api::PodSandbox& pod, const api::Container& container) {
  api::StartContainerRequest request;
  *request.mutable_pod() = pod;
  if (!container.id().empty()) *request.mutable_container() = container;
  RETURN_IF_ERROR(deliver(event, "", request.SerializeAsString()));
  return base::ok();
}

}  // namespace plimsoll::fake
