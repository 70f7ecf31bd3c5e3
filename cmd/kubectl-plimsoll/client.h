// The agent's API from the client's side: blocking calls with a deadline, errors as sentences. gRPC stays in
// client.cc. Threads: one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

namespace pb = ::plimsoll::v1;

class Client {
 public:
  // Connects with the first call.
  Client(const std::string& socket, std::chrono::milliseconds timeout);
  ~Client();

  base::Result<pb::Node> node();
  // All pages.
  base::Result<std::vector<pb::Container>> containers(pb::ListContainersRequest request);
  // All pages.
  base::Result<std::vector<pb::ContainerStats>> stats(pb::GetStatsRequest request);
  base::Result<std::vector<pb::HistoryEntry>> history(const pb::GetHistoryRequest& request);
  // Calls `each` for every message until it returns false or the stream ends. With `follow` there is no
  // deadline.
  base::Status events(const pb::WatchEventsRequest& request,
                      const std::function<bool(const pb::WatchEventsResponse&)>& each);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::cli
