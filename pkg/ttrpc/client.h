// The calling side of a ttRPC connection: unary calls with odd, growing ids, each with a deadline of its own.
// Answers may come in any order, late ones are ignored.
//
// Not for: streaming calls. One thread, the event loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pkg/base/result.h"
#include "pkg/sys/event_loop.h"
#include "pkg/ttrpc/envelope.h"
#include "pkg/ttrpc/frame.h"

namespace plimsoll::ttrpc {

class Client : private FrameSink {
 public:
  // The view ends with the call.
  using Done = std::function<void(Result<std::string_view> payload)>;

  Client(sys::EventLoop& loop, MessageSink& sink) : loop_(loop), sink_(sink) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  struct Method {
    std::string_view service;
    std::string_view name;
  };

  // `done` is called once: with the answer's payload; the peer's error; DeadlineExceeded; the error of
  // failAll(); or, before call() returns, ResourceExhausted if the request is over kMaxData or kMaxPending
  // calls wait. Not called if the client is destroyed first.
  void call(const Method& method, std::string_view payload, std::chrono::nanoseconds timeout, Done done);

  void receive(std::string_view bytes) { reader_.push(bytes); }

  // Ends every waiting call, for a connection that is gone.
  void failAll(const Error& error);

  size_t pending() const { return pending_.size(); }
  // Answers to calls that had ended.
  uint64_t lateAnswers() const { return late_answers_; }
  uint64_t protocolErrors() const { return protocol_errors_; }

  // Well below the 256 frames at which NRI's runtime side closes the connection.
  static constexpr size_t kMaxPending = 64;

 private:
  void onFrame(const FrameHeader& header, std::string_view data) override;
  void onOversize(const FrameHeader& header) override;
  void finish(uint32_t id, Result<std::string_view> result);

  struct Pending {
    Done done;
    sys::EventLoop::Handle deadline;
  };

  sys::EventLoop& loop_;
  MessageSink& sink_;
  FrameReader reader_{*this};
  uint32_t next_id_ = 1;
  std::unordered_map<uint32_t, Pending> pending_;
  uint64_t late_answers_ = 0;
  uint64_t protocol_errors_ = 0;
};

}  // namespace plimsoll::ttrpc
