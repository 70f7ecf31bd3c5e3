// `topology`: NUMA nodes, caches, and who may use what.
#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/kubectl-plimsoll/view_tree.h"
#include "pkg/model/quantity.h"

namespace plimsoll::cli {
namespace {

std::string bytesOr(bool known, uint64_t bytes) {
  return known ? model::formatBytes(static_cast<int64_t>(bytes)) : "<unknown>";
}

std::string distancesOf(const pb::NumaNode& node) {
  std::string text;
  for (int distance : node.distances()) text += (text.empty() ? "" : " ") + std::to_string(distance);
  return text;
}

std::string hugePagesOf(const pb::NumaNode& node) {
  std::string text;
  for (const pb::HugePages& each : node.huge_pages()) {
    if (each.total() == 0) continue;
    text += (text.empty() ? "" : ", ") + model::formatBytes(static_cast<int64_t>(each.page_bytes())) + ": " +
            std::to_string(each.free()) + "/" + std::to_string(each.total());
  }
  return text;
}

std::string nodesTable(const pb::Topology& topology, const View& view) {
  Table table({"NUMA", "CPUS", "MEMORY", "FREE", "DISTANCES", "HUGE-PAGES"});
  for (const pb::NumaNode& node : topology.nodes()) {
    table.add({std::to_string(node.id()), node.cpus(), bytesOr(node.has_memory_bytes(), node.memory_bytes()),
               bytesOr(node.has_free_bytes(), node.free_bytes()), distancesOf(node), hugePagesOf(node)});
  }
  return table.render(view.palette);
}

std::string cachesTable(const pb::Topology& topology, const View& view) {
  Table table({"CACHE", "TYPE", "SIZE", "CPUS"});
  for (const pb::CpuCache& cache : topology.caches()) {
    table.add({"L" + std::to_string(cache.level()), cache.type(),
               model::formatBytes(static_cast<int64_t>(cache.bytes())), cache.cpus()});
  }
  return table.empty() ? "" : "\n" + table.render(view.palette);
}

std::string placementTable(const pb::Topology& topology, const View& view) {
  Table table({"NAMESPACE", "POD", "CONTAINER", "CPUS", "MEMS"});
  for (const pb::Placement& each : topology.containers()) {
    table.add({each.namespace_(), each.pod(), each.name(), each.cpus().empty() ? "<unknown>" : each.cpus(),
               each.mems().empty() ? "<unknown>" : each.mems()});
  }
  return table.empty() ? "" : "\n" + table.render(view.palette);
}

template <typename T>
JsonValue known(bool is_known, T value) {
  return is_known ? JsonValue(value) : JsonValue(nullptr);
}

JsonValue nodeDocument(const pb::NumaNode& node) {
  JsonValue pages = JsonValue::array();
  for (const pb::HugePages& each : node.huge_pages())
    pages.push_back({{"pageBytes", each.page_bytes()}, {"total", each.total()}, {"free", each.free()}});
  return {{"id", node.id()},
          {"cpus", node.cpus()},
          {"memoryBytes", known(node.has_memory_bytes(), node.memory_bytes())},
          {"freeBytes", known(node.has_free_bytes(), node.free_bytes())},
          {"distances", std::vector<int>(node.distances().begin(), node.distances().end())},
          {"hugePages", pages}};
}

}  // namespace

std::string topologyText(const pb::Topology& topology, const View& view) {
  std::string out = nodesTable(topology, view);
  std::string cores;
  for (const std::string& core : topology.cores()) cores += (cores.empty() ? "" : " ") + core;
  if (!cores.empty()) out += "Cores: " + printable(cores) + "\n";
  out += cachesTable(topology, view) + placementTable(topology, view);
  for (const std::string& problem : topology.problems()) out += "problem: " + printable(problem) + "\n";
  return out;
}

JsonValue document(const pb::Topology& topology) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "Topology"}};
  out["nodes"] = JsonValue::array();
  for (const pb::NumaNode& node : topology.nodes()) out["nodes"].push_back(nodeDocument(node));
  out["cores"] = std::vector<std::string>(topology.cores().begin(), topology.cores().end());
  out["caches"] = JsonValue::array();
  for (const pb::CpuCache& each : topology.caches()) {
    out["caches"].push_back(
        {{"level", each.level()}, {"type", each.type()}, {"bytes", each.bytes()}, {"cpus", each.cpus()}});
  }
  out["containers"] = JsonValue::array();
  for (const pb::Placement& each : topology.containers()) {
    out["containers"].push_back({{"namespace", each.namespace_()},
                                 {"pod", each.pod()},
                                 {"name", each.name()},
                                 {"id", each.id()},
                                 {"cpus", known(!each.cpus().empty(), each.cpus())},
                                 {"mems", known(!each.mems().empty(), each.mems())}});
  }
  out["problems"] = std::vector<std::string>(topology.problems().begin(), topology.problems().end());
  return out;
}

}  // namespace plimsoll::cli
