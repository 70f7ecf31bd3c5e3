#include "cmd/kubectl-plimsoll/client.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pkg/sys/unix_socket.h"
#include "proto/plimsoll/v1/plimsoll.grpc.pb.h"

namespace plimsoll::cli {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;

constexpr int kMaxMessageBytes = 64 << 20;

// gRPC reports whatever keeps it from a socket as "failed to connect to all addresses"; the kernel says why.
std::string whyUnreachable(const std::string& socket) {
  const auto connected = sys::connectUnix(socket);
  if (connected) return "the agent on " + socket + " closed the connection";
  std::string message = "cannot reach the agent: " + connected.error().message;
  switch (connected.error().sys_errno) {
    case ENOENT:
    case ECONNREFUSED:
      return message + "; does plimsolld run on this node? Another socket is given with --socket";
    case EACCES:
      return message + "; the socket is for root";
    default:
      return message;
  }
}

tl::unexpected<base::Error> toError(const grpc::Status& status, const std::string& socket) {
  const auto code = static_cast<ErrorCode>(status.error_code());
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return base::error(code, whyUnreachable(socket));
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return base::error(code, "the agent on " + socket + " did not answer in time (--request-timeout)");
  }
  return base::error(code, status.error_message());
}

}  // namespace

struct Client::Impl {
  std::string socket;
  std::chrono::milliseconds timeout;
  std::unique_ptr<pb::Agent::Stub> stub;

  void prepare(grpc::ClientContext& context, bool deadline = true) const {
    if (deadline) context.set_deadline(std::chrono::system_clock::now() + timeout);
  }
};

Client::Client(const std::string& socket, std::chrono::milliseconds timeout)
    : impl_(new Impl{socket, timeout, {}}) {
  gpr_set_log_function([](gpr_log_func_args*) {});  // errors come back as statuses
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  impl_->stub = pb::Agent::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
}

Client::~Client() = default;

Result<pb::Node> Client::node() {
  grpc::ClientContext context;
  impl_->prepare(context);
  pb::Node node;
  const grpc::Status status = impl_->stub->GetNode(&context, {}, &node);
  if (!status.ok()) return toError(status, impl_->socket);
  return node;
}

Result<std::vector<pb::Container>> Client::containers(pb::ListContainersRequest request) {
  std::vector<pb::Container> out;
  do {
    grpc::ClientContext context;
    impl_->prepare(context);
    pb::ListContainersResponse page;
    const grpc::Status status = impl_->stub->ListContainers(&context, request, &page);
    if (!status.ok()) return toError(status, impl_->socket);
    std::move(page.mutable_containers()->begin(), page.mutable_containers()->end(), std::back_inserter(out));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

Result<std::vector<pb::ContainerStats>> Client::stats(pb::GetStatsRequest request) {
  std::vector<pb::ContainerStats> out;
  do {
    grpc::ClientContext context;
    impl_->prepare(context);
    pb::GetStatsResponse page;
    const grpc::Status status = impl_->stub->GetStats(&context, request, &page);
    if (!status.ok()) return toError(status, impl_->socket);
    std::move(page.mutable_containers()->begin(), page.mutable_containers()->end(), std::back_inserter(out));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

Result<std::vector<pb::HistoryEntry>> Client::history(const pb::GetHistoryRequest& request) {
  grpc::ClientContext context;
  impl_->prepare(context);
  pb::GetHistoryResponse response;
  const grpc::Status status = impl_->stub->GetHistory(&context, request, &response);
  if (!status.ok()) return toError(status, impl_->socket);
  return std::vector<pb::HistoryEntry>(response.entries().begin(), response.entries().end());
}

Status Client::events(const pb::WatchEventsRequest& request,
                      const std::function<bool(const pb::WatchEventsResponse&)>& each) {
  grpc::ClientContext context;
  impl_->prepare(context, !request.follow());
  const auto reader = impl_->stub->WatchEvents(&context, request);
  pb::WatchEventsResponse response;
  bool stopped = false;
  while (!stopped && reader->Read(&response)) stopped = !each(response);
  if (stopped) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!status.ok() && !stopped) return toError(status, impl_->socket);
  return base::ok();
}

}  // namespace plimsoll::cli
