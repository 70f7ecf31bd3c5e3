// The desired kernel state of one container, and what became of it: a flat, ordered list of settings.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "pkg/model/facts.h"
#include "pkg/model/intent.h"

namespace plimsoll::model {

enum class State {
  Pending,      // decided, not yet written (no cgroup or process yet)
  Applied,      // written, and read back as wanted
  Adjusted,     // written, and the kernel keeps another value; both are shown
  Refused,      // no rule allows it, or it contradicts another setting
  Failed,       // the kernel's errno says why
  Unsupported,  // this kernel or runtime cannot
  Moot,         // applied, but a parent's lower limit binds; `binding` names the file
  Drifted,      // was applied, now holds a value of somebody else
  Invalid,      // what the user wrote cannot be understood
};
std::string_view stateName(State state);  // "Applied", as shown to users

// Nothing of it reaches the kernel.
constexpr bool isDecidedAgainst(State state) {
  return state == State::Refused || state == State::Invalid || state == State::Unsupported;
}

// When the setting takes (or took) effect.
enum class Stage {
  Create,  // carried in the runtime's creation request
  Start,   // written at StartContainer: cgroup and process exist, no user code has run
  Late,    // written to a container that already ran
};
std::string_view stageName(Stage stage);

struct PlannedSetting {
  Request request;
  State state = State::Pending;
  Stage stage = Stage::Start;
  std::string reason;                 // Refused, Unsupported, Failed, Invalid: why, for people
  std::string caveat;                 // in place, and yet without effect: why
  std::string rule;                   // name of the rule that allowed, bounded or refused; empty: the default
  int error_number = 0;               // Failed: errno
  Value value;                        // devices resolved
  std::optional<std::string> found;   // the kernel's text before we wrote; nullopt: not read
  std::optional<std::string> actual;  // the kernel's value after; nullopt: not read (unknown is not zero)
  std::string binding;                // Moot: file and value that binds, "/kubepods/pod1/memory.max = 64Mi"
  std::chrono::system_clock::time_point changed_at{};  // last change of state
};

struct Plan {
  std::string class_name;  // empty: none
  OnError on_error = OnError::Ignore;
  std::vector<PlannedSetting> settings;
  std::vector<Problem> problems;

  // With on-error: reject, why the container must not start; nullopt: it may.
  std::optional<std::string> rejection;
};

// What is known of one container from annotation to kernel. Immutable once published.
struct ContainerReport {
  PodFacts pod;
  ContainerFacts container;
  Plan plan;
  std::string cgroup_path;  // below the cgroup mount; empty: not found yet
  int64_t config_generation = 0;
  std::chrono::system_clock::time_point first_seen{};
};

struct Event {
  uint64_t sequence = 0;
  std::chrono::system_clock::time_point time{};
  enum class Type { Normal, Warning } type = Type::Normal;
  std::string
      reason;  // CamelCase, few: SettingsApplied, SettingRefused, ContainerRejected, ConfigReloaded, ...
  std::string ns, pod, container, key;
  std::string message;
};

}  // namespace plimsoll::model
