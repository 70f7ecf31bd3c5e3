// Puts back what the journal says was changed: everything, for `plimsolld release`, or one change, for a
// container whose rule was withdrawn. Only where the kernel still holds our value; what somebody else wrote
// since is theirs.
//
// Needs no plan, no runtime and no running agent. May be run again after any end: what is done is recorded
// change by change. Threads: the one that has the journal.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/cgroup/hierarchy.h"
#include "pkg/journal/journal.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/sys/host_roots.h"

namespace plimsoll::control {

// Finds the place of a change again. Gone: it does not exist any more. Whether it is the same place is told
// by its id and is not for this function.
using OpenAccess = std::function<base::Result<std::unique_ptr<mechanism::Access>>(const journal::Change&)>;

// A new mechanism is one more entry.
using Mechanisms = std::map<model::Target, OpenAccess>;

// Control files, processes and namespaces of containers. Both arguments outlive what is made.
Mechanisms cgroupMechanisms(const cgroup::Hierarchy& hierarchy, const sys::HostRoots& roots);

enum class Outcome {
  Restored,      // holds what it held before us; also where it did so already
  WouldRestore,  // dry run
  Left,          // somebody else wrote another value since
  Gone,          // the cgroup, process or namespace does not exist any more
  Failed,        // the kernel refused, or the place could not be reached; recorded as open still
  NothingKnown,  // what was there before us was never known; recorded as open still
};
std::string_view outcomeName(Outcome outcome);  // "Restored"

struct ReleaseRow {
  journal::Change change;
  std::optional<std::string> now;  // the kernel's text before this release; nullopt: not read
  Outcome outcome = Outcome::Failed;
  std::string reason;  // Failed, NothingKnown, Gone: why, for people
};

struct ReleaseReport {
  std::vector<ReleaseRow> rows;  // as they were put back: the newest change first
  size_t count(Outcome outcome) const;
  // Nothing of ours is left as far as we can tell.
  bool clean() const { return count(Outcome::Failed) == 0 && count(Outcome::NothingKnown) == 0; }
};

enum class Mode { Restore, DryRun };

// The newest change first. What the kernel refuses is tried again after the others, since one file's value
// may bind another's (cpu.max.burst and cpu.max).
ReleaseReport releaseAll(journal::Journal& journal, const Mechanisms& mechanisms, Mode mode);

// One change, without recording it. Gone where another one is in its place by now.
ReleaseRow putBack(const journal::Change& change, const mechanism::Access& access, Mode mode);
// Ends the change in the journal, if the outcome ends it. False: it stays open.
bool recordOutcome(journal::Journal& journal, const ReleaseRow& row, const std::string& note);

// The journal's word for an outcome that ends a change; nullopt: it stays open.
std::optional<journal::Op> closingOf(Outcome outcome);

}  // namespace plimsoll::control
