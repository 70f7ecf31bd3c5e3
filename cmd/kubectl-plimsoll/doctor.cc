#include "cmd/kubectl-plimsoll/doctor.h"

#include <algorithm>

#include "cmd/kubectl-plimsoll/view_traffic.h"

namespace plimsoll::cli {
namespace {

const char* word(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      return "ok";
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      return "error";
  }
  return "";
}

Tone toneOf(Severity severity) {
  switch (severity) {
    case Severity::Ok:
      return Tone::Good;
    case Severity::Info:
      return Tone::Plain;
    case Severity::Warning:
      return Tone::Warn;
    case Severity::Error:
      return Tone::Bad;
  }
  return Tone::Plain;
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 1, ' ');
}

}  // namespace

std::vector<Check> checkAgent(const base::Result<plimsoll::v1::Node>& node,
                              const std::string& client_version) {
  if (!node) {
    return {{"agent", Severity::Error, node.error().message,
             "without the agent no setting is applied or watched",
             "start plimsolld on this node, and run doctor as root"}};
  }
  std::vector<Check> checks;
  if (node->agent_version() == client_version) {
    checks.push_back({"agent", Severity::Ok, "answers, version " + node->agent_version(), "", ""});
  } else {
    checks.push_back({"agent", Severity::Warning,
                      "version " + node->agent_version() + ", this plugin is " + client_version,
                      "newer fields are not shown by an older plugin", "use the same version of both"});
  }
  if (node->runtime().connected()) {
    const auto& runtime = node->runtime();
    checks.push_back(
        {"runtime", Severity::Ok, runtime.name() + " " + runtime.version() + ", connected", "", ""});
  } else {
    checks.push_back({"runtime", Severity::Error, "not connected: " + node->runtime().problem(),
                      "new containers start without their settings",
                      "see the nri check; the agent tries again by itself"});
  }
  if (!node->configuration().problem().empty()) {
    checks.push_back({"config", Severity::Error, node->configuration().problem(),
                      "the configuration before it stays in force",
                      "correct the file; the agent reads it again by itself"});
  }
  for (Check& check : checkNetwork(node->network())) checks.push_back(std::move(check));
  for (const auto& row : node->unsupported()) {
    checks.push_back({"setting", Severity::Info, row.key() + " is not supported here", row.reason(),
                      "none needed, unless pods ask for it"});
  }
  return checks;
}

std::string renderChecks(const std::vector<Check>& checks, const Palette& palette) {
  constexpr size_t kSeverity = 10, kName = 13;
  std::string out;
  for (const Check& check : checks) {
    out += palette.paint(toneOf(check.severity), padded(word(check.severity), kSeverity));
    out += padded(check.name, kName) + (check.node.empty() ? "" : printable(check.node) + ": ") +
           printable(check.found) + "\n";
    const std::string indent(kSeverity + kName, ' ');
    if (!check.why.empty()) out += indent + "why: " + printable(check.why) + "\n";
    if (!check.fix.empty()) out += indent + "fix: " + printable(check.fix) + "\n";
  }
  return out;
}

nlohmann::ordered_json document(const std::vector<Check>& checks) {
  nlohmann::ordered_json out = {
      {"apiVersion", "plimsoll.dev/v1"}, {"kind", "DoctorReport"}, {"healthy", !hasErrors(checks)}};
  out["checks"] = nlohmann::ordered_json::array();
  for (const Check& check : checks) {
    nlohmann::ordered_json row = {
        {"name", check.name}, {"severity", word(check.severity)}, {"found", check.found}};
    if (!check.node.empty()) row["node"] = check.node;
    if (!check.why.empty()) row["why"] = check.why;
    if (!check.fix.empty()) row["fix"] = check.fix;
    out["checks"].push_back(row);
  }
  return out;
}

bool hasErrors(const std::vector<Check>& checks) {
  return std::any_of(checks.begin(), checks.end(),
                     [](const Check& c) { return c.severity == Severity::Error; });
}

}  // namespace plimsoll::cli
