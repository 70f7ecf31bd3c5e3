// The agent's API from the client's side: blocking calls with a deadline, errors as sentences. gRPC stays in
// client.cc. Threads: one at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

namespace pb = ::plimsoll::v1;

class Client {
 public:
  // Connects with the first call.
  Client(const std::string& socket, std::chrono::milliseconds timeout);
  // Over a stream that leads to an agent, non-blocking. When it ends it cannot be had again; `why` says why
  // it did.
  Client(base::UniqueFd stream, std::chrono::milliseconds timeout, std::function<base::Error()> why);
  ~Client();

  base::Result<pb::Node> node();
  // All pages.
  base::Result<std::vector<pb::Container>> containers(pb::ListContainersRequest request);
  // All pages.
  base::Result<std::vector<pb::ContainerStats>> stats(pb::GetStatsRequest request);
  base::Result<std::vector<pb::HistoryEntry>> history(const pb::GetHistoryRequest& request);
  base::Result<pb::SimulateResponse> simulate(const pb::SimulateRequest& request);
  base::Result<pb::GetTreeResponse> tree(const pb::GetTreeRequest& request);
  base::Result<pb::Topology> topology(const pb::GetTopologyRequest& request);
  base::Result<pb::Diagnostics> diagnostics();
  // Calls `each` for every message until it returns false or the stream ends. With `follow` there is no
  // deadline.
  base::Status events(const pb::WatchEventsRequest& request,
                      const std::function<bool(const pb::WatchEventsResponse&)>& each);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::cli
