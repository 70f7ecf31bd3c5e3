#include "pkg/topology/choose.h"

#include <algorithm>
#include <tuple>

#include "pkg/base/parse.h"

namespace plimsoll::topology {
namespace {

using base::ErrorCode;
using base::Result;
using model::CpuSet;
using model::NumaNode;

CpuSet setOf(int node) {
  CpuSet set;
  set.add(node);
  return set;
}

struct Room {
  const NumaNode* node;
  CpuSet cpus;   // that may be used
  double share;  // of its CPUs that is taken when the container is there
  double cpus_left;
  bool memory_fits;
  int containers;
};

Room roomOf(const NumaNode& node, const Loads& loads, const Wish& wish, const CpuSet& allowed) {
  const auto found = loads.find(node.id);
  const Load load = found == loads.end() ? Load{} : found->second;
  Room room{&node, node.cpus.intersection(allowed), 0, 0, true, load.containers};
  const double count = room.cpus.count();
  room.cpus_left = count - load.cpus - wish.cpus;
  room.share = count > 0 ? (load.cpus + wish.cpus) / count : 0;
  // What is not known of a node's memory does not keep a container from it.
  if (node.memory_bytes) room.memory_fits = load.memory + wish.memory <= *node.memory_bytes;
  return room;
}

// The least share taken; of equals the one with fewer containers, then the lower number.
bool isBetter(const Room& a, const Room& b) {
  return std::tuple(a.share, a.containers, a.node->id) < std::tuple(b.share, b.containers, b.node->id);
}

bool fits(const Room& room) { return room.memory_fits && room.cpus_left >= 0; }

std::string numberOf(const NumaNode& node) { return "NUMA node " + std::to_string(node.id); }

// Rooms with CPUs that may be used.
std::vector<Room> usableRooms(const model::Topology& machine, const Loads& loads, const Wish& wish,
                              const CpuSet& allowed) {
  std::vector<Room> rooms;
  for (const NumaNode& node : machine.nodes) {
    Room room = roomOf(node, loads, wish, allowed);
    if (!room.cpus.empty()) rooms.push_back(std::move(room));
  }
  return rooms;
}

bool hasMemory(const NumaNode& node) { return !node.memory_bytes || *node.memory_bytes > 0; }

// Of the node itself; where it has none, of the nearest that has some.
CpuSet memoryOf(const model::Topology& machine, const NumaNode& node) {
  if (hasMemory(node)) return setOf(node.id);
  const NumaNode* nearest = nullptr;
  int distance = 0;
  for (size_t i = 0; i < machine.nodes.size(); ++i) {
    const NumaNode& other = machine.nodes[i];
    const int to_other = i < node.distances.size() ? node.distances[i] : 255;
    if (!hasMemory(other) || (nearest != nullptr && to_other >= distance)) continue;
    nearest = &other;
    distance = to_other;
  }
  return nearest != nullptr ? setOf(nearest->id) : CpuSet();
}

CpuSet allMemory(const model::Topology& machine) {
  CpuSet mems;
  for (const NumaNode& node : machine.nodes) {
    if (hasMemory(node)) mems.add(node.id);
  }
  return mems;
}

Result<Choice> spread(const model::Topology& machine, const std::vector<Room>& rooms) {
  Choice choice;
  for (const Room& room : rooms) {
    for (int cpu = 0; cpu < CpuSet::kLimit; ++cpu) {
      if (room.cpus.contains(cpu)) choice.cpus.add(cpu);
    }
  }
  choice.mems = allMemory(machine);
  choice.reason = "all NUMA nodes with CPUs";
  return choice;
}

Choice on(const model::Topology& machine, const Room& room, std::string reason) {
  return {room.node->id, room.cpus, memoryOf(machine, *room.node), std::move(reason)};
}

}  // namespace

Result<Wish> parseWish(std::string_view text) {
  if (text == "single") return Wish{Mode::Single};
  if (text == "prefer") return Wish{Mode::Prefer};
  if (text == "spread") return Wish{Mode::Spread};
  const auto node = base::parseInt<int>(text);
  if (!node || *node < 0) return base::invalidArgument("is not single, prefer, spread or a node's number");
  return Wish{Mode::Node, *node};
}

Result<Choice> choose(const model::Topology& machine, const Loads& loads, const Wish& wish,
                      const CpuSet& allowed) {
  std::vector<Room> rooms = usableRooms(machine, loads, wish, allowed);
  if (rooms.empty())
    return base::error(ErrorCode::FailedPrecondition, "no NUMA node has CPUs that may be used");
  if (wish.mode == Mode::Spread) return spread(machine, rooms);
  if (wish.mode == Mode::Node) {
    const auto room = std::find_if(rooms.begin(), rooms.end(),
                                   [&](const Room& each) { return each.node->id == wish.node; });
    if (room != rooms.end()) return on(machine, *room, numberOf(*room->node) + ", as asked");
    return base::error(
        ErrorCode::FailedPrecondition,
        "NUMA node " + std::to_string(wish.node) + " has no CPUs that may be used, or there is no such node");
  }
  std::sort(rooms.begin(), rooms.end(), isBetter);
  const auto room = std::find_if(rooms.begin(), rooms.end(), fits);
  if (room != rooms.end()) {
    Choice choice = on(machine, *room, numberOf(*room->node) + " has most room");
    // Preferred, not required: the kernel takes what the node has first.
    if (wish.mode == Mode::Prefer) choice.mems = allMemory(machine);
    return choice;
  }
  if (wish.mode == Mode::Single)
    return base::error(ErrorCode::FailedPrecondition, "no single NUMA node has the CPUs and the memory left");
  ASSIGN_OR_RETURN(Choice choice, spread(machine, rooms));
  choice.reason = "no single NUMA node has the CPUs and the memory left";
  return choice;
}

}  // namespace plimsoll::topology
