#include "cmd/kubectl-plimsoll/client.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel_posix.h>
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

grpc::ChannelArguments channelArguments() {
  gpr_set_log_function([](gpr_log_func_args*) {});  // errors come back as statuses
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return arguments;
}

}  // namespace

struct Client::Impl {
  std::string peer;  // " on /run/...", or nothing
  std::chrono::milliseconds timeout;
  std::function<base::Error()> why;
  std::unique_ptr<pb::Agent::Stub> stub;

  void prepare(grpc::ClientContext& context, bool deadline = true) const {
    if (deadline) context.set_deadline(std::chrono::system_clock::now() + timeout);
  }

  tl::unexpected<base::Error> toError(const grpc::Status& status) const {
    const auto code = static_cast<ErrorCode>(status.error_code());
    if (code == ErrorCode::Unavailable) return tl::unexpected(why());
    if (code == ErrorCode::DeadlineExceeded)
      return base::error(code, "the agent" + peer + " did not answer in time (--request-timeout)");
    if (code == ErrorCode::Unimplemented && status.error_message().empty())
      return base::error(code, "this agent is older than what is asked of it");
    return base::error(code, status.error_message());
  }

  template <typename Request, typename Response>
  Result<Response> call(grpc::Status (pb::Agent::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                Response*),
                        const Request& request) const {
    grpc::ClientContext context;
    prepare(context);
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return toError(status);
    return response;
  }
};

Client::Client(const std::string& socket, std::chrono::milliseconds timeout)
    : impl_(new Impl{" on " + socket, timeout, {}, {}}) {
  impl_->why = [socket] { return base::Error{ErrorCode::Unavailable, whyUnreachable(socket), 0}; };
  impl_->stub = pb::Agent::NewStub(
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), channelArguments()));
}

Client::Client(base::UniqueFd stream, std::chrono::milliseconds timeout, std::function<base::Error()> why)
    : impl_(new Impl{"", timeout, std::move(why), {}}) {
  impl_->stub = pb::Agent::NewStub(
      grpc::CreateCustomInsecureChannelFromFd("agent", stream.release(), channelArguments()));
}

Client::~Client() = default;

Result<pb::Node> Client::node() { return impl_->call(&pb::Agent::Stub::GetNode, pb::GetNodeRequest()); }

Result<pb::SimulateResponse> Client::simulate(const pb::SimulateRequest& request) {
  return impl_->call(&pb::Agent::Stub::Simulate, request);
}

Result<pb::GetTreeResponse> Client::tree(const pb::GetTreeRequest& request) {
  return impl_->call(&pb::Agent::Stub::GetTree, request);
}

Result<pb::Topology> Client::topology(const pb::GetTopologyRequest& request) {
  return impl_->call(&pb::Agent::Stub::GetTopology, request);
}

Result<pb::Diagnostics> Client::diagnostics() {
  return impl_->call(&pb::Agent::Stub::GetDiagnostics, pb::GetDiagnosticsRequest());
}

Result<std::vector<pb::Container>> Client::containers(pb::ListContainersRequest request) {
  std::vector<pb::Container> out;
  do {
    ASSIGN_OR_RETURN(pb::ListContainersResponse page, impl_->call(&pb::Agent::Stub::ListContainers, request));
    std::move(page.mutable_containers()->begin(), page.mutable_containers()->end(), std::back_inserter(out));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

Result<std::vector<pb::ContainerStats>> Client::stats(pb::GetStatsRequest request) {
  std::vector<pb::ContainerStats> out;
  do {
    ASSIGN_OR_RETURN(pb::GetStatsResponse page, impl_->call(&pb::Agent::Stub::GetStats, request));
    std::move(page.mutable_containers()->begin(), page.mutable_containers()->end(), std::back_inserter(out));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return out;
}

Result<std::vector<pb::HistoryEntry>> Client::history(const pb::GetHistoryRequest& request) {
  ASSIGN_OR_RETURN(const pb::GetHistoryResponse response, impl_->call(&pb::Agent::Stub::GetHistory, request));
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
  if (!status.ok() && !stopped) return impl_->toError(status);
  return base::ok();
}

}  // namespace plimsoll::cli
