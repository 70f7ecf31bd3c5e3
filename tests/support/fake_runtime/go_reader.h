// How Go's runtime side reads one logical connection of the multiplexer: a queue of at most 256 frames, one
// frame per read, and a failure (ENOMEM) when the frame is larger than the reader's buffer; above it the
// 4096-byte buffered reader that ttRPC uses. A plugin that cuts its messages wrongly fails here as it fails
// in containerd.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/ttrpc/frame.h"

namespace plimsoll::fake {

constexpr size_t kGoQueueFrames = 256;
constexpr size_t kGoBufferSize = 4096;

// Any thread.
class FrameQueue {
 public:
  // False: the queue is full, and Go closes the whole trunk.
  bool push(std::string frame);
  void close(std::string reason);

  // One frame, waiting for it. nullopt at the end, and for a frame over `limit` (error() says which).
  std::optional<std::string> pop(size_t limit);
  std::string error() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> frames_;
  bool closed_ = false;
  std::string error_;
};

struct GoMessage {
  ttrpc::FrameHeader header;
  std::string data;
};

// One thread.
class GoReader {
 public:
  explicit GoReader(FrameQueue& queue) : queue_(queue) {}
  // The next ttRPC message; nullopt at the end or when the peer cut its frames so that Go cannot read them.
  std::optional<GoMessage> next();

 private:
  bool readFull(std::string& out, size_t size);
  FrameQueue& queue_;
  std::string buffered_;
};

}  // namespace plimsoll::fake
