// The answering side of a ttRPC connection: requests in, by service and method to a handler, answers out.
// What Go's server answers to a request that is wrong, this one answers too (unknown service or method, ids
// that do not grow, data without a stream, broken or oversize messages).
//
// Not for: streaming calls (NRI has none) or the meaning of payloads. One thread.
//
//   ttrpc::Server server(sink);
//   server.handle("my.Service", "Ping", [](const ttrpc::Call& call) -> Result<std::string> { return "pong";
//   }); server.receive(bytes_from_the_peer, now);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "pkg/base/result.h"
#include "pkg/ttrpc/envelope.h"
#include "pkg/ttrpc/frame.h"

namespace plimsoll::ttrpc {

using Clock = std::chrono::steady_clock;

// Valid during the handler's call only.
struct Call {
  std::string_view service;
  std::string_view method;
  std::string_view payload;
  std::chrono::nanoseconds timeout{0};  // what the caller allows from `received` on; 0: it did not say
  Clock::time_point received;
};

// The one answer to one request, now or later, in any order. Dropped unanswered, it answers Internal; after
// the server's end it does nothing. Belongs to the server's thread.
class [[nodiscard]] Reply {
 public:
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&&) = delete;
  ~Reply();
  // Payload or error; a payload beyond kMaxData becomes ResourceExhausted.
  void send(const Result<std::string>& answer);

 private:
  friend class Server;
  struct Outlet;
  Reply(std::shared_ptr<Outlet> outlet, uint32_t stream_id) : outlet_(std::move(outlet)), id_(stream_id) {}
  std::shared_ptr<Outlet> outlet_;  // shared with the server, which disconnects it at its end
  uint32_t id_;
};

class Server : private FrameSink {
 public:
  using Handler = std::function<Result<std::string>(const Call&)>;
  using DeferredHandler = std::function<void(const Call&, Reply)>;

  explicit Server(MessageSink& sink);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void handle(std::string service, std::string method, Handler handler);
  void handleDeferred(std::string service, std::string method, DeferredHandler handler);

  // Bytes from the peer, and when they were read.
  void receive(std::string_view bytes, Clock::time_point now);

  // Frames that were answered with an error of the protocol, not of a handler.
  uint64_t protocolErrors() const { return protocol_errors_; }

  // Unanswered requests at a time; more are refused as ResourceExhausted.
  static constexpr size_t kMaxUnanswered = 1024;

 private:
  void onFrame(const FrameHeader& header, std::string_view data) override;
  void onOversize(const FrameHeader& header) override;
  void onRequest(const FrameHeader& header, std::string_view data);
  void refuse(uint32_t stream_id, ErrorCode code, std::string message);

  using Methods = std::map<std::string, DeferredHandler, std::less<>>;
  std::shared_ptr<Reply::Outlet> outlet_;  // shared with unanswered replies
  FrameReader reader_{*this};
  std::map<std::string, Methods, std::less<>> services_;
  uint32_t last_id_ = 0;
  uint64_t protocol_errors_ = 0;
  Clock::time_point now_;
};

}  // namespace plimsoll::ttrpc
