// The runtime's end of one plugin connection, as NRI's Go code behaves: blocking, one thread per reader,
// messages cut as Go cuts them. Raw access for tests that misbehave.
//
// Any thread may call; close() ends everything.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "tests/support/fake_runtime/go_reader.h"

namespace plimsoll::fake {

using base::Result;

class GoLink {
 public:
  // Serves the plugin's calls; runs on a thread of the link.
  using Service = std::function<Result<std::string>(const std::string& method, const std::string& payload)>;

  GoLink(base::UniqueFd fd, Service service);
  ~GoLink();

  // A call to the plugin's service. DeadlineExceeded after `timeout`, Unavailable once closed.
  Result<std::string> call(std::string_view method, std::string_view payload,
                           std::chrono::nanoseconds timeout);

  void close(const std::string& reason = "closed by the runtime");
  bool closed() const { return closed_; }
  // Why it ended; for a frame that Go cannot read this names ENOMEM.
  std::string reason() const;
  bool waitClosed(std::chrono::milliseconds limit);

  // Frames received, in order: stream and payload size.
  struct Frame {
    uint32_t stream;
    size_t size;
  };
  std::vector<Frame> frames() const;
  // Stream ids of the plugin's calls that were not odd and growing.
  int badStreamIds() const { return bad_ids_; }

  // What goes out as it is; false once the peer is gone.
  bool sendRaw(std::string_view bytes);
  bool sendFrame(uint32_t stream, std::string_view payload);
  // A ttRPC message cut as Go cuts it: 4096 bytes, then the rest; header and payload in separate writes.
  bool sendMessage(uint32_t stream, std::string_view message);
  uint32_t nextStreamId() { return next_id_.fetch_add(2); }

 private:
  void readTrunk();
  void readAnswers();
  void readCalls();
  void answerCall(const GoMessage& message);
  bool readExactly(char* out, size_t size);
  // Both with write_mutex_ held: the parts of a frame stay together.
  bool write(std::string_view bytes);
  bool writeFrame(uint32_t stream, std::string_view payload);

  struct Waiting {
    std::optional<Result<std::string>> answer;
  };

  base::UniqueFd fd_;
  Service service_;
  FrameQueue answers_queue_;  // stream 1
  FrameQueue calls_queue_;    // stream 2
  std::mutex write_mutex_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint32_t, Waiting> waiting_;  // guarded by mutex_
  std::vector<Frame> frames_;            // guarded by mutex_
  std::string reason_;                   // guarded by mutex_
  std::atomic<bool> closed_{false};
  std::atomic<uint32_t> next_id_{1};
  std::atomic<int> bad_ids_{0};
  uint32_t last_id_ = 0;  // of readCalls()
  std::vector<std::thread> threads_;
};

}  // namespace plimsoll::fake
