// Between what control does and the journal's words for it: which change a setting of a container is, whose
// it is, and what there is to go back to. Threads: the loop's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/journal/journal.h"
#include "pkg/mechanism/mechanism.h"
#include "pkg/model/plan.h"

namespace plimsoll::control {

class Ledger {
 public:
  explicit Ledger(journal::Journal& journal) : journal_(journal) {}
  journal::Journal& journal() { return journal_; }

  // The open change of this setting; nullptr: none. Valid until the next call that is not const.
  const journal::Change* find(const model::ContainerReport& report,
                              const model::PlannedSetting& setting) const;
  std::vector<const journal::Change*> ofContainer(const model::ContainerReport& report) const;

  // What is to be written, or to be carried where `place` is not known yet. To be handed to set() together.
  journal::Change change(const model::ContainerReport& report, const model::PlannedSetting& setting,
                         mechanism::Place place, std::optional<std::string> found) const;
  void set(std::vector<journal::Change> changes);

  // What came of it, to be handed to settled() together; nullopt: nothing of ours is there. A write that the
  // kernel refused, leaving all as it was, is no change: that one is closed.
  std::optional<journal::Change> outcome(const model::ContainerReport& report,
                                         const model::PlannedSetting& setting, const mechanism::Place& place,
                                         const mechanism::Applied& applied);
  void settled(std::vector<journal::Change> changes);

  void close(const journal::Change& change, journal::Op op, std::string note) {
    journal_.close(change, op, std::move(note));
  }
  // The kubelet gave another value, as the kernel would show it.
  void rebase(const model::ContainerReport& report, const model::PlannedSetting& setting, std::string found);
  void forget(const std::string& owner_id) { journal_.forgetContainer(owner_id); }

 private:
  journal::Journal& journal_;
};

}  // namespace plimsoll::control
