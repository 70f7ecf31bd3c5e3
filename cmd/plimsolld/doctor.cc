#include "cmd/plimsolld/doctor.h"

#include <ostream>

#include "cmd/kubectl-plimsoll/document.h"
#include "cmd/plimsolld/network.h"
#include "pkg/config/config.h"
#include "pkg/netqos/probe.h"

namespace plimsoll::agent {
namespace {

using cli::Check;
using cli::Severity;

Check modeCheck(const model::NetworkStatus& found) {
  const bool none = found.mode.empty() || found.mode == netqos::modeName(netqos::Mode::None);
  if (none) {
    return {"traffic", Severity::Error, "no traffic control can be had here", found.reason,
            "give the agent what is missing, or leave network.enabled off"};
  }
  if (found.reason.empty()) return {"traffic", Severity::Ok, "mode: " + found.mode, "", ""};
  return {"traffic", Severity::Info, "mode: " + found.mode, "no better one: " + found.reason, ""};
}

}  // namespace

std::vector<Check> checkNetwork(const model::NetworkStatus& found) {
  std::vector<Check> checks = {modeCheck(found)};
  if (checks.front().severity == Severity::Error) return checks;
  if (found.pins.empty()) {
    checks.push_back({"pins", Severity::Warning, "nothing outlives the agent",
                      "while it restarts, no packet has a class or a rate",
                      "mount bpffs at /sys/fs/bpf, or name another place with --bpffs"});
  } else {
    checks.push_back({"pins", Severity::Ok, found.pins, "", ""});
  }
  if (found.pacing) {
    checks.push_back({"pacing", Severity::Ok, "TCP is told its rate", "", ""});
  } else {
    checks.push_back({"pacing", Severity::Info, "TCP is not told its rate", found.no_pacing,
                      "none needed: rates are met by marking and dropping"});
  }
  for (const model::NetworkUplink& uplink : found.uplinks) {
    const std::string name = uplink.device + (uplink.queue.empty() ? "" : " (" + uplink.queue + ")");
    if (uplink.problem.empty()) {
      checks.push_back({"uplink", Severity::Ok, name, "", ""});
    } else {
      checks.push_back({"uplink", Severity::Warning, name, uplink.problem, "see network.uplinks"});
    }
  }
  for (const model::NetworkFinding& each : found.findings) {
    checks.push_back({"found", Severity::Info, each.what + (each.where.empty() ? "" : " at " + each.where),
                      each.means, ""});
  }
  return checks;
}

int runDoctor(const AgentOptions& agent, const DoctorOptions& options, std::ostream& out, std::ostream& err) {
  netqos::Options asked;
  asked.bpffs = agent.bpffs;
  asked.roots = agent.roots;
  if (!agent.config.empty()) {
    auto config = config::readNodeConfig(agent.config);
    if (!config) {
      err << "plimsolld: " << config.error().message << "\n";
      return kExitFailure;
    }
    asked.line = lineOf(config->network);
  }
  const std::vector<Check> checks = checkNetwork(statusOf(netqos::probe(asked)));
  if (options.json) {
    out << cli::toJson(cli::document(checks));
  } else {
    out << cli::renderChecks(checks, cli::Palette(false));
  }
  return cli::hasErrors(checks) ? kExitFailure : kExitOk;
}

}  // namespace plimsoll::agent
