#include "tests/support/podctl/client.h"

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <utility>

#include "proto/cri/v1/api.grpc.pb.h"
#include "tests/support/podctl/messages.h"

namespace plimsoll::podctl {
namespace cri = runtime::v1;

struct Client::Stub {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<cri::RuntimeService::Stub> runtime;
};

namespace {

// Generous: an emulated machine is slow, and a runtime may wait for its NRI plugins.
constexpr std::chrono::seconds kDeadline(120);

using RuntimeStub = cri::RuntimeService::Stub;

template <typename Request, typename Response>
base::Status call(RuntimeStub& stub, const char* name,
                  grpc::Status (RuntimeStub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response, std::chrono::seconds deadline = kDeadline) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (status.ok()) return base::ok();
  return base::error(static_cast<base::ErrorCode>(status.error_code()),
                     std::string(name) + ": " + status.error_message());
}

// For the calls whose answer is empty.
template <typename Response, typename Request>
base::Status tell(RuntimeStub& stub, const char* name,
                  grpc::Status (RuntimeStub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, std::chrono::seconds deadline = kDeadline) {
  Response response;
  return call(stub, name, method, request, response, deadline);
}

}  // namespace

std::string_view stateName(ContainerState state) {
  switch (state) {
    case ContainerState::Created:
      return "created";
    case ContainerState::Running:
      return "running";
    case ContainerState::Exited:
      return "exited";
    case ContainerState::Unknown:
      return "unknown";
  }
  return "unknown";
}

Client::Client(std::unique_ptr<Stub> stub) : stub_(std::move(stub)) {}
Client::~Client() = default;

base::Result<std::unique_ptr<Client>> Client::connect(const std::string& socket,
                                                      std::chrono::seconds patience) {
  grpc::ChannelArguments arguments;
  // Proxies of the environment are for networks, not for a local socket.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(16 << 20);
  auto stub = std::make_unique<Stub>();
  const std::string target = "unix:" + std::filesystem::absolute(socket).string();
  stub->channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  if (!stub->channel->WaitForConnected(std::chrono::system_clock::now() + patience)) {
    return base::error(base::ErrorCode::Unavailable, "no container runtime answers at " + socket);
  }
  stub->runtime = cri::RuntimeService::NewStub(stub->channel);
  return std::unique_ptr<Client>(new Client(std::move(stub)));
}

base::Result<RuntimeVersion> Client::version() {
  cri::VersionResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "Version", &RuntimeStub::Version, cri::VersionRequest(), response));
  return RuntimeVersion{response.runtime_name(), response.runtime_version(), response.runtime_api_version()};
}

base::Result<std::string> Client::complaints() {
  cri::StatusResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "Status", &RuntimeStub::Status, cri::StatusRequest(), response));
  std::string out;
  for (const auto& condition : response.status().conditions()) {
    if (condition.status()) continue;
    out += (out.empty() ? "" : "; ") + condition.type() + ": " + condition.message();
  }
  return out;
}

base::Result<std::string> Client::runSandbox(const PodSpec& pod, const std::string& cgroup_parent,
                                             const ContainerLimits& limits) {
  cri::RunPodSandboxRequest request;
  *request.mutable_config() = sandboxConfig(pod, cgroup_parent, limits);
  cri::RunPodSandboxResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "RunPodSandbox", &RuntimeStub::RunPodSandbox, request, response));
  return response.pod_sandbox_id();
}

base::Status Client::stopSandbox(const std::string& id) {
  cri::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(id);
  return tell<cri::StopPodSandboxResponse>(*stub_->runtime, "StopPodSandbox", &RuntimeStub::StopPodSandbox,
                                           request);
}

base::Status Client::removeSandbox(const std::string& id) {
  cri::RemovePodSandboxRequest request;
  request.set_pod_sandbox_id(id);
  return tell<cri::RemovePodSandboxResponse>(*stub_->runtime, "RemovePodSandbox",
                                             &RuntimeStub::RemovePodSandbox, request);
}

base::Result<std::vector<SandboxInfo>> Client::sandboxes() {
  cri::ListPodSandboxResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "ListPodSandbox", &RuntimeStub::ListPodSandbox,
                       cri::ListPodSandboxRequest(), response));
  std::vector<SandboxInfo> out;
  for (const auto& item : response.items()) {
    out.push_back({item.id(), item.metadata().name(), item.metadata().namespace_(), item.metadata().uid(),
                   item.state() == cri::SANDBOX_READY});
  }
  return out;
}

base::Result<std::string> Client::createContainer(const std::string& sandbox_id, const PodSpec& pod,
                                                  const std::string& cgroup_parent,
                                                  const ContainerSpec& container,
                                                  const ContainerLimits& limits) {
  cri::CreateContainerRequest request;
  request.set_pod_sandbox_id(sandbox_id);
  *request.mutable_config() = containerConfig(pod, container, limits);
  *request.mutable_sandbox_config() = sandboxConfig(pod, cgroup_parent, {});
  cri::CreateContainerResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "CreateContainer", &RuntimeStub::CreateContainer, request, response));
  return response.container_id();
}

base::Status Client::startContainer(const std::string& id) {
  cri::StartContainerRequest request;
  request.set_container_id(id);
  return tell<cri::StartContainerResponse>(*stub_->runtime, "StartContainer", &RuntimeStub::StartContainer,
                                           request);
}

base::Status Client::stopContainer(const std::string& id, int64_t grace_seconds) {
  cri::StopContainerRequest request;
  request.set_container_id(id);
  request.set_timeout(grace_seconds);
  return tell<cri::StopContainerResponse>(*stub_->runtime, "StopContainer", &RuntimeStub::StopContainer,
                                          request, kDeadline + std::chrono::seconds(grace_seconds));
}

base::Status Client::removeContainer(const std::string& id) {
  cri::RemoveContainerRequest request;
  request.set_container_id(id);
  return tell<cri::RemoveContainerResponse>(*stub_->runtime, "RemoveContainer", &RuntimeStub::RemoveContainer,
                                            request);
}

base::Status Client::updateContainer(const std::string& id, const ContainerLimits& limits) {
  cri::UpdateContainerResourcesRequest request;
  request.set_container_id(id);
  *request.mutable_linux() = toResources(limits);
  return tell<cri::UpdateContainerResourcesResponse>(*stub_->runtime, "UpdateContainerResources",
                                                     &RuntimeStub::UpdateContainerResources, request);
}

base::Result<std::vector<ContainerInfo>> Client::containers(const std::string& sandbox_id) {
  cri::ListContainersRequest request;
  request.mutable_filter()->set_pod_sandbox_id(sandbox_id);
  cri::ListContainersResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "ListContainers", &RuntimeStub::ListContainers, request, response));
  std::vector<ContainerInfo> out;
  for (const auto& c : response.containers()) {
    out.push_back({c.id(), c.metadata().name(), c.pod_sandbox_id(), fromState(c.state())});
  }
  return out;
}

base::Result<ContainerDetail> Client::containerDetail(const std::string& id) {
  cri::ContainerStatusRequest request;
  request.set_container_id(id);
  request.set_verbose(true);
  cri::ContainerStatusResponse response;
  RETURN_IF_ERROR(call(*stub_->runtime, "ContainerStatus", &RuntimeStub::ContainerStatus, request, response));
  const cri::ContainerStatus& status = response.status();
  auto json = response.info().find("info");
  return ContainerDetail{
      .state = fromState(status.state()),
      .exit_code = status.exit_code(),
      .reason = status.message().empty() ? status.reason() : status.reason() + ": " + status.message(),
      .log_path = status.log_path(),
      .limits = fromResources(status.resources().linux()),
      .json = json == response.info().end() ? "" : json->second};
}

base::Result<ExecOutcome> Client::exec(const std::string& id, const std::vector<std::string>& command,
                                       std::chrono::seconds timeout) {
  cri::ExecSyncRequest request;
  request.set_container_id(id);
  request.mutable_cmd()->Add(command.begin(), command.end());
  request.set_timeout(timeout.count());
  cri::ExecSyncResponse response;
  RETURN_IF_ERROR(
      call(*stub_->runtime, "ExecSync", &RuntimeStub::ExecSync, request, response, kDeadline + timeout));
  return ExecOutcome{response.exit_code(), response.stdout(), response.stderr()};
}

}  // namespace plimsoll::podctl
