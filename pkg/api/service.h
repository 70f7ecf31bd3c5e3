// The methods of plimsoll.v1.Agent. Every answer is made from memory on gRPC's threads. Internal to pkg/api:
// others start it through server.h.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>

#include "pkg/api/event_stream.h"
#include "pkg/api/query.h"
#include "pkg/api/source.h"
#include "proto/plimsoll/v1/plimsoll.grpc.pb.h"

namespace plimsoll::api {

struct ServiceLimits {
  int calls = 32;
  int streams = 16;
  PageLimits page;
};

class AgentService final : public pb::Agent::CallbackService {
 public:
  // `quiet` is called, on gRPC's threads, when the last answer under way was sent.
  AgentService(Source& source, ServiceLimits limits, std::function<void()> quiet);

  EventStreams& streams() { return streams_; }

  grpc::ServerUnaryReactor* GetNode(grpc::CallbackServerContext* context, const pb::GetNodeRequest* request,
                                    pb::Node* response) override;
  grpc::ServerUnaryReactor* ListContainers(grpc::CallbackServerContext* context,
                                           const pb::ListContainersRequest* request,
                                           pb::ListContainersResponse* response) override;
  grpc::ServerUnaryReactor* GetContainer(grpc::CallbackServerContext* context,
                                         const pb::GetContainerRequest* request,
                                         pb::Container* response) override;
  grpc::ServerWriteReactor<pb::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context, const pb::WatchEventsRequest* request) override;
  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context, const pb::GetStatsRequest* request,
                                     pb::GetStatsResponse* response) override;
  grpc::ServerUnaryReactor* GetHistory(grpc::CallbackServerContext* context,
                                       const pb::GetHistoryRequest* request,
                                       pb::GetHistoryResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context, const pb::ExplainRequest* request,
                                    pb::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* Lint(grpc::CallbackServerContext* context, const pb::LintRequest* request,
                                 pb::LintResponse* response) override;
  grpc::ServerUnaryReactor* Simulate(grpc::CallbackServerContext* context, const pb::SimulateRequest* request,
                                     pb::SimulateResponse* response) override;
  grpc::ServerUnaryReactor* GetTree(grpc::CallbackServerContext* context, const pb::GetTreeRequest* request,
                                    pb::GetTreeResponse* response) override;
  grpc::ServerUnaryReactor* GetTopology(grpc::CallbackServerContext* context,
                                        const pb::GetTopologyRequest* request,
                                        pb::Topology* response) override;
  grpc::ServerUnaryReactor* GetDiagnostics(grpc::CallbackServerContext* context,
                                           const pb::GetDiagnosticsRequest* request,
                                           pb::Diagnostics* response) override;

 private:
  // Runs `answer` and finishes the call with what it returns; refuses when too many answers are on their way.
  template <typename Answer>
  grpc::ServerUnaryReactor* reply(Answer answer);

  Source& source_;
  const ServiceLimits limits_;
  const std::function<void()> quiet_;
  std::atomic<int> calls_{0};
  EventStreams streams_;
};

}  // namespace plimsoll::api
