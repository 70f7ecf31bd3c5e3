// What the verbs print for people. Pure functions from messages to text, any thread; the current time is
// given.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cmd/kubectl-plimsoll/text.h"
#include "cmd/kubectl-plimsoll/words.h"
#include "proto/plimsoll/v1/plimsoll.pb.h"

namespace plimsoll::cli {

struct View {
  Palette palette{false};
  Clock::time_point now{};
  bool wide = false;
  bool headers = true;
  bool all_namespaces = false;
  bool nodes = false;  // of several nodes: `wide` names each
};

std::string containerTable(std::span<const pb::Container> containers, const View& view);
std::string nodeTable(std::span<const pb::Node> nodes, const View& view);
// One "container/<pod>/<name>" per line.
std::string containerNames(std::span<const pb::Container> containers);

using TrafficById = std::map<std::string, pb::TrafficStats>;  // by container id
// Lines for `describe`, indented by two.
std::string trafficSection(const pb::TrafficStats& traffic, const View& view);

// All containers of one or more pods, with each setting's journey, the problems and the pods' events.
// `traffic`: what was counted of those that have settings of traffic, by container id.
std::string describeContainers(std::span<const pb::Container> containers, std::span<const pb::Event> events,
                               const View& view, const TrafficById& traffic = {});

std::string eventTable(std::span<const pb::Event> events, const View& view);
// One event as a line of a table whose widths cannot be known beforehand (events -w).
std::string eventHeader(const View& view);
std::string eventLine(const pb::Event& event, const View& view);

std::string settingTable(std::span<const pb::SettingInfo> settings, const View& view);

// `file` is named in front of each finding: "pod.yaml:12: error: ...".
std::string lintFindings(const std::string& file, const pb::LintResponse& lint, const View& view);

}  // namespace plimsoll::cli
