#include "pkg/cri/client.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "pkg/cri/facts.h"
#include "proto/cri/v1/api.grpc.pb.h"

namespace plimsoll::cri {

// One question: its thread, and what ends it early.
struct Client::Work {
  explicit Work(const ClientOptions& o)
      : options(o), deadline(std::chrono::system_clock::now() + o.deadline) {}

  template <typename Request, typename Response>
  base::Status call(const char* name,
                    grpc::Status (api::RuntimeService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                      Response*),
                    const Request& request, Response& response);
  void cancel();
  void connect();

  const ClientOptions options;
  const std::chrono::system_clock::time_point deadline;
  std::unique_ptr<api::RuntimeService::Stub> stub;  // of the thread
  std::thread thread;
  std::mutex mutex;
  bool cancelled = false;                  // guarded by mutex
  grpc::ClientContext* current = nullptr;  // guarded by mutex
};

void Client::Work::connect() {
  grpc::ChannelArguments arguments;
  // Proxies of the environment are for networks, not for a local socket.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Not shared: with the last question's end its connection and gRPC's threads end too.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  stub = api::RuntimeService::NewStub(
      grpc::CreateCustomChannel("unix:" + options.socket, grpc::InsecureChannelCredentials(), arguments));
}

template <typename Request, typename Response>
base::Status Client::Work::call(const char* name,
                                grpc::Status (api::RuntimeService::Stub::*method)(grpc::ClientContext*,
                                                                                  const Request&, Response*),
                                const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  {
    std::lock_guard lock(mutex);
    if (cancelled) return base::error(base::ErrorCode::Cancelled, "the question was given up");
    current = &context;
  }
  grpc::Status status = ((*stub).*method)(&context, request, &response);
  {
    std::lock_guard lock(mutex);
    current = nullptr;
  }
  if (status.ok()) return base::ok();
  return base::error(static_cast<base::ErrorCode>(status.error_code()),
                     std::string(name) + " at " + options.socket + ": " + status.error_message());
}

void Client::Work::cancel() {
  std::lock_guard lock(mutex);
  cancelled = true;
  if (current) current->TryCancel();
}

Client::Client(sys::EventLoop& loop, ClientOptions options) : loop_(loop), options_(std::move(options)) {}

Client::~Client() {
  if (!work_) return;
  work_->cancel();
  work_->thread.join();
}

template <typename Answer>
base::Status Client::start(std::function<Result<Answer>(Work&)> ask,
                           std::function<void(Result<Answer>)> done) {
  if (work_) return base::error(base::ErrorCode::FailedPrecondition, "a question is under way already");
  work_ = std::make_shared<Work>(options_);
  // What is posted may outlive this client in the loop's queue; then the question is nobody's any more.
  std::weak_ptr<Work> asked = work_;
  auto finish = [this, asked, done = std::move(done)](std::shared_ptr<Result<Answer>> answer) {
    loop_.post([this, asked, done, answer] {
      auto work = asked.lock();
      if (!work) return;
      work->thread.join();
      work_.reset();
      done(std::move(*answer));
    });
  };
  work_->thread = std::thread([work = work_.get(), ask = std::move(ask), finish = std::move(finish)] {
    work->connect();
    auto answer = std::make_shared<Result<Answer>>(ask(*work));
    work->stub.reset();
    finish(std::move(answer));
  });
  return base::ok();
}

base::Status Client::list(std::function<void(Result<Listing>)> done) {
  auto ask = [](Work& work) -> Result<Listing> {
    using Stub = api::RuntimeService::Stub;
    api::ListContainersResponse containers;
    RETURN_IF_ERROR(
        work.call("ListContainers", &Stub::ListContainers, api::ListContainersRequest(), containers));
    // After the containers: a pod that these name is there before them.
    api::ListPodSandboxResponse pods;
    RETURN_IF_ERROR(work.call("ListPodSandbox", &Stub::ListPodSandbox, api::ListPodSandboxRequest(), pods));
    Listing listing;
    for (const api::PodSandbox& pod : pods.items()) listing.pods.push_back(podFacts(pod));
    for (const api::Container& container : containers.containers())
      listing.containers.push_back(containerFacts(container));
    return listing;
  };
  return start<Listing>(ask, std::move(done));
}

base::Status Client::detail(std::vector<ListedContainer> containers, std::vector<model::PodFacts> pods,
                            std::function<void(Result<Details>)> done) {
  auto ask = [containers = std::move(containers), pods = std::move(pods)](Work& work) -> Result<Details> {
    using Stub = api::RuntimeService::Stub;
    Details details;
    for (const model::PodFacts& listed : pods) {
      api::PodSandboxStatusRequest request;
      request.set_pod_sandbox_id(listed.sandbox_id);
      request.set_verbose(true);
      api::PodSandboxStatusResponse response;
      base::Status status = work.call("PodSandboxStatus", &Stub::PodSandboxStatus, request, response);
      if (!status && status.error().isGone()) continue;
      RETURN_IF_ERROR(status);
      details.pods.push_back(listed);
      addPodStatus(details.pods.back(), response);
    }
    for (const ListedContainer& listed : containers) {
      api::ContainerStatusRequest request;
      request.set_container_id(listed.facts.id);
      request.set_verbose(true);
      api::ContainerStatusResponse response;
      base::Status status = work.call("ContainerStatus", &Stub::ContainerStatus, request, response);
      if (!status && status.error().isGone()) continue;
      RETURN_IF_ERROR(status);
      details.containers.push_back(listed.facts);
      addContainerStatus(details.containers.back(), response);
    }
    return details;
  };
  return start<Details>(std::move(ask), std::move(done));
}

}  // namespace plimsoll::cri
