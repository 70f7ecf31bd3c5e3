// Tells people what happened: turns plans and changes of state into events, one per transition. Threads: the
// loop's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "pkg/model/plan.h"

namespace plimsoll::control {

// Takes each event; sequence number and time are the taker's to fill in.
using EventSink = std::function<void(model::Event)>;

class Narrator {
 public:
  explicit Narrator(EventSink sink) : sink_(std::move(sink)) {}

  // A plan was made: what in it the user has to know at once (mistakes, refusals, a rejection).
  void planMade(const model::ContainerReport& report);
  // States of settings before and after the kernel was written or read.
  void settled(const model::ContainerReport& before, const model::ContainerReport& after);
  // Somebody else's value was there, as `what` says, and ours is back.
  void corrected(const model::ContainerReport& report, const model::PlannedSetting& setting,
                 const std::string& what);
  void gone(const model::ContainerReport& report);

 private:
  void tell(model::Event::Type type, std::string_view reason, const model::ContainerReport& report,
            std::string_view key, std::string message);

  EventSink sink_;
};

}  // namespace plimsoll::control
