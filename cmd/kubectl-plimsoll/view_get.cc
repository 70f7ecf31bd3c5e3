// Tables of `get` and `events`.
#include "cmd/kubectl-plimsoll/table.h"
#include "cmd/kubectl-plimsoll/views.h"

namespace plimsoll::cli {
namespace {

constexpr size_t kShortId = 13;

std::string objectOf(const pb::Event& event) {
  if (event.pod().empty()) return "node" + (event.node().empty() ? "" : "/" + event.node());
  return "pod/" + event.pod() + (event.container().empty() ? "" : "/" + event.container());
}

std::vector<std::string> eventHeaders(const View& view) {
  std::vector<std::string> headers = {"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
  if (view.all_namespaces) headers.insert(headers.begin(), "NAMESPACE");
  if (view.wide && view.nodes) headers.insert(headers.end() - 1, "NODE");
  return headers;
}

std::vector<Cell> eventCells(const pb::Event& event, const View& view) {
  const bool warning = event.type() == pb::EVENT_TYPE_WARNING;
  std::vector<Cell> cells = {ageOf(event.has_time(), event.time(), view.now),
                             {word(event.type()), warning ? Tone::Warn : Tone::Plain},
                             event.reason(),
                             objectOf(event),
                             event.message()};
  if (view.all_namespaces) cells.insert(cells.begin(), event.namespace_());
  if (view.wide && view.nodes) cells.insert(cells.end() - 1, event.node());
  return cells;
}

}  // namespace

std::string containerTable(std::span<const pb::Container> containers, const View& view) {
  std::vector<std::string> headers = {"POD", "CONTAINER", "CLASS", "SETTINGS", "STATE", "AGE"};
  if (view.all_namespaces) headers.insert(headers.begin(), "NAMESPACE");
  if (view.wide && view.nodes) headers.emplace_back("NODE");
  if (view.wide) headers.insert(headers.end(), {"QOS", "STATUS", "ID", "CGROUP", "REASON"});
  Table table(headers);
  for (const pb::Container& container : containers) {
    const Summary summary = summarise(container);
    std::vector<Cell> cells;
    if (view.all_namespaces) cells.emplace_back(container.pod().namespace_());
    cells.insert(cells.end(), {container.pod().name(),
                               container.name(),
                               container.class_name(),
                               std::to_string(summary.in_order) + "/" + std::to_string(summary.settings),
                               {summary.state, summary.tone},
                               ageOf(container.has_first_seen(), container.first_seen(), view.now)});
    if (view.wide && view.nodes) cells.emplace_back(container.node());
    if (view.wide) {
      cells.insert(cells.end(),
                   {word(container.pod().qos_class()), word(container.state()),
                    container.id().substr(0, kShortId), container.cgroup_path(), summary.reason});
    }
    table.add(std::move(cells));
  }
  return table.render(view.palette, view.headers);
}

namespace {

std::vector<Cell> nodeCells(const pb::Node& node, const View& view) {
  const std::string runtime =
      node.runtime().name() + (node.runtime().version().empty() ? "" : " ") + node.runtime().version();
  const int problems = node.containers().with_problems();
  std::vector<Cell> cells = {node.name(),
                             node.runtime().connected() ? Cell(runtime) : Cell("NotConnected", Tone::Bad),
                             std::to_string(node.containers().known()),
                             {std::to_string(problems), problems > 0 ? Tone::Bad : Tone::Plain},
                             node.agent_version(),
                             ageOf(node.has_started_at(), node.started_at(), view.now)};
  if (!view.wide) return cells;
  const std::string generation = "generation " + std::to_string(node.configuration().generation());
  cells.insert(cells.end(),
               {node.kernel_release(), node.runtime().nri_version(),
                node.configuration().problem().empty() ? Cell(generation)
                                                       : Cell(generation + ", newer one is bad", Tone::Bad),
                std::to_string(node.unsupported_size())});
  return cells;
}

}  // namespace

std::string nodeTable(std::span<const pb::Node> nodes, const View& view) {
  std::vector<std::string> headers = {"NAME", "RUNTIME", "CONTAINERS", "PROBLEMS", "VERSION", "AGE"};
  if (view.wide) headers.insert(headers.end(), {"KERNEL", "NRI", "CONFIG", "UNSUPPORTED"});
  Table table(headers);
  for (const pb::Node& node : nodes) table.add(nodeCells(node, view));
  return table.render(view.palette, view.headers);
}

std::string containerNames(std::span<const pb::Container> containers) {
  std::string out;
  for (const pb::Container& container : containers) {
    out += "container/" + printable(container.pod().name()) + "/" + printable(container.name()) + "\n";
  }
  return out;
}

std::string eventTable(std::span<const pb::Event> events, const View& view) {
  Table table(eventHeaders(view));
  for (const pb::Event& event : events) table.add(eventCells(event, view));
  return table.render(view.palette, view.headers);
}

namespace {

// Widths that fit most events, so that lines which come one by one stand below each other.
std::string fixedWidths(const std::vector<Cell>& cells, const View& view) {
  static constexpr size_t kWidths[] = {9, 7, 20, 32, 24};
  const size_t first = view.all_namespaces ? 1 : 0;
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string text = cells[i].text.empty() ? "<none>" : printable(cells[i].text);
    out += view.palette.paint(cells[i].tone, text);
    if (i + 1 == cells.size()) break;
    const size_t width = i < first ? 16 : kWidths[i - first];
    out += std::string(width > displayWidth(text) ? width - displayWidth(text) : 0, ' ') + "   ";
  }
  return out + "\n";
}

}  // namespace

std::string eventHeader(const View& view) {
  std::vector<Cell> cells;
  for (const std::string& header : eventHeaders(view)) cells.emplace_back(header, Tone::Strong);
  return fixedWidths(cells, view);
}

std::string eventLine(const pb::Event& event, const View& view) {
  return fixedWidths(eventCells(event, view), view);
}

}  // namespace plimsoll::cli
