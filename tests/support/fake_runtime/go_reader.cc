#include "tests/support/fake_runtime/go_reader.h"

#include <algorithm>
#include <utility>

namespace plimsoll::fake {

bool FrameQueue::push(std::string frame) {
  std::lock_guard lock(mutex_);
  if (frames_.size() >= kGoQueueFrames) return false;
  frames_.push_back(std::move(frame));
  changed_.notify_all();
  return true;
}

void FrameQueue::close(std::string reason) {
  std::lock_guard lock(mutex_);
  if (!closed_ && error_.empty()) error_ = std::move(reason);
  closed_ = true;
  changed_.notify_all();
}

std::optional<std::string> FrameQueue::pop(size_t limit) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || !frames_.empty(); });
  if (frames_.empty()) return std::nullopt;
  if (frames_.front().size() > limit) {
    error_ = "ENOMEM: frame of " + std::to_string(frames_.front().size()) + " bytes for a buffer of " +
             std::to_string(limit);
    closed_ = true;
    frames_.clear();
    return std::nullopt;
  }
  std::string frame = std::move(frames_.front());
  frames_.pop_front();
  return frame;
}

std::string FrameQueue::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

std::optional<GoMessage> GoReader::next() {
  std::string header;
  if (!readFull(header, ttrpc::kHeaderSize)) return std::nullopt;
  GoMessage message{ttrpc::decodeHeader(header), {}};
  if (!readFull(message.data, message.header.length)) return std::nullopt;
  return message;
}

// bufio.Reader: what is buffered first; then a large rest straight from the connection, a small one by way of
// the buffer.
bool GoReader::readFull(std::string& out, size_t size) {
  while (out.size() < size) {
    size_t missing = size - out.size();
    if (buffered_.empty()) {
      auto frame = queue_.pop(std::max(missing, kGoBufferSize));
      if (!frame) return false;
      buffered_ = std::move(*frame);
    }
    size_t n = std::min(missing, buffered_.size());
    out.append(buffered_, 0, n);
    buffered_.erase(0, n);
  }
  return true;
}

}  // namespace plimsoll::fake
