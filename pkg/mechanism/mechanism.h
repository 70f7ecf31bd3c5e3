// A mechanism is one way of reaching the kernel: control files of a cgroup, attributes of processes, sysctls
// of a namespace, attributes of a link. It reads and writes text; everything around that (compare, write only
// what differs, read back, judge, journal, put back) is the same for all and is done here and in pkg/control.
//
// A new mechanism: a folder with an Access of its own, one value of model::Target, one line in control's
// Applier.
//
// Threads: an Access belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/result.h"
#include "pkg/model/ancestor.h"
#include "pkg/model/plan.h"

namespace plimsoll::mechanism {

// What the journal has to know to find the object again, and to tell it from a later one of the same name.
struct Place {
  std::string name;  // cgroup path below the mount, "net:[4026532281]"
  uint64_t id = 0;   // the kernel's own: cgroup id, inode of a namespace; 0: not known
  bool operator==(const Place&) const = default;
};

// One container's settings of one kind, held open so that what is made later under the same name is never
// meant. Errors as base::Error: isGone() where the object or its container went away (normal); Unimplemented
// where this kernel has no such setting; PermissionDenied where the agent lacks a capability, with its name.
class Access {
 public:
  virtual ~Access() = default;
  virtual Place place() const = 0;
  virtual bool gone() const = 0;
  // The kernel's text for this setting.
  virtual base::Result<std::string> read(const model::PlannedSetting& setting) const = 0;
  // Writes setting.value. Whether the kernel took it is for the caller to read back.
  virtual base::Status write(const model::PlannedSetting& setting) const = 0;
  // What may bind it from above, nearest first; only where that exists.
  virtual std::vector<model::AncestorValue> ancestors(const model::PlannedSetting& setting) const {
    (void)setting;
    return {};
  }
};

struct Applied {
  model::State state = model::State::Failed;  // Applied, Adjusted, Drifted, Failed, Unsupported
  std::string reason;                         // for people; empty when Applied
  std::optional<std::string> found;           // the kernel's text before; nullopt: not read
  std::optional<std::string> actual;          // the kernel's value after, canonical; nullopt: not read
  std::optional<std::string> text;            // the kernel's own text after; nullopt: not read
  int error_number = 0;
  bool gone = false;                            // the container went away meanwhile: normal
  bool written = false;                         // false too where the kernel had the value already
  std::vector<model::AncestorValue> ancestors;  // nearest first
};

// The first half of applySetting(): reads, and says whether a write is needed. Between the halves the caller
// journals what is about to change.
struct Looked {
  Applied applied;  // final where `must_write` is false
  bool must_write = false;
};
Looked look(const Access& access, const model::PlannedSetting& setting);
// The second half: writes, reads back, compares.
Applied put(const Access& access, const model::PlannedSetting& setting, Looked looked);

// Both, one after the other.
Applied applySetting(const Access& access, const model::PlannedSetting& setting);

// Only reads. A value that differs is Adjusted where it never was applied or still is what the kernel made of
// it, else Drifted.
Applied observeSetting(const Access& access, const model::PlannedSetting& setting);

// Copies the outcome into the setting; `found` only where it is not known yet, since later looks would see
// our own value. Stage and changed_at stay the caller's.
void record(const Applied& applied, model::PlannedSetting& setting);

}  // namespace plimsoll::mechanism
