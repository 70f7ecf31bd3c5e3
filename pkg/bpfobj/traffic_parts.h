// What a loaded datapath consists of. Only for traffic*.cc.
#pragma once

#include "bpf/skel/cgroups.skel.h"
#include "bpf/skel/sockets.skel.h"
#include "bpf/skel/traffic.skel.h"
#include "pkg/bpfobj/skeleton.h"
#include "pkg/bpfobj/traffic.h"

namespace plimsoll::bpfobj {

struct Traffic::Parts {
  MapPlan plan;  // folder of the pins, descriptors of all maps
  Skeleton<traffic_bpf> devices;
  base::Result<Skeleton<cgroups_bpf>> cgroups;
  base::Result<Skeleton<sockets_bpf>> sockets;
  MappedArray config, entities, details, links, uplinks;
  std::optional<Map> uplink_counts, attached;
  std::optional<KeyTable> entity_table, link_table;

  TrafficEntity& entityAt(uint32_t slot) const { return entities.as<TrafficEntity>()[slot]; }
  TrafficDetails& detailsAt(uint32_t slot) const { return details.as<TrafficDetails>()[slot]; }
  TrafficUplink& uplinkAt(uint32_t index) const { return uplinks.as<TrafficUplink>()[index]; }
};

}  // namespace plimsoll::bpfobj
