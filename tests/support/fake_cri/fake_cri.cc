#include "tests/support/fake_cri/fake_cri.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "proto/cri/v1/api.grpc.pb.h"

namespace plimsoll::fake {
namespace {

namespace api = ::runtime::v1;
using nlohmann::json;

// What containerd 2.1 shows, less what nobody here reads.
std::string containerInfo(const CriContainer& container) {
  json info;
  info["pid"] = container.pid;
  info["sandboxID"] = container.sandbox_id;
  json& spec = info["runtimeSpec"];
  spec["process"]["oomScoreAdj"] = 1000;
  spec["linux"]["cgroupsPath"] = "/kubepods/besteffort/pod1/" + container.id;
  spec["linux"]["resources"]["cpu"] = {{"shares", 2}, {"quota", -1}, {"period", 100000}};
  spec["linux"]["resources"]["memory"] = {{"limit", 134217728}};
  spec["linux"]["resources"]["unified"] = {{"memory.oom.group", "1"}};
  spec["mounts"] = json::array({{{"destination", "/data"}, {"source", "/host/data"}, {"type", "bind"}}});
  return info.dump();
}

std::string podInfo(const CriPod& pod) {
  json info;
  info["config"]["linux"]["cgroup_parent"] = pod.cgroup_parent;
  json namespaces = json::array({{{"type", "pid"}}, {{"type", "ipc"}}});
  if (!pod.host_network) namespaces.push_back({{"type", "network"}, {"path", "/var/run/netns/cni-1"}});
  info["runtimeSpec"]["linux"]["namespaces"] = namespaces;
  return info.dump();
}

}  // namespace

class FakeCri::Service final : public api::RuntimeService::Service {
 public:
  explicit Service(FakeCri& fake) : fake_(fake) {}

  grpc::Status ListPodSandbox(grpc::ServerContext* context, const api::ListPodSandboxRequest*,
                              api::ListPodSandboxResponse* response) override {
    if (grpc::Status status = arrive(*context); !status.ok()) return status;
    std::lock_guard lock(fake_.mutex_);
    for (const CriPod& pod : fake_.pods_) {
      api::PodSandbox& item = *response->add_items();
      item.set_id(pod.id);
      item.mutable_metadata()->set_name(pod.name);
      item.mutable_metadata()->set_namespace_(pod.ns);
      item.mutable_metadata()->set_uid(pod.uid);
      for (const auto& [key, value] : pod.annotations) (*item.mutable_annotations())[key] = value;
    }
    return grpc::Status::OK;
  }

  grpc::Status ListContainers(grpc::ServerContext* context, const api::ListContainersRequest*,
                              api::ListContainersResponse* response) override {
    if (grpc::Status status = arrive(*context); !status.ok()) return status;
    std::lock_guard lock(fake_.mutex_);
    for (const CriContainer& container : fake_.containers_) {
      api::Container& item = *response->add_containers();
      item.set_id(container.id);
      item.set_pod_sandbox_id(container.sandbox_id);
      item.mutable_metadata()->set_name(container.name);
      item.set_state(container.state);
      item.set_created_at(std::chrono::nanoseconds(container.created.time_since_epoch()).count());
    }
    return grpc::Status::OK;
  }

  grpc::Status PodSandboxStatus(grpc::ServerContext* context, const api::PodSandboxStatusRequest* request,
                                api::PodSandboxStatusResponse* response) override {
    if (grpc::Status status = arrive(*context); !status.ok()) return status;
    std::lock_guard lock(fake_.mutex_);
    for (const CriPod& pod : fake_.pods_) {
      if (pod.id != request->pod_sandbox_id()) continue;
      response->mutable_status()->set_id(pod.id);
      if (request->verbose()) (*response->mutable_info())["info"] = podInfo(pod);
      return grpc::Status::OK;
    }
    return {grpc::StatusCode::NOT_FOUND, "sandbox not found"};
  }

  grpc::Status ContainerStatus(grpc::ServerContext* context, const api::ContainerStatusRequest* request,
                               api::ContainerStatusResponse* response) override {
    if (grpc::Status status = arrive(*context); !status.ok()) return status;
    std::lock_guard lock(fake_.mutex_);
    const auto& lost = fake_.lost_;
    for (const CriContainer& container : fake_.containers_) {
      if (container.id != request->container_id()) continue;
      if (std::find(lost.begin(), lost.end(), container.id) != lost.end()) break;
      response->mutable_status()->set_id(container.id);
      response->mutable_status()->set_state(container.state);
      if (request->verbose())
        (*response->mutable_info())["info"] =
            container.info.empty() ? containerInfo(container) : container.info;
      return grpc::Status::OK;
    }
    return {grpc::StatusCode::NOT_FOUND, "container not found"};
  }

 private:
  grpc::Status arrive(const grpc::ServerContext& context) {
    ++fake_.calls_;
    auto end = std::chrono::steady_clock::now() + fake_.delay_.load();
    while (std::chrono::steady_clock::now() < end && !context.IsCancelled())
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (fake_.failing_) return {grpc::StatusCode::UNKNOWN, "server is not initialized yet"};
    return grpc::Status::OK;
  }
  FakeCri& fake_;
};

struct FakeCri::Server {
  explicit Server(FakeCri& fake) : service(fake) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
};

FakeCri::FakeCri(std::string socket) : server_(std::make_unique<Server>(*this)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  builder.RegisterService(&server_->service);
  server_->server = builder.BuildAndStart();
}

FakeCri::~FakeCri() { server_->server->Shutdown(std::chrono::system_clock::now()); }

void FakeCri::add(CriPod pod) {
  std::lock_guard lock(mutex_);
  pods_.push_back(std::move(pod));
}

void FakeCri::add(CriContainer container) {
  std::lock_guard lock(mutex_);
  containers_.push_back(std::move(container));
}

void FakeCri::remove(const std::string& container_id) {
  std::lock_guard lock(mutex_);
  std::erase_if(containers_, [&](const CriContainer& container) { return container.id == container_id; });
}

void FakeCri::loseStatusOf(const std::string& container_id) {
  std::lock_guard lock(mutex_);
  lost_.push_back(container_id);
}

}  // namespace plimsoll::fake
