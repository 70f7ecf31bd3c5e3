// Which file name stands for which place in the folder of the pins, and where each program belongs. Internal
// to pkg/netqos.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/netqos/hooks.h"

namespace plimsoll::netqos {

bpfobj::Direction directionOf(bpfobj::Program program);
bpfobj::CgroupHook cgroupHookOf(bpfobj::Program program);

// An empty folder, which remembers that the device's clsact is of our making.
std::string clsactMarker(uint32_t ifindex);
// Devices with such a marker.
std::vector<uint32_t> clsactMarkers(const std::string& folder);

// Every pinned link of a folder.
std::vector<Place> pinnedPlaces(const std::string& folder);
// Names in a folder; empty, too, where there is none.
std::vector<std::string> namesIn(const std::string& folder);

// Folders of layouts of the maps ("v3") below the folder of all our pins.
std::optional<uint32_t> layoutOf(std::string_view name);
std::vector<std::string> layoutsIn(const std::string& root);

}  // namespace plimsoll::netqos
