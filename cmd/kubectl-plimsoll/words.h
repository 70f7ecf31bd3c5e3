// The API's enumerators as words for people and for JSON, and what a container's settings come to in one
// word. An enumerator this client does not know is "Unknown". Pure, any thread.
#pragma once

#include <chrono>
#include <string>

#include "cmd/kubectl-plimsoll/text.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

namespace pb = ::plimsoll::v1;

std::string word(pb::SettingState state);               // Applied
std::string word(pb::Stage stage);                      // Create
std::string word(pb::SourceKind kind);                  // PodAnnotation
std::string word(pb::ContainerState state);             // Running
std::string word(pb::QosClass qos);                     // Burstable
std::string word(pb::OnError on_error);                 // Ignore
std::string word(pb::EventType type);                   // Warning
std::string word(pb::Severity severity);                // error
std::string sourceForPeople(const pb::Source& source);  // "class latency-critical", "plimsoll.dev/cpu.max"

Tone toneOf(pb::SettingState state);

// The container in one word: Rejected, else the state of its setting that needs looking at most, Invalid
// where only the annotations are at fault, "" where Plimsoll has nothing to do.
struct Summary {
  std::string state;
  Tone tone = Tone::Plain;
  int in_order = 0;  // Applied, Adjusted, Moot
  int settings = 0;
  std::string reason;  // of the setting that gave the state
};
Summary summarise(const pb::Container& container);

using Clock = std::chrono::system_clock;
// Age of a timestamp in kubectl's short form; "<unknown>" where there is none.
std::string ageOf(bool known, const google::protobuf::Timestamp& stamp, Clock::time_point now);
// RFC 3339 in UTC, whole seconds; "" where there is none.
std::string isoTime(bool known, const google::protobuf::Timestamp& stamp);

}  // namespace plimsoll::cli
