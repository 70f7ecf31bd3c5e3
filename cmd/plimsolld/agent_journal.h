// The agent's journal: opened when it is free, and brought to the disk by a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "pkg/base/result.h"
#include "pkg/journal/journal.h"
#include "pkg/sys/event_loop.h"

namespace plimsoll::agent {

// Waits a while for another agent of this node to end, as in a rolling update; `waiting` is called once, when
// that begins. Says in the log what had to be mended, and where it cannot be written. Cancelled: SIGTERM or
// SIGINT, which the caller has blocked, came while waiting.
base::Result<std::unique_ptr<journal::Journal>> openAgentJournal(const std::string& dir,
                                                                 std::chrono::seconds patience,
                                                                 const std::function<void()>& waiting = {});

// Flushes what was appended, a few seconds later. That is soon enough: what the journal tells of does not
// outlive the power either. Nothing happens while nothing is appended but one look each time.
class JournalFlusher {
 public:
  // Both outlive this.
  JournalFlusher(sys::EventLoop& loop, journal::Journal& journal);
  ~JournalFlusher();
  JournalFlusher(const JournalFlusher&) = delete;
  JournalFlusher& operator=(const JournalFlusher&) = delete;

 private:
  void look();
  void work();

  sys::EventLoop& loop_;
  journal::Journal& journal_;
  sys::EventLoop::Handle timer_;
  uint64_t flushed_ = 0;  // records, as of the last look
  bool was_well_ = true;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool due_ = false, ending_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace plimsoll::agent
