#include "cmd/kubectl-plimsoll/view_history.h"

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/table.h"

namespace plimsoll::cli {
namespace {

Tone toneOf(pb::HistoryOp op) { return op == pb::HISTORY_OP_LEFT ? Tone::Warn : Tone::Plain; }

// Control files with a line for each device are one cell.
std::string oneLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::string line;
  for (char c : text) line += c == '\n' ? std::string("; ") : std::string(1, c);
  return line.empty() ? "\"\"" : line;
}

std::string foundOf(const pb::HistoryEntry& entry) {
  return entry.has_found() ? oneLine(entry.found()) : "<unknown>";
}

JsonValue textOrNull(bool known, const std::string& text) {
  return known ? JsonValue(text) : JsonValue(nullptr);
}

}  // namespace

std::string word(pb::HistoryOp op) {
  switch (op) {
    case pb::HISTORY_OP_SET:
      return "Set";
    case pb::HISTORY_OP_SETTLED:
      return "Settled";
    case pb::HISTORY_OP_RESTORED:
      return "Restored";
    case pb::HISTORY_OP_LEFT:
      return "Left";
    case pb::HISTORY_OP_FORGOTTEN:
      return "Forgotten";
    case pb::HISTORY_OP_REBASED:
      return "Rebased";
    default:
      return "Unknown";
  }
}

std::string historyTable(std::span<const pb::HistoryEntry> entries, const View& view) {
  std::vector<std::string> headers = {"TIME", "CONTAINER", "OP", "KEY", "FOUND", "OURS", "ASKED-BY", "NOTE"};
  if (view.all_namespaces) headers.insert(headers.begin() + 1, {"NAMESPACE", "POD"});
  if (view.wide) headers.insert(headers.end(), {"PLACE", "ID"});
  if (view.wide && view.nodes) headers.emplace_back("NODE");
  Table table(headers);
  for (const pb::HistoryEntry& entry : entries) {
    std::vector<Cell> cells = {isoTime(entry.has_time(), entry.time())};
    if (view.all_namespaces) cells.insert(cells.end(), {entry.namespace_(), entry.pod()});
    cells.insert(cells.end(), {entry.container(),
                               {word(entry.op()), toneOf(entry.op())},
                               entry.key(),
                               foundOf(entry),
                               oneLine(entry.ours()),
                               entry.asked_by(),
                               entry.note()});
    if (view.wide) cells.insert(cells.end(), {entry.place(), entry.container_id().substr(0, 13)});
    if (view.wide && view.nodes) cells.emplace_back(entry.node());
    table.add(std::move(cells));
  }
  return table.render(view.palette, view.headers);
}

JsonValue document(const pb::HistoryEntry& entry) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"},
                   {"kind", "HistoryEntry"},
                   {"sequence", entry.sequence()},
                   {"time", isoTime(entry.has_time(), entry.time())},
                   {"op", word(entry.op())},
                   {"namespace", entry.namespace_()},
                   {"pod", entry.pod()},
                   {"podUID", entry.pod_uid()},
                   {"container", entry.container()},
                   {"containerID", entry.container_id()},
                   {"key", entry.key()},
                   {"place", entry.place()},
                   {"object", entry.object()},
                   {"found", textOrNull(entry.has_found(), entry.found())},
                   {"ours", entry.ours()},
                   {"askedBy", entry.asked_by()},
                   {"note", entry.note()}};
  if (!entry.node().empty()) out["node"] = entry.node();
  return out;
}

JsonValue document(std::span<const pb::HistoryEntry> entries) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "HistoryEntryList"}};
  out["items"] = JsonValue::array();
  for (const pb::HistoryEntry& entry : entries) out["items"].push_back(document(entry));
  return out;
}

}  // namespace plimsoll::cli
