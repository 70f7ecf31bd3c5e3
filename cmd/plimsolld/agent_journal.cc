#include "cmd/plimsolld/agent_journal.h"

#include <csignal>
#include <ctime>
#include <utility>

#include "pkg/base/log.h"

namespace plimsoll::agent {
namespace {

using namespace std::chrono_literals;
namespace log = base::log;

constexpr auto kInterval = 5s;

void tellProblem(const journal::Journal& journal) {
  log::warn(
      "The journal works in memory only: values of ours could not be put back after an end of this agent",
      {{"err", journal.problem()}});
}

// Nobody runs the loop yet, so its signals are looked for here.
bool endedWithin(std::chrono::milliseconds time) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  const timespec timeout{0, std::chrono::nanoseconds(time).count()};
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

}  // namespace

base::Result<std::unique_ptr<journal::Journal>> openAgentJournal(const std::string& dir,
                                                                 std::chrono::seconds patience,
                                                                 const std::function<void()>& waiting) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (bool told = false;; told = true) {
    auto journal = journal::Journal::open({.dir = dir});
    if (journal) {
      if (!(*journal)->recovery().empty())
        log::warn("The journal had to be mended", {{"what", (*journal)->recovery()}});
      if (!(*journal)->problem().empty()) tellProblem(**journal);
      return journal;
    }
    const bool taken = journal.error().code == base::ErrorCode::Unavailable;
    if (!taken || std::chrono::steady_clock::now() >= end) return journal;
    if (!told) {
      log::info("Waiting for another agent to end", {{"dir", dir}});
      if (waiting) waiting();
    }
    if (endedWithin(50ms)) return base::error(base::ErrorCode::Cancelled, "ended while another agent ran");
  }
}

JournalFlusher::JournalFlusher(sys::EventLoop& loop, journal::Journal& journal)
    : loop_(loop), journal_(journal), was_well_(journal.problem().empty()), thread_([this] { work(); }) {
  timer_ = loop_.after(kInterval, [this] { look(); });
}

JournalFlusher::~JournalFlusher() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void JournalFlusher::look() {
  timer_ = loop_.after(kInterval, [this] { look(); });
  const bool well = journal_.problem().empty();
  if (well != was_well_) {
    was_well_ = well;
    if (well)
      log::info("The journal is written again");
    else
      tellProblem(journal_);
  }
  const uint64_t records = journal_.stats().records;
  if (well && records == flushed_) return;
  flushed_ = records;
  {
    std::lock_guard lock(mutex_);
    due_ = true;
  }
  wake_.notify_one();
}

void JournalFlusher::work() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    wake_.wait(lock, [this] { return due_ || ending_; });
    due_ = false;
    lock.unlock();
    journal_.flush();
    lock.lock();
  }
}

}  // namespace plimsoll::agent
