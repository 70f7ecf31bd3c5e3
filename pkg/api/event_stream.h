// WatchEvents: streams of events out of the ring, each at its reader's pace. A stream holds one message and a
// position, so a reader that does not read costs nothing and is told later what it missed.
//
// Threads: gRPC's threads and whoever calls nudge() and stop().
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "pkg/api/event_ring.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::api {

namespace pb = ::plimsoll::v1;

class EventStreams {
 public:
  using Reactor = grpc::ServerWriteReactor<pb::WatchEventsResponse>;

  EventStreams(const EventRing& ring, int most) : ring_(ring), most_(most) {}
  ~EventStreams();

  // The reactor for a new call; one that ends with RESOURCE_EXHAUSTED if there are too many already.
  Reactor* open(const pb::WatchEventsRequest& request);
  // There may be new events.
  void nudge();
  // Ends all streams with UNAVAILABLE, also those that open from now on.
  void stop();
  int count() const { return count_.load(std::memory_order_acquire); }

 private:
  class Stream;
  void closed(Stream* stream);

  const EventRing& ring_;
  const int most_;
  std::atomic<int> count_{0};
  std::mutex mutex_;
  bool stopped_ = false;                                          // guarded by mutex_
  std::unordered_map<Stream*, std::shared_ptr<Stream>> streams_;  // guarded by mutex_; nudge() shares them
};

}  // namespace plimsoll::api
