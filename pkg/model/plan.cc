#include "pkg/model/plan.h"

namespace plimsoll::model {

std::string_view driftModeName(DriftMode mode) {
  switch (mode) {
    case DriftMode::Enforce:
      return "enforce";
    case DriftMode::Warn:
      return "warn";
    case DriftMode::Yield:
      break;
  }
  return "yield";
}

std::string_view stateName(State state) {
  switch (state) {
    case State::Pending:
      return "Pending";
    case State::Applied:
      return "Applied";
    case State::Adjusted:
      return "Adjusted";
    case State::Refused:
      return "Refused";
    case State::Failed:
      return "Failed";
    case State::Unsupported:
      return "Unsupported";
    case State::Moot:
      return "Moot";
    case State::Drifted:
      return "Drifted";
    case State::Invalid:
      return "Invalid";
  }
  return "Unknown";
}

std::string_view stageName(Stage stage) {
  switch (stage) {
    case Stage::Create:
      return "Create";
    case Stage::Start:
      return "Start";
    case Stage::Late:
      return "Late";
  }
  return "Unknown";
}

}  // namespace plimsoll::model
