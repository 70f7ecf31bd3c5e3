#include "cmd/plimsolld/release.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/table.h"
#include "pkg/base/parse.h"
#include "pkg/control/release.h"

namespace plimsoll::agent {
namespace {

using cli::JsonValue;
using control::Outcome;
using control::ReleaseReport;
using control::ReleaseRow;

std::string ownerOf(const journal::Owner& owner) {
  if (owner.pod.empty() && owner.container.empty()) return "node";
  return owner.ns + "/" + owner.pod + (owner.container.empty() ? "" : "/" + owner.container);
}

// Files with a line for each device are one cell here.
std::string oneLine(std::string_view text) {
  std::string line;
  for (char c : base::trim(text)) line += c == '\n' ? std::string("; ") : std::string(1, c);
  return line.empty() ? "\"\"" : line;
}

std::string orUnknown(const std::optional<std::string>& text) { return text ? oneLine(*text) : "<unknown>"; }

cli::Tone toneOf(Outcome outcome) {
  if (outcome == Outcome::Failed || outcome == Outcome::NothingKnown) return cli::Tone::Bad;
  return outcome == Outcome::Left ? cli::Tone::Warn : cli::Tone::Plain;
}

std::string table(const ReleaseReport& report) {
  cli::Table table({"OWNER", "KEY", "FOUND", "OURS", "NOW", "OUTCOME", "REASON"});
  for (const ReleaseRow& row : report.rows) {
    table.add({ownerOf(row.change.owner),
               row.change.key,
               orUnknown(row.change.found),
               oneLine(row.change.ours),
               orUnknown(row.now),
               {std::string(control::outcomeName(row.outcome)), toneOf(row.outcome)},
               row.reason.empty() ? "-" : row.reason});
  }
  return table.render(cli::Palette(false));
}

JsonValue jsonOf(const std::optional<std::string>& text) {
  return text ? JsonValue(*text) : JsonValue(nullptr);
}

JsonValue document(const ReleaseReport& report, bool dry_run) {
  JsonValue out = {{"apiVersion", "plimsoll.dev/v1"}, {"kind", "ReleaseReport"}, {"dryRun", dry_run}};
  out["items"] = JsonValue::array();
  for (const ReleaseRow& row : report.rows) {
    const journal::Change& change = row.change;
    JsonValue item = {{"namespace", change.owner.ns},
                      {"pod", change.owner.pod},
                      {"container", change.owner.container},
                      {"containerID", change.owner.container_id},
                      {"key", change.key},
                      {"place", change.place},
                      {"object", change.object},
                      {"askedBy", change.asked_by}};
    item["found"] = jsonOf(change.found);
    item["ours"] = change.ours;
    item["now"] = jsonOf(row.now);
    item["outcome"] = control::outcomeName(row.outcome);
    if (!row.reason.empty()) item["reason"] = row.reason;
    out["items"].push_back(std::move(item));
  }
  return out;
}

std::string summary(const ReleaseReport& report) {
  if (report.rows.empty()) return "nothing to put back\n";
  std::string text;
  for (Outcome outcome : {Outcome::Restored, Outcome::WouldRestore, Outcome::Left, Outcome::Gone,
                          Outcome::Failed, Outcome::NothingKnown}) {
    const size_t count = report.count(outcome);
    if (count > 0)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
              std::string(control::outcomeName(outcome));
  }
  return text + "\n";
}

int fail(std::ostream& err, const std::string& message, int exit_code = kExitFailure) {
  err << "plimsolld: " << message << "\n";
  return exit_code;
}

int print(const ReleaseReport& report, const ReleaseOptions& options, std::ostream& out) {
  if (options.json) {
    out << cli::toJson(document(report, options.dry_run));
  } else {
    if (!report.rows.empty()) out << table(report);
    out << summary(report);
  }
  return report.clean() ? kExitOk : kExitFailure;
}

}  // namespace

int runRelease(const AgentOptions& agent, const ReleaseOptions& options, std::ostream& out,
               std::ostream& err) {
  // Opening would make it.
  std::error_code ignored;
  if (!std::filesystem::exists(agent.state_dir, ignored) && !ignored) return print({}, options, out);
  journal::Options journal_options;
  journal_options.dir = agent.state_dir;
  journal_options.read_only = options.dry_run;
  auto opened = journal::Journal::open(std::move(journal_options));
  if (!opened && opened.error().code == base::ErrorCode::Unavailable)
    return fail(err, opened.error().message + "; end it first, or use --dry-run", kExitBusy);
  if (!opened) return fail(err, opened.error().message);
  journal::Journal& journal = **opened;
  for (const std::string& trouble : {journal.problem(), journal.recovery()}) {
    if (!trouble.empty()) fail(err, "warning: " + trouble);
  }
  if (journal.openChanges().empty()) return print({}, options, out);
  auto hierarchy = cgroup::Hierarchy::open(agent.roots);
  if (!hierarchy) return fail(err, hierarchy.error().message);
  const auto mode = options.dry_run ? control::Mode::DryRun : control::Mode::Restore;
  const ReleaseReport report =
      control::releaseAll(journal, control::cgroupMechanisms(*hierarchy, agent.roots), mode);
  journal.flush();
  return print(report, options, out);
}

}  // namespace plimsoll::agent
