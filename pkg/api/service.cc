#include "pkg/api/service.h"

#include <string>
#include <utility>

#include "pkg/api/answers.h"
#include "pkg/api/convert.h"
#include "pkg/api/history.h"
#include "pkg/api/machine.h"
#include "pkg/api/stats.h"

namespace plimsoll::api {
namespace {

// base::ErrorCode has gRPC's own numbers.
grpc::Status toGrpc(const base::Error& error) {
  return {static_cast<grpc::StatusCode>(error.code), error.message};
}

template <typename Message>
grpc::Status give(base::Result<Message> result, Message* response) {
  if (!result) return toGrpc(result.error());
  *response = std::move(*result);
  return grpc::Status::OK;
}

// Counts answers until they are sent: a client that does not read holds its answer in our memory.
class CountedReply final : public grpc::ServerUnaryReactor {
 public:
  CountedReply(std::atomic<int>& calls, const std::function<void()>& quiet) : calls_(calls), quiet_(quiet) {}
  void OnDone() override {
    if (calls_.fetch_sub(1) == 1) quiet_();
    delete this;
  }

 private:
  std::atomic<int>& calls_;
  const std::function<void()>& quiet_;
};

}  // namespace

AgentService::AgentService(Source& source, ServiceLimits limits, std::function<void()> quiet)
    : source_(source), limits_(limits), quiet_(std::move(quiet)), streams_(source.events(), limits.streams) {}

template <typename Answer>
grpc::ServerUnaryReactor* AgentService::reply(Answer answer) {
  auto* reactor = new CountedReply(calls_, quiet_);
  if (calls_.fetch_add(1) >= limits_.calls) {
    reactor->Finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls at once; try again later"});
  } else {
    reactor->Finish(answer());
  }
  return reactor;
}

grpc::ServerUnaryReactor* AgentService::GetNode(grpc::CallbackServerContext*, const pb::GetNodeRequest*,
                                                pb::Node* response) {
  return reply([&] {
    describeNode(source_, response);
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AgentService::ListContainers(grpc::CallbackServerContext*,
                                                       const pb::ListContainersRequest* request,
                                                       pb::ListContainersResponse* response) {
  return reply([&] { return give(listContainers(source_.containers(), *request, limits_.page), response); });
}

grpc::ServerUnaryReactor* AgentService::GetContainer(grpc::CallbackServerContext*,
                                                     const pb::GetContainerRequest* request,
                                                     pb::Container* response) {
  return reply([&] { return give(getContainer(source_.containers(), *request), response); });
}

grpc::ServerWriteReactor<pb::WatchEventsResponse>* AgentService::WatchEvents(
    grpc::CallbackServerContext*, const pb::WatchEventsRequest* request) {
  return streams_.open(*request);
}

grpc::ServerUnaryReactor* AgentService::GetStats(grpc::CallbackServerContext*,
                                                 const pb::GetStatsRequest* request,
                                                 pb::GetStatsResponse* response) {
  return reply([&] { return give(getStats(source_, *request, limits_.page), response); });
}

grpc::ServerUnaryReactor* AgentService::Explain(grpc::CallbackServerContext*,
                                                const pb::ExplainRequest* request,
                                                pb::ExplainResponse* response) {
  return reply([&] { return give(explainSettings(request->key()), response); });
}

grpc::ServerUnaryReactor* AgentService::GetHistory(grpc::CallbackServerContext*,
                                                   const pb::GetHistoryRequest* request,
                                                   pb::GetHistoryResponse* response) {
  return reply([&] {
    auto query = historyQuery(*request);
    if (!query) return toGrpc(query.error());
    return give(source_.history(*query).map(historyAnswer), response);
  });
}

grpc::ServerUnaryReactor* AgentService::Lint(grpc::CallbackServerContext*, const pb::LintRequest* request,
                                             pb::LintResponse* response) {
  return reply([&] { return give(lintText(request->manifest()), response); });
}

grpc::ServerUnaryReactor* AgentService::Simulate(grpc::CallbackServerContext*,
                                                 const pb::SimulateRequest* request,
                                                 pb::SimulateResponse* response) {
  return reply([&] { return give(simulate(source_, *request), response); });
}

grpc::ServerUnaryReactor* AgentService::GetTree(grpc::CallbackServerContext*,
                                                const pb::GetTreeRequest* request,
                                                pb::GetTreeResponse* response) {
  return reply([&] { return give(getTree(source_, *request), response); });
}

grpc::ServerUnaryReactor* AgentService::GetTopology(grpc::CallbackServerContext*,
                                                    const pb::GetTopologyRequest* request,
                                                    pb::Topology* response) {
  return reply([&] { return give(getTopology(source_, *request), response); });
}

grpc::ServerUnaryReactor* AgentService::GetDiagnostics(grpc::CallbackServerContext*,
                                                       const pb::GetDiagnosticsRequest*,
                                                       pb::Diagnostics* response) {
  return reply([&] {
    *response = diagnostics(source_);
    return grpc::Status::OK;
  });
}

}  // namespace plimsoll::api
