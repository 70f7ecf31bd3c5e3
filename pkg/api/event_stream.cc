#include "pkg/api/event_stream.h"

#include <string>
#include <utility>
#include <vector>

#include "pkg/api/convert.h"

namespace plimsoll::api {
namespace {

constexpr size_t kReadAhead = 64;

grpc::Status stopping() { return {grpc::StatusCode::UNAVAILABLE, "the agent is stopping"}; }

}  // namespace

// One write is under way at a time; `mutex_` guards everything, and gRPC runs no callback of ours within
// StartWrite() or Finish(), so it may be held across them.
class EventStreams::Stream final : public Reactor {
 public:
  Stream(EventStreams& owner, const pb::WatchEventsRequest& request)
      : owner_(owner), request_(request), position_(request.since()) {
    // The agent restarted since: its numbers start anew, and everything is new to this reader.
    if (position_ > owner_.ring_.lastSequence()) position_ = 0;
    from_start_ = position_ == 0;
  }

  void advance() {
    std::lock_guard lock(mutex_);
    if (!writing_ && !finished_) writeNext();
  }

  void end(grpc::Status status) {
    std::lock_guard lock(mutex_);
    finish(std::move(status));
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    writing_ = false;
    if (finished_) return;
    if (ok) {
      writeNext();
    } else {
      finish(grpc::Status::CANCELLED);
    }
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override { owner_.closed(this); }

 private:
  void finish(grpc::Status status) {
    if (std::exchange(finished_, true)) return;
    Finish(std::move(status));
  }

  bool wants(const model::Event& event) const {
    return (request_.namespace_().empty() || request_.namespace_() == event.ns) &&
           (request_.pod().empty() || request_.pod() == event.pod);
  }

  void writeNext() {
    for (;;) {
      const EventRing::Batch batch = owner_.ring_.read(position_, kReadAhead);
      // Whoever starts at the beginning missed nothing: what was overwritten before was not asked for.
      if (!from_start_) dropped_ += batch.dropped;
      from_start_ = false;
      if (batch.events.empty()) break;
      for (const auto& event : batch.events) {
        position_ = event->sequence;
        if (!wants(*event)) continue;
        response_.Clear();
        toProto(*event, response_.mutable_event());
        response_.set_dropped(std::exchange(dropped_, 0));
        writing_ = true;
        StartWrite(&response_);
        return;
      }
    }
    if (!request_.follow()) finish(grpc::Status::OK);
  }

  EventStreams& owner_;
  const pb::WatchEventsRequest request_;
  std::mutex mutex_;
  uint64_t position_;
  uint64_t dropped_ = 0;
  bool from_start_ = true;
  bool writing_ = false;
  bool finished_ = false;
  pb::WatchEventsResponse response_;
};

namespace {

class Refusal final : public EventStreams::Reactor {
 public:
  explicit Refusal(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

EventStreams::~EventStreams() = default;

EventStreams::Reactor* EventStreams::open(const pb::WatchEventsRequest& request) {
  auto stream = std::make_shared<Stream>(*this, request);
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return new Refusal(stopping());
    if (static_cast<int>(streams_.size()) >= most_) {
      return new Refusal(
          {grpc::StatusCode::RESOURCE_EXHAUSTED,
           "too many readers of events (" + std::to_string(most_) + "); close one, or try again later"});
    }
    streams_.emplace(stream.get(), stream);
    // Before the first read of the ring: a push from now on nudges this stream.
    count_.store(static_cast<int>(streams_.size()), std::memory_order_seq_cst);
  }
  stream->advance();
  return stream.get();
}

void EventStreams::nudge() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    std::lock_guard lock(mutex_);
    streams.reserve(streams_.size());
    for (const auto& [key, stream] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->advance();
}

void EventStreams::stop() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& [key, stream] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->end(stopping());
}

void EventStreams::closed(Stream* stream) {
  std::shared_ptr<Stream> last;  // destroyed after the lock is given back
  std::lock_guard lock(mutex_);
  const auto found = streams_.find(stream);
  last = std::move(found->second);
  streams_.erase(found);
  count_.store(static_cast<int>(streams_.size()), std::memory_order_seq_cst);
}

}  // namespace plimsoll::api
