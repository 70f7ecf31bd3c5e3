#include "cmd/plimsolld/release.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/kubectl-plimsoll/table.h"
#include "pkg/base/parse.h"
#include "pkg/control/release.h"
#include "pkg/netqos/release.h"

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

using Programs = std::vector<netqos::Released>;

// Everything that was done, of settings and of traffic programs.
struct Done {
  ReleaseReport settings;
  Programs programs;
  bool clean() const {
    return settings.clean() && std::all_of(programs.begin(), programs.end(),
                                           [](const netqos::Released& each) { return each.problem.empty(); });
  }
};

std::string table(const Programs& programs, bool dry_run) {
  cli::Table table({"TRAFFIC", "OUTCOME", "REASON"});
  for (const netqos::Released& each : programs) {
    const bool good = each.problem.empty();
    const char* outcome = !good ? "Failed" : dry_run ? "WouldRemove" : "Removed";
    table.add({each.what, {outcome, good ? cli::Tone::Plain : cli::Tone::Bad}, good ? "-" : each.problem});
  }
  return table.render(cli::Palette(false));
}

JsonValue document(const Done& done, bool dry_run) {
  const ReleaseReport& report = done.settings;
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
  out["traffic"] = JsonValue::array();
  for (const netqos::Released& each : done.programs) {
    JsonValue item = {{"what", each.what}};
    if (!each.problem.empty()) item["problem"] = each.problem;
    out["traffic"].push_back(std::move(item));
  }
  return out;
}

std::string summary(const Done& done) {
  const ReleaseReport& report = done.settings;
  if (report.rows.empty()) return done.programs.empty() ? "nothing to put back\n" : "";
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

int print(const Done& done, const ReleaseOptions& options, std::ostream& out) {
  if (options.json) {
    out << cli::toJson(document(done, options.dry_run));
  } else {
    if (!done.programs.empty()) out << table(done.programs, options.dry_run);
    if (!done.settings.rows.empty()) out << table(done.settings);
    out << summary(done);
  }
  return done.clean() ? kExitOk : kExitFailure;
}

Programs releaseTraffic(const AgentOptions& agent, const ReleaseOptions& options) {
  netqos::Options traffic;
  traffic.bpffs = agent.bpffs;
  traffic.roots = agent.roots;
  return netqos::release(traffic,
                         options.dry_run ? netqos::ReleaseMode::DryRun : netqos::ReleaseMode::Release);
}

// Settings of traffic ended with the programs: what the journal has of them is seen as it is now.
control::Mechanisms mechanisms(const cgroup::Hierarchy& hierarchy, const AgentOptions& agent) {
  control::Mechanisms all = control::cgroupMechanisms(hierarchy, agent.roots);
  all[model::Target::Traffic] = [&agent](const journal::Change& change) {
    return base::Result<std::unique_ptr<mechanism::Access>>(
        netqos::releasedAccess(agent.roots, {change.place, change.place_id}));
  };
  return all;
}

// A dry run leaves the programs where they are, so such a value is still ours.
void asIfStillThere(ReleaseReport& report) {
  for (ReleaseRow& row : report.rows) {
    if (row.change.target != model::Target::Traffic || row.outcome != Outcome::Restored) continue;
    row.outcome = Outcome::WouldRestore;
    row.now = row.change.ours;
  }
}

base::Result<ReleaseReport> releaseSettings(journal::Journal& journal, const AgentOptions& agent,
                                            const ReleaseOptions& options) {
  if (journal.openChanges().empty()) return ReleaseReport{};
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::open(agent.roots));
  const auto mode = options.dry_run ? control::Mode::DryRun : control::Mode::Restore;
  ReleaseReport report = control::releaseAll(journal, mechanisms(hierarchy, agent), mode);
  if (options.dry_run) asIfStillThere(report);
  journal.flush();
  return report;
}

// Waits for an agent that is ending, as after the deletion of its pod.
base::Result<std::unique_ptr<journal::Journal>> openJournal(const AgentOptions& agent,
                                                            const ReleaseOptions& options) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.wait_seconds);
  while (true) {
    journal::Options journal_options;
    journal_options.dir = agent.state_dir;
    journal_options.read_only = options.dry_run;
    auto opened = journal::Journal::open(std::move(journal_options));
    const bool busy = !opened && opened.error().code == base::ErrorCode::Unavailable;
    if (!busy || std::chrono::steady_clock::now() >= end) return opened;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

int runRelease(const AgentOptions& agent, const ReleaseOptions& options, std::ostream& out,
               std::ostream& err) {
  // Opening would make it.
  std::error_code ignored;
  if (!std::filesystem::exists(agent.state_dir, ignored) && !ignored)
    return print({{}, releaseTraffic(agent, options)}, options, out);
  auto opened = openJournal(agent, options);
  if (!opened && opened.error().code == base::ErrorCode::Unavailable)
    return fail(err, opened.error().message + "; end it first, or use --dry-run", kExitBusy);
  if (!opened) return fail(err, opened.error().message);
  journal::Journal& journal = **opened;
  for (const std::string& trouble : {journal.problem(), journal.recovery()}) {
    if (!trouble.empty()) fail(err, "warning: " + trouble);
  }
  // The journal is held by now: no agent runs that would attach again.
  Programs programs = releaseTraffic(agent, options);
  auto settings = releaseSettings(journal, agent, options);
  if (!settings) return fail(err, settings.error().message);
  return print({*std::move(settings), std::move(programs)}, options, out);
}

}  // namespace plimsoll::agent
