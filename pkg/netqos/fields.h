// What is asked for one container or pod, as text by field and as the programs take it. Pure, any thread.
// Internal to pkg/netqos; the texts are described in engine.h.
#pragma once

#include <string>
#include <string_view>

#include "pkg/bpfobj/traffic.h"
#include "pkg/netqos/types.h"

namespace plimsoll::netqos {

struct Asked {
  Class traffic_class = Class::Normal;
  uint64_t egress_bits = 0;   // per second; 0: no limit
  uint64_t ingress_bits = 0;  // the same
  uint64_t burst_bytes = 0;
  int dscp = -1;  // -1: the packet's own
  uint32_t weight = 100;
  bool operator==(const Asked&) const = default;
};

// "egress.rate" is a container's, "pod.egress.rate" its pod's. Unimplemented: there is no such field on that
// level.
base::Result<std::string> showField(const Asked& asked, Level level, std::string_view field);
// InvalidArgument: the text is not of the field's form.
base::Status setField(Asked& asked, Level level, std::string_view field, std::string_view text);

// Class, parent and flags are the caller's.
bpfobj::EntitySpec specOf(const Asked& asked);
// The way back, from what the programs hold. A limit that was changed behind our back shows as what it is.
Asked askedOf(const TrafficEntity& entity, const TrafficDetails& details);

}  // namespace plimsoll::netqos
