// What Plimsoll changed on this node, and what was there before: written ahead of every change, so that it
// can be put back whatever happens in between (kill -9 at any instruction, a crash, uninstall).
//
// One file in the state directory holds everything: containers' cgroup files, processes, namespaces, objects
// of the node. All of that is volatile kernel state, so records of another boot only serve the history.
//
// Not here: putting values back (pkg/control/release.h does, with the mechanisms), or deciding anything.
//
// A text of the kernel is taken as it is; nothing is cut off it. Times inform people and decide nothing.
//
// Threads: one writer (the loop's). history() of another thread reads the file by its own descriptor.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/setting.h"

namespace plimsoll::journal {

// Whose wish it was. All empty: the node's own (nothing that belongs to one container).
struct Owner {
  std::string ns, pod, pod_uid, container, container_id;
  bool operator==(const Owner&) const = default;
};

// One thing on the node that holds, or is about to hold, a value of ours. Owner::container_id, target, place
// name and object together name it.
struct Change {
  Owner owner;
  model::Target target = model::Target::CgroupFile;
  std::string place;                 // mechanism::Place: cgroup path, "net:[4026532281]"
  uint64_t place_id = 0;             // 0: does not exist yet (a creation request carries the value)
  std::string object;                // kernel file or attribute: "cpu.max", "RLIMIT_NOFILE"
  std::string key;                   // the setting: "cpu.max"; a release finds its row by it
  std::optional<std::string> found;  // the kernel's text before us; nullopt: not known, nothing to go back to
  std::string ours;                  // the kernel's text as read back; until then what is being written
  std::string asked_by;              // annotation key, class, default
  std::chrono::system_clock::time_point time{};  // of the last write; set() fills in the present
  bool settled = false;  // `ours` was read back; false: we may have ended before or after the write
  bool operator==(const Change&) const = default;
};

// The numbers stand in files: never given another meaning.
enum class Op {
  Set = 1,        // about to be written
  Settled = 2,    // written; `ours` is now what the kernel shows
  Restored = 3,   // the value found before us is back
  Left = 4,       // holds somebody else's value: left alone, and no longer ours
  Forgotten = 5,  // the object is gone
  Rebased = 6,    // somebody else changed what to go back to: `found` is another value now
};
std::string_view opName(Op op);  // "Set"

struct Record {
  uint64_t sequence = 0;
  Op op = Op::Set;
  Change change;     // for Left: `ours` is the value that was found there
  std::string note;  // for people: who else, why; may be empty
};

struct Options {
  std::string dir = "/var/lib/plimsoll";
  size_t max_bytes = 8 << 20;  // of the file; allocated at the start, so that a full disk takes nothing away
  bool read_only = false;      // for release --dry-run and history: neither locks nor writes
  std::string boot_id = {};    // empty: the kernel's
  std::chrono::milliseconds retry_after{30'000};  // between two tries to get back to the disk
};

struct Stats {
  uint64_t records = 0;         // appended since open()
  uint64_t bytes = 0;           // in use of the half of the file that is written to
  uint64_t syncs = 0;           // flush() that reached the disk
  uint64_t compactions = 0;     // since open()
  uint64_t recovered_torn = 0;  // open() found a last record that was not whole
  uint64_t dropped = 0;         // damaged places that open() skipped
  uint64_t set_aside = 0;       // open() found a file that was none of ours, or a later version's
  size_t open_changes = 0;
};

class Journal {
 public:
  // Recovers what a crash left (a torn last record is cut off, a damaged one is skipped and counted, a file
  // that is none of ours is set aside), drops records of another boot from the open changes. Unavailable:
  // another agent holds the lock. A directory that cannot be written gives a journal that works in memory
  // only and says so in problem().
  // With read_only: errors of reading, and an empty journal where there is no file.
  static base::Result<std::unique_ptr<Journal>> open(Options options);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Ahead of the change. One append for all. A change that is open already keeps its first `found` and place
  // id where it had one. Does not wait for the disk (the page cache survives us; flush() is for power loss).
  void set(std::vector<Change> changes);
  // What the kernel made of it: `ours`, and the place where it was not known yet. Nothing is appended for a
  // change that says nothing new.
  void settled(std::vector<Change> changes);
  // The base under an open change moved (the kubelet resized): what to go back to is another value now.
  void rebase(const Change& change);
  // Nothing happens where no such change is open.
  void close(const Change& change, Op op, std::string note = {});
  // The container is gone and everything of it with it.
  void forgetContainer(std::string_view container_id);

  // Changes that still stand, oldest first. Pointers are valid until the next non-const call.
  std::vector<const Change*> openChanges() const;
  std::vector<const Change*> ofContainer(std::string_view container_id) const;
  // The oldest of them, where there is one in several places.
  const Change* find(std::string_view container_id, model::Target target, std::string_view object) const;

  // Most of the file is in use and would be free after compact(), which takes milliseconds and does not wait
  // for the disk: for a timer. Appends that find the file full do it themselves.
  bool wantsCompaction() const;
  void compact();

  // Writes out to the disk what was appended since the last time. Slow (fdatasync): for a worker thread; the
  // only non-const function that any thread may call. Where the file could not be written it tries again, at
  // most once in Options::retry_after.
  void flush();

  // Empty: everything that was said to be written is in the file. Any thread.
  std::string problem() const;
  // What open() had to mend, in a sentence for the log; empty: nothing.
  std::string recovery() const;
  // Any thread.
  Stats stats() const;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The records of a pod (empty fields: all), oldest first, as far as the bounded file reaches back; where
// there are more than `limit`, the newest. NotFound: no journal there.
struct HistoryQuery {
  std::string ns, pod, container;
  size_t limit = 1000;
};
base::Result<std::vector<Record>> history(const std::string& dir, const HistoryQuery& query);

}  // namespace plimsoll::journal
