// Machine-readable output: versioned lists (apiVersion plimsoll.dev/v1) as JSON or YAML. Fields are added
// over time, never renamed; what is not known is null or left out, never 0. Pure, any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

namespace pb = ::plimsoll::v1;
using JsonValue = nlohmann::ordered_json;

JsonValue document(const pb::Container& container);             // kind Container
JsonValue document(std::span<const pb::Container> containers);  // kind ContainerList
JsonValue document(const pb::Node& node);                       // kind Node
JsonValue document(std::span<const pb::Node> nodes);            // kind NodeList
JsonValue document(const pb::Event& event);                     // kind Event
JsonValue document(std::span<const pb::Event> events);          // kind EventList
JsonValue document(const pb::HistoryEntry& entry);              // kind HistoryEntry
JsonValue document(std::span<const pb::HistoryEntry> entries);  // kind HistoryEntryList
JsonValue document(const pb::SettingInfo& setting);             // kind Setting
JsonValue document(std::span<const pb::SettingInfo> settings);  // kind SettingList
JsonValue document(const pb::LintResponse& lint);               // kind LintReport

// Ends with a newline. ASCII only, so that nothing a pod wrote can steer a terminal.
std::string toJson(const JsonValue& value, bool one_line = false);
// Block style; strings are quoted where YAML 1.1 or 1.2 would read anything else than the same string.
std::string toYaml(const JsonValue& value);

}  // namespace plimsoll::cli
