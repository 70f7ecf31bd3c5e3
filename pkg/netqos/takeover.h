// From one layout of the maps to another while traffic flows: what another version left pinned is carried
// over entry by entry, then each link's program is exchanged at once, so that no packet meets none. Internal
// to pkg/netqos.
//
// Reads layouts that bpf/abi/traffic.h describes (sizes are compared); a layout that differs brings its
// reader here. What cannot be read is left running, and said.
#pragma once

#include <string>
#include <vector>

#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/hooks.h"

namespace plimsoll::netqos {

// Folders beside `folder` that hold another layout.
std::vector<std::string> formerFolders(const std::string& folder);

// Entities, links and clocks first, then the places, then the counters of the time until then; removes the
// folder.
base::Status takeOverLayout(const std::string& former, bpfobj::Traffic& traffic, Hooks& hooks,
                            const CgroupTree& tree);

}  // namespace plimsoll::netqos
