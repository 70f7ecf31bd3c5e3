#include "pkg/ttrpc/server.h"

#include <utility>

namespace plimsoll::ttrpc {

struct Reply::Outlet {
  MessageSink* sink;  // nullptr once the server is gone
  size_t unanswered = 0;
};

Reply::~Reply() {
  if (outlet_) send(base::error(ErrorCode::Internal, "the call was dropped without an answer"));
}

void Reply::send(const Result<std::string>& answer) {
  std::shared_ptr<Outlet> outlet = std::exchange(outlet_, nullptr);
  if (!outlet) return;
  --outlet->unanswered;
  if (!outlet->sink) return;
  if (!answer) return outlet->sink->send(encodeError(id_, answer.error()));
  Result<std::string> message = encodeResponse(id_, *answer);
  outlet->sink->send(message ? *message : encodeError(id_, message.error()));
}

Server::Server(MessageSink& sink) : outlet_(std::make_shared<Reply::Outlet>(Reply::Outlet{&sink})) {}

Server::~Server() { outlet_->sink = nullptr; }

void Server::handle(std::string service, std::string method, Handler handler) {
  handleDeferred(
      std::move(service), std::move(method),
      [handler = std::move(handler)](const Call& call, Reply reply) { reply.send(handler(call)); });
}

void Server::handleDeferred(std::string service, std::string method, DeferredHandler handler) {
  services_[std::move(service)].insert_or_assign(std::move(method), std::move(handler));
}

void Server::receive(std::string_view bytes, Clock::time_point now) {
  now_ = now;
  reader_.push(bytes);
}

void Server::onFrame(const FrameHeader& header, std::string_view data) {
  switch (static_cast<MessageType>(header.type)) {
    case MessageType::Request:
      return onRequest(header, data);
    case MessageType::Data:
      // Unary calls only: no stream is ever open.
      return refuse(header.stream_id, ErrorCode::InvalidArgument, "StreamID is no longer active");
    default:
      return;
  }
}

void Server::onOversize(const FrameHeader& header) {
  refuse(header.stream_id, ErrorCode::ResourceExhausted,
         "message length " + std::to_string(header.length) + " exceeds the maximum of " +
             std::to_string(kMaxData));
}

void Server::onRequest(const FrameHeader& header, std::string_view data) {
  uint32_t id = header.stream_id;
  if (id % 2 == 0) return refuse(id, ErrorCode::InvalidArgument, "StreamID must be odd for client streams");
  if (id <= last_id_) return refuse(id, ErrorCode::InvalidArgument, "StreamID cannot be re-used");
  last_id_ = id;
  auto request = decodeRequest(data);
  if (!request) return refuse(id, ErrorCode::InvalidArgument, "the request is no valid message");
  auto service = services_.find(request->service);
  if (service == services_.end()) {
    return refuse(id, ErrorCode::Unimplemented, "service " + std::string(request->service));
  }
  auto method = service->second.find(request->method);
  if (method == service->second.end()) {
    return refuse(id, ErrorCode::Unimplemented, "method " + std::string(request->method));
  }
  if (outlet_->unanswered >= kMaxUnanswered) {
    return refuse(id, ErrorCode::ResourceExhausted, "too many calls wait for their answers");
  }
  ++outlet_->unanswered;
  method->second(Call{request->service, request->method, request->payload, request->timeout, now_},
                 Reply(outlet_, id));
}

void Server::refuse(uint32_t stream_id, ErrorCode code, std::string message) {
  ++protocol_errors_;
  if (outlet_->sink) outlet_->sink->send(encodeError(stream_id, Error{code, std::move(message)}));
}

}  // namespace plimsoll::ttrpc
