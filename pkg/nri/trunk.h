// The one socket to the runtime: reads, cuts and queues. A runtime that does not read costs the connection,
// not our memory: what waits to be written is bounded.
//
// Not for: what the bytes mean (session.h). One thread, the event loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/base/unique_fd.h"
#include "pkg/nri/mux.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::nri {

// Where a session's messages go.
class Link {
 public:
  virtual ~Link() = default;
  // One whole ttRPC message. Nothing happens if the link is closed.
  virtual void send(uint32_t stream, std::string_view message) = 0;
};

class Trunk final : public Link {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void onBytes(uint32_t stream, std::string_view bytes) = 0;
    // Once; the trunk is closed then. Never after close().
    virtual void onTrunkClosed(const base::Error& reason) = 0;
  };

  // `fd` must be non-blocking.
  static base::Result<std::unique_ptr<Trunk>> create(sys::EventLoop& loop, base::UniqueFd fd,
                                                     Observer& observer);

  void send(uint32_t stream, std::string_view message) override;

  // May be called inside the observer, which must not destroy the trunk before it returns.
  void close();

  // More than this waiting to be written closes the trunk: two of the largest answers.
  static constexpr size_t kMaxQueued = 9U << 20;

 private:
  Trunk(sys::EventLoop& loop, base::UniqueFd fd, Observer& observer);
  void onReady(uint32_t events);
  void read();
  void writeFrame(uint32_t stream, std::string_view payload);
  void flush();
  void fail(base::Error reason);

  sys::EventLoop& loop_;
  base::UniqueFd fd_;
  Observer& observer_;
  sys::EventLoop::Handle watch_;
  MuxReader mux_;
  MuxReader::Sink to_observer_;
  std::vector<char> buffer_;
  std::string queue_;              // bytes not yet written
  size_t queue_pos_ = 0;           // of them, already written
  sys::EventLoop::Handle report_;  // of a failure, on its way to the observer
};

}  // namespace plimsoll::nri
