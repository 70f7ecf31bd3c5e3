#include "pkg/ttrpc/client.h"

#include <utility>

namespace plimsoll::ttrpc {

void Client::call(const Method& method, std::string_view payload, std::chrono::nanoseconds timeout,
                  Done done) {
  if (pending_.size() >= kMaxPending) {
    return done(base::error(ErrorCode::ResourceExhausted, "too many calls wait for their answers"));
  }
  if (next_id_ == UINT32_MAX) {
    return done(base::error(ErrorCode::ResourceExhausted, "the connection has used all its stream ids"));
  }
  auto message = encodeRequest(
      next_id_, {.service = method.service, .method = method.name, .payload = payload, .timeout = timeout});
  if (!message) return done(tl::make_unexpected(message.error()));
  uint32_t id = next_id_;
  next_id_ += 2;
  std::string name(method.name);
  auto deadline =
      loop_.after(std::chrono::duration_cast<sys::EventLoop::Clock::duration>(timeout), [=, this] {
        finish(id, base::error(ErrorCode::DeadlineExceeded, "no answer to " + name + " in time"));
      });
  pending_.emplace(id, Pending{std::move(done), std::move(deadline)});
  sink_.send(*message);
}

void Client::failAll(const Error& error) {
  // Taken out first: a callback may call again.
  auto ended = std::exchange(pending_, {});
  for (auto& [id, call] : ended) {
    call.deadline.cancel();
    call.done(tl::make_unexpected(error));
  }
}

void Client::onFrame(const FrameHeader& header, std::string_view data) {
  if (static_cast<MessageType>(header.type) != MessageType::Response) return;
  if (!pending_.contains(header.stream_id)) {
    ++late_answers_;
    return;
  }
  auto response = decodeResponse(data);
  if (!response) {
    ++protocol_errors_;
    return finish(header.stream_id, base::error(ErrorCode::Internal, "the answer is no valid message"));
  }
  if (response->error) return finish(header.stream_id, tl::make_unexpected(*response->error));
  finish(header.stream_id, response->payload);
}

void Client::onOversize(const FrameHeader& header) {
  ++protocol_errors_;
  finish(header.stream_id, base::error(ErrorCode::ResourceExhausted,
                                       "answer of " + std::to_string(header.length) + " bytes is too large"));
}

void Client::finish(uint32_t id, Result<std::string_view> result) {
  auto node = pending_.extract(id);
  if (node.empty()) return;
  node.mapped().deadline.cancel();
  node.mapped().done(std::move(result));
}

}  // namespace plimsoll::ttrpc
