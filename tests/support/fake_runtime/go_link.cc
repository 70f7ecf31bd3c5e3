#include "tests/support/fake_runtime/go_link.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "pkg/ttrpc/envelope.h"

namespace plimsoll::fake {
namespace {

using base::ErrorCode;

constexpr uint32_t kPluginStream = 1;
constexpr uint32_t kRuntimeStream = 2;

void putU32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint32_t getU32(const char* p) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(p[i]);
  return value;
}

}  // namespace

GoLink::GoLink(base::UniqueFd fd, Service service) : fd_(std::move(fd)), service_(std::move(service)) {
  threads_.emplace_back([this] { readTrunk(); });
  threads_.emplace_back([this] { readAnswers(); });
  threads_.emplace_back([this] { readCalls(); });
}

GoLink::~GoLink() {
  close();
  for (std::thread& thread : threads_) thread.join();
}

void GoLink::close(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    if (closed_.exchange(true)) return;
    reason_ = reason;
    changed_.notify_all();
  }
  // The descriptor itself lives until the readers have ended.
  shutdown(fd_.get(), SHUT_RDWR);
  answers_queue_.close(reason);
  calls_queue_.close(reason);
}

std::string GoLink::reason() const {
  std::lock_guard lock(mutex_);
  return reason_;
}

bool GoLink::waitClosed(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return closed_.load(); });
}

std::vector<GoLink::Frame> GoLink::frames() const {
  std::lock_guard lock(mutex_);
  return frames_;
}

bool GoLink::sendRaw(std::string_view bytes) {
  std::lock_guard lock(write_mutex_);
  return write(bytes);
}

bool GoLink::sendFrame(uint32_t stream, std::string_view payload) {
  std::lock_guard lock(write_mutex_);
  return writeFrame(stream, payload);
}

bool GoLink::sendMessage(uint32_t stream, std::string_view message) {
  std::lock_guard lock(write_mutex_);
  if (!writeFrame(stream, message.substr(0, kGoBufferSize))) return false;
  return message.size() <= kGoBufferSize || writeFrame(stream, message.substr(kGoBufferSize));
}

bool GoLink::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool GoLink::writeFrame(uint32_t stream, std::string_view payload) {
  std::string header;
  putU32(header, stream);
  putU32(header, static_cast<uint32_t>(payload.size()));
  return write(header) && write(payload);
}

Result<std::string> GoLink::call(std::string_view method, std::string_view payload,
                                 std::chrono::nanoseconds timeout) {
  uint32_t id = nextStreamId();
  auto request = ttrpc::encodeRequest(
      id,
      {.service = "nri.pkg.api.v1alpha1.Plugin", .method = method, .payload = payload, .timeout = timeout});
  if (!request) return tl::make_unexpected(request.error());
  {
    std::lock_guard lock(mutex_);
    waiting_[id];
  }
  if (!sendMessage(kPluginStream, *request)) close("the plugin closed the connection");
  std::unique_lock lock(mutex_);
  bool answered =
      changed_.wait_for(lock, timeout, [&] { return closed_.load() || waiting_[id].answer.has_value(); });
  auto answer = std::move(waiting_[id].answer);
  waiting_.erase(id);
  if (answer) return *std::move(answer);
  if (!answered) return base::error(ErrorCode::DeadlineExceeded, "the plugin did not answer in time");
  return base::error(ErrorCode::Unavailable, "connection closed: " + reason_);
}

bool GoLink::readExactly(char* out, size_t size) {
  while (size > 0) {
    ssize_t n = recv(fd_.get(), out, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

void GoLink::readTrunk() {
  char header[8];
  while (readExactly(header, sizeof header)) {
    uint32_t stream = getU32(header);
    std::string payload(getU32(header + 4), '\0');
    if (!readExactly(payload.data(), payload.size())) break;
    {
      std::lock_guard lock(mutex_);
      frames_.push_back({stream, payload.size()});
    }
    if (stream != kPluginStream && stream != kRuntimeStream) continue;
    FrameQueue& queue = stream == kPluginStream ? answers_queue_ : calls_queue_;
    if (!queue.push(std::move(payload))) return close("failed to queue payload for reading");
  }
  close("the plugin closed the connection");
}

void GoLink::readAnswers() {
  GoReader reader(answers_queue_);
  while (auto message = reader.next()) {
    auto response = ttrpc::decodeResponse(message->data);
    std::lock_guard lock(mutex_);
    auto it = waiting_.find(message->header.stream_id);
    if (it == waiting_.end()) continue;  // "inactive stream"
    if (!response) {
      it->second.answer = base::error(ErrorCode::Internal, "undecodable answer");
    } else if (response->error) {
      it->second.answer = tl::make_unexpected(*response->error);
    } else {
      it->second.answer = std::string(response->payload);
    }
    changed_.notify_all();
  }
  close(answers_queue_.error());
}

void GoLink::readCalls() {
  GoReader reader(calls_queue_);
  while (auto message = reader.next()) answerCall(*message);
  close(calls_queue_.error());
}

void GoLink::answerCall(const GoMessage& message) {
  uint32_t id = message.header.stream_id;
  auto request = ttrpc::decodeRequest(message.data);
  if (id % 2 == 0 || id <= last_id_ || !request) {
    ++bad_ids_;
    sendMessage(kRuntimeStream, ttrpc::encodeError(id, {ErrorCode::InvalidArgument, "bad request"}));
    return;
  }
  last_id_ = id;
  if (request->service != "nri.pkg.api.v1alpha1.Runtime") {
    sendMessage(kRuntimeStream, ttrpc::encodeError(id, {ErrorCode::Unimplemented, "service"}));
    return;
  }
  auto answer = service_(std::string(request->method), std::string(request->payload));
  auto bytes = answer ? ttrpc::encodeResponse(id, *answer) : ttrpc::encodeError(id, answer.error());
  if (bytes) sendMessage(kRuntimeStream, *bytes);
}

}  // namespace plimsoll::fake
